import { rangeHas } from '../../lib/address-range.ts';
import { familyOf, type Ip } from '../../lib/ip.ts';
import { type RangeMap, rangeMap } from '../../lib/range-map.ts';
import type { Configuration, Pool } from './configuration.ts';

/** A configuration is immutable, so its index is made once, when somebody first asks. */
const indexes = new WeakMap<Configuration, RangeMap<Pool>>();

/**
 * The pool whose ranges hold the address. O(log n) in the number of all ranges. Whether the pool may give the address
 * away is another question: `poolGives`.
 */
export const findPool = (configuration: Configuration, ip: Ip): Pool | undefined => {
  let index = indexes.get(configuration);
  if (index === undefined) {
    index = rangeMap<Pool>();
    for (const pool of configuration.pools) {
      for (const range of pool.ranges) {
        const other = index.add(range, pool);
        if (other !== undefined) throw new Error(`pools "${pool.name}" and "${other.name}" of a configuration overlap`);
      }
    }
    indexes.set(configuration, index);
  }
  return index.find(ip);
};

/** Whether the ranges of the pool hold the address. */
export const poolHas = (pool: Pool, ip: Ip): boolean => pool.ranges.some((range) => rangeHas(range, ip));

/** Whether the pool may give the address to a service: it holds it, and does not avoid it. */
export const poolGives = (pool: Pool, ip: Ip): boolean => poolHas(pool, ip) && !(pool.avoidBuggyIPs && isBuggy(ip));

/** IPv4 addresses that end in .0 or .255: some old devices take them for a network or a broadcast address. */
export const isBuggy = (ip: Ip): boolean => familyOf(ip) === 'IPv4' && /\.(0|255)$/.test(ip);
