import type { AddressRange } from '../../src/lib/address-range.ts';
import { familyOf, type Ip, ipToNumber } from '../../src/lib/ip.ts';

/** Whether the range holds the address. */
export const rangeHas = (range: AddressRange, ip: Ip): boolean => {
  if (familyOf(ip) !== range.family) return false;
  const value = ipToNumber(ip);
  return range.first <= value && value <= range.last;
};

/** Whether two ranges share an address. */
export const rangesOverlap = (a: AddressRange, b: AddressRange): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;
