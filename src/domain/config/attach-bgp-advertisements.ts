import type { IpFamily } from '../../lib/ip.ts';
import type { Selector } from '../selector.ts';
import type { BgpAdvertisement, BgpPeer } from './bgp.ts';
import { type ConflictIndex, conflictIndex, type Scope } from './conflict-index.ts';
import type { ProblemReason, Report } from './custom-resource.ts';
import type { AddressEntry } from './read-pool.ts';
import type { PoolSelection } from './read-pool-selection.ts';
import { shortestPrefix } from './shortest-prefix.ts';

/** An advertisement ready to be attached to pools, and whom to tell about it. */
export type ReadyBgpAdvertisement = PoolSelection & {
  readonly advertisement: BgpAdvertisement;
  readonly report: Report;
};

/** What of a pool matters to the advertisements that cover it. */
export type CoveredPool = {
  readonly name: string;
  /** Those in force. */
  readonly entries: readonly AddressEntry[];
  /** The advertisements that cover the pool, the oldest first. */
  readonly covering: readonly ReadyBgpAdvertisement[];
};

/** Makes the function that gives a pool those of its advertisements that fit it and each other. */
export type BgpAttacher = {
  readonly attach: (pool: CoveredPool) => readonly BgpAdvertisement[];
  /** Reports what was refused: once for each fault, with the pools it concerns. */
  readonly finish: () => void;
};

export const bgpAttacher = (
  peers: readonly BgpPeer[],
  scopeOf: (selectors: readonly Selector[]) => Scope,
): BgpAttacher => {
  const refusals = new Map<ReadyBgpAdvertisement, Map<string, Refusal>>();
  const refuse = (of: ReadyBgpAdvertisement, fault: Fault, pool: string): void => {
    let ofThis = refusals.get(of);
    if (ofThis === undefined) refusals.set(of, (ofThis = new Map()));
    const refusal = ofThis.get(fault.cause);
    if (refusal === undefined) ofThis.set(fault.cause, { fault, pools: [pool] });
    else refusal.pools.push(pool);
  };
  const findPreferenceConflict = preferenceConflicts(scopeOf);
  const echoPeers = peers.filter(({ bfdProfile }) => bfdProfile?.echoMode === true).map(({ name }) => name);

  return {
    attach: ({ name, entries, covering }) => {
      const narrowest = narrowestEntries(entries);
      const fitting = covering.filter((ready) => {
        const fault = aggregationFault(ready.advertisement, narrowest);
        if (fault !== undefined) refuse(ready, fault, name);
        return fault === undefined;
      });
      const conflicts = findPreferenceConflict(fitting, new Set(entries.map(({ range }) => range.family)));
      return fitting.flatMap((ready) => {
        const conflict = conflicts.get(ready);
        if (conflict !== undefined) {
          refuse(ready, conflict, name);
          return [];
        }
        const { advertisement } = ready;
        const deaf = new Set(
          narrowest.IPv6 === undefined ? [] : echoPeers.filter((peer) => goesTo(advertisement, peer)),
        );
        if (deaf.size === 0) return [advertisement];
        for (const peer of deaf) refuse(ready, echoFault(advertisement, peer, name), name);
        const others = (advertisement.peers ? [...advertisement.peers] : peers.map((peer) => peer.name)).filter(
          (peer) => !deaf.has(peer),
        );
        return others.length > 0 ? [{ ...advertisement, peers: new Set(others) }] : [];
      });
    },
    finish: () => {
      for (const [{ report }, ofThis] of refusals) {
        for (const { fault, pools } of ofThis.values()) {
          report(fault.reason, fault.field, fault.cause, fault.effect(poolList(pools)));
        }
      }
    },
  };
};

type Fault = {
  readonly reason: ProblemReason;
  readonly field: string;
  readonly cause: string;
  readonly effect: (pools: string) => string;
};

type Refusal = { readonly fault: Fault; readonly pools: string[] };

const leftOut = (pools: string): string => `the advertisement does not announce ${pools}`;

/** A few by name, so that the text stays short. */
const poolList = (pools: readonly string[]): string => {
  const shown = pools.slice(0, 3).map((name) => `"${name}"`);
  const more = pools.length > shown.length ? ` and ${pools.length - shown.length} more` : '';
  return `pool${pools.length > 1 ? 's' : ''} ${shown.join(', ')}${more}`;
};

/** Of each family the entry whose longest block is the smallest, and the length of its prefix. */
type Narrowest = Partial<Record<IpFamily, { readonly text: string; readonly length: number }>>;

const narrowestEntries = (entries: readonly AddressEntry[]): Narrowest => {
  const narrowest: Narrowest = {};
  for (const { text, range } of entries) {
    const length = shortestPrefix(range);
    if (length > (narrowest[range.family]?.length ?? -1)) narrowest[range.family] = { text, length };
  }
  return narrowest;
};

/** A prefix shorter than those of an entry would announce addresses that are not the pool's. */
const aggregationFault = ({ aggregationLength }: BgpAdvertisement, narrowest: Narrowest): Fault | undefined => {
  for (const family of ['IPv4', 'IPv6'] as const) {
    const entry = narrowest[family];
    if (entry === undefined || aggregationLength[family] >= entry.length) continue;
    return {
      reason: 'InvalidAdvertisement',
      field: family === 'IPv4' ? 'spec.aggregationLength' : 'spec.aggregationLengthV6',
      cause:
        `invalid aggregation length ${aggregationLength[family]}: prefix ${entry.length} in this pool is more specific ` +
        `than the aggregation length for addresses ${entry.text}`,
      effect: leftOut,
    };
  }
  return undefined;
};

const goesTo = ({ peers }: BgpAdvertisement, peer: string): boolean => peers === undefined || peers.has(peer);

const echoFault = ({ name }: BgpAdvertisement, peer: string, pool: string): Fault => ({
  reason: 'Conflict',
  field: 'spec.peers',
  cause:
    `pool ${pool} has bgpadvertisement ${name} which references peer ${peer} which has bfd echo enabled, which is not ` +
    'possible',
  effect: () => 'it is not announced to that peer',
});

/**
 * Routes that differ only in their local preference would replace each other. Finds the advertisements whose preference
 * differs from that of an older one for the same prefixes, for a common node and a common peer. Pools with the same
 * advertisements share the work.
 */
const preferenceConflicts = (scopeOf: (selectors: readonly Selector[]) => Scope) => {
  const ids = new Map<ReadyBgpAdvertisement, number>();
  const outcomes = new Map<string, ReadonlyMap<ReadyBgpAdvertisement, Fault>>();
  const idOf = (ready: ReadyBgpAdvertisement): number => {
    const id = ids.get(ready) ?? ids.size;
    ids.set(ready, id);
    return id;
  };
  return (
    covering: readonly ReadyBgpAdvertisement[],
    families: ReadonlySet<IpFamily>,
  ): ReadonlyMap<ReadyBgpAdvertisement, Fault> => {
    const comparable = covering.filter(({ advertisement }) => advertisement.serviceSelectors.length === 0);
    const preferences = new Set(comparable.map(({ advertisement }) => advertisement.localPref));
    if (preferences.size < 2) return new Map();
    const key = `${[...families].sort().join()} ${comparable.map(idOf).join()}`;
    let outcome = outcomes.get(key);
    if (outcome === undefined) outcomes.set(key, (outcome = comparePreferences(comparable, families, scopeOf)));
    return outcome;
  };
};

const comparePreferences = (
  covering: readonly ReadyBgpAdvertisement[],
  families: ReadonlySet<IpFamily>,
  scopeOf: (selectors: readonly Selector[]) => Scope,
): ReadonlyMap<ReadyBgpAdvertisement, Fault> => {
  const index: ConflictIndex<BgpAdvertisement> = conflictIndex();
  const faults = new Map<ReadyBgpAdvertisement, Fault>();
  for (const ready of covering) {
    const { advertisement } = ready;
    const { localPref, aggregationLength, peers, nodeSelectors } = advertisement;
    const claims = [...families].map((family) => ({
      subject: `${family}/${aggregationLength[family]}`,
      nodes: scopeOf(nodeSelectors),
      peers,
      value: localPref,
      owner: advertisement,
    }));
    const other = claims.map(index.find).find((owner) => owner !== undefined);
    if (other === undefined) claims.forEach(index.add);
    else faults.set(ready, preferenceFault(localPref, other));
  }
  return faults;
};

const preferenceFault = (localPref: number, other: BgpAdvertisement): Fault => ({
  reason: 'Conflict',
  field: 'spec.localPref',
  cause:
    `invalid local preference ${localPref}: local preference ${other.localPref} was already set for the same type of ` +
    'BGP update. Check existing BGP advertisements with common pools and aggregation lengths',
  effect: (pools) => `it was set by "${other.name}", and ${leftOut(pools)}`,
});
