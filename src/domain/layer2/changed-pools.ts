import type { AddressRange } from '../../lib/address-range.ts';
import type { Configuration, L2Advertisement, Pool } from '../config/configuration.ts';

/** Names of the pools that are not the same for layer 2 in both: added, removed, with other ranges or advertisements. */
export const changedPools = (
  before: Pick<Configuration, 'pools'>,
  after: Pick<Configuration, 'pools'>,
): ReadonlySet<string> => {
  const old = new Map(before.pools.map((pool) => [pool.name, pool]));
  const changed = new Set<string>();
  for (const pool of after.pools) {
    const previous = old.get(pool.name);
    old.delete(pool.name);
    if (previous === undefined || !isSamePool(previous, pool)) changed.add(pool.name);
  }
  for (const name of old.keys()) changed.add(name);
  return changed;
};

const isSamePool = (a: Pool, b: Pool): boolean =>
  a === b ||
  (areSame(a.ranges, b.ranges, isSameRange) && areSame(a.l2Advertisements, b.l2Advertisements, isSameAdvertisement));

const isSameRange = (a: AddressRange, b: AddressRange): boolean =>
  a.family === b.family && a.first === b.first && a.last === b.last;

const isSameAdvertisement = (a: L2Advertisement, b: L2Advertisement): boolean => a.name === b.name && a.text === b.text;

const areSame = <T>(a: readonly T[], b: readonly T[], isSame: (a: T, b: T) => boolean): boolean =>
  a.length === b.length && a.every((value, index) => isSame(value, b[index] as T));
