import type { Ip } from '../../lib/ip.ts';
import { type RangeMap, rangeMap } from '../../lib/range-map.ts';
import type { Configuration, Pool } from './configuration.ts';

/** A configuration is immutable, so its index is made once, when somebody first asks. */
const indexes = new WeakMap<Pick<Configuration, 'pools'>, RangeMap<Pool>>();

/**
 * The pool whose ranges hold the address. O(log n) in the number of all ranges. An address that the pool avoids is its
 * own all the same: a service that has it keeps it.
 */
export const findPool = (configuration: Pick<Configuration, 'pools'>, ip: Ip): Pool | undefined => {
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
