import type { AddressRange } from './address-range.ts';
import { familyOf, type Ip, type IpFamily, ipToNumber } from './ip.ts';
import { lastIndexWhere } from './sorted.ts';

/** Ranges that do not overlap, each with what it stands for. */
export type RangeMap<T extends object> = {
  /** Adds a range, unless it shares an address with one that is there: then gives back the value of such a one. */
  readonly add: (range: AddressRange, value: T) => T | undefined;
  /** The value of the range that holds the address. O(log n). */
  readonly find: (ip: Ip) => T | undefined;
};

type Entry<T> = { readonly first: bigint; readonly last: bigint; readonly value: T };

/** Long enough to be compact, short enough that moving half of it for an insertion costs nothing. */
const chunkLength = 512;

/** An empty map; a million insertions take O(√n) each, because entries are kept in order in chunks. */
export const rangeMap = <T extends object>(): RangeMap<T> => {
  const chunksOf: Record<IpFamily, Entry<T>[][]> = { IPv4: [], IPv6: [] };

  const add = ({ family, first, last }: AddressRange, value: T): T | undefined => {
    const chunks = chunksOf[family];
    // As the entries do not overlap, the last one that begins before our end also ends last among those.
    const chunkAt = lastIndexWhere(chunks, (chunk) => chunk[0]!.first <= last);
    const chunk = chunks[Math.max(chunkAt, 0)];
    if (chunk === undefined) {
      chunks.push([{ first, last, value }]);
      return undefined;
    }
    const at = lastIndexWhere(chunk, (entry) => entry.first <= last);
    const before = chunk[at];
    if (before !== undefined && before.last >= first) return before.value;
    chunk.splice(at + 1, 0, { first, last, value });
    if (chunk.length > chunkLength) chunks.splice(Math.max(chunkAt, 0) + 1, 0, chunk.splice(chunkLength / 2));
    return undefined;
  };

  const find = (ip: Ip): T | undefined => {
    const chunks = chunksOf[familyOf(ip)];
    const value = ipToNumber(ip);
    const chunk = chunks[lastIndexWhere(chunks, (entries) => entries[0]!.first <= value)];
    const entry = chunk?.[lastIndexWhere(chunk, ({ first }) => first <= value)];
    return entry !== undefined && value <= entry.last ? entry.value : undefined;
  };

  return { add, find };
};
