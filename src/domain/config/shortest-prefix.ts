import type { AddressRange } from '../../lib/address-range.ts';
import { familyBits } from '../../lib/ip.ts';

/** The length of the shortest of the prefixes that the range falls into when it is cut into as few as possible. */
export const shortestPrefix = ({ family, first, last }: AddressRange): number => {
  const size = last - first + 1n;
  const bits = size.toString(2).length - 1;
  // A range of 2^bits addresses or more holds an aligned block of half that size at least.
  const block = 1n << BigInt(bits);
  const start = ((first + block - 1n) / block) * block;
  return familyBits[family] - (start + block - 1n <= last ? bits : bits - 1);
};
