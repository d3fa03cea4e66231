import type { AddressRange } from '../../lib/address-range.ts';
import { type Ip, type IpFamily, ipFromNumber } from '../../lib/ip.ts';
import { lastIndexWhere } from '../../lib/sorted.ts';
import type { Pool } from '../config/configuration.ts';

/** The addresses a pool gives in one family, numbered 0, 1, 2… in the order in which they are given. */
export type AddressSpace = {
  readonly family: IpFamily;
  /** How many addresses there are. */
  readonly size: bigint;
  /** The number of an address of this family (as `ipToNumber` gives it); undefined if the pool does not give it. */
  readonly indexOf: (value: bigint) => bigint | undefined;
  /** The address with that number, which must be below `size`. */
  readonly at: (index: bigint) => Ip;
};

/** A range, and the number of its first address. */
type Segment = { readonly range: AddressRange; readonly offset: bigint };

/** Counts the addresses of a family that may be given, and finds them by their count. */
type Counting = {
  /** How many addresses below `value` may be given. */
  readonly below: (value: bigint) => bigint;
  /** The address that has `count` such addresses below it. */
  readonly nth: (count: bigint) => bigint;
  readonly mayGive: (value: bigint) => boolean;
};

const everyAddress: Counting = { below: (value) => value, nth: (count) => count, mayGive: () => true };

/** `avoidBuggyIPs`: of every 256 IPv4 addresses the 254 that end neither in .0 nor in .255. */
const unbuggyAddresses: Counting = {
  below: (value) => {
    const octet = value & 255n;
    return (value >> 8n) * 254n + (octet === 0n ? 0n : octet - 1n);
  },
  nth: (count) => ((count / 254n) << 8n) + (count % 254n) + 1n,
  mayGive: (value) => (value & 255n) !== 0n && (value & 255n) !== 255n,
};

/** Numbers the addresses of one family of a pool. */
export const addressSpace = (pool: Pick<Pool, 'ranges' | 'avoidBuggyIPs'>, family: IpFamily): AddressSpace => {
  const counting = family === 'IPv4' && pool.avoidBuggyIPs ? unbuggyAddresses : everyAddress;
  const segments: Segment[] = [];
  let size = 0n;
  for (const range of pool.ranges) {
    if (range.family !== family) continue;
    segments.push({ range, offset: size });
    size += counting.below(range.last + 1n) - counting.below(range.first);
  }
  const byAddress = segments.toSorted((a, b) => (a.range.first < b.range.first ? -1 : 1));
  return {
    family,
    size,
    indexOf: (value) => {
      const segment = byAddress[lastIndexWhere(byAddress, ({ range }) => range.first <= value)];
      if (segment === undefined || value > segment.range.last || !counting.mayGive(value)) return undefined;
      return segment.offset + counting.below(value) - counting.below(segment.range.first);
    },
    at: (index) => {
      const segment = segments[lastIndexWhere(segments, ({ offset }) => offset <= index)];
      if (segment === undefined || index >= size) throw new RangeError(`no address has the number ${index}`);
      return ipFromNumber(family, counting.nth(index - segment.offset + counting.below(segment.range.first)));
    },
  };
};
