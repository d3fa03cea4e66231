import { Address4, Address6 } from 'ip-address';
import { familyBits, familyOf, type Ip, type IpFamily, ipFromNumber, ipToNumber, parseIp } from './ip.ts';
import { err, ok, type Result } from './result.ts';

/** A contiguous run of addresses of one family, both ends included; a /64 costs what a /32 costs. */
export type AddressRange = {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
};

/**
 * Parses an entry of `spec.addresses`: a CIDR (host bits are dropped), or `first-last` with blanks allowed around the
 * dash. Errors are worded as MetalLB words them.
 */
export const parseAddressRange = (text: string): Result<AddressRange> => {
  const dash = text.indexOf('-');
  return dash < 0 ? parseCidr(text) : parseFirstLast(text, text.slice(0, dash).trim(), text.slice(dash + 1).trim());
};

const parseCidr = (text: string): Result<AddressRange> => {
  const invalid = err(`invalid CIDR "${text}"`);
  if (!/^[0-9a-fA-F:.]+\/\d{1,3}$/.test(text)) return invalid;
  const family: IpFamily = text.includes(':') ? 'IPv6' : 'IPv4';
  if (!(family === 'IPv4' ? Address4.isValid(text) : Address6.isValid(text))) return invalid;
  const address = family === 'IPv4' ? new Address4(text) : new Address6(text);
  const hostBits = BigInt(familyBits[family] - address.subnetMask);
  const first = (address.bigInt() >> hostBits) << hostBits;
  return ok({ family, first, last: first + (1n << hostBits) - 1n });
};

const parseFirstLast = (text: string, firstText: string, lastText: string): Result<AddressRange> => {
  const first = parseIp(firstText);
  if (!first.ok) return err(`invalid IP range "${text}": invalid start IP "${firstText}"`);
  const last = parseIp(lastText);
  if (!last.ok) return err(`invalid IP range "${text}": invalid end IP "${lastText}"`);
  const family = familyOf(first.value);
  if (familyOf(last.value) !== family) {
    return err(
      `invalid IP range "${text}": start IP "${firstText}" and end IP "${lastText}" are of different families`,
    );
  }
  const range = { family, first: ipToNumber(first.value), last: ipToNumber(last.value) };
  return range.first <= range.last
    ? ok(range)
    : err(`invalid IP range "${text}": start IP "${firstText}" is after the end IP "${lastText}"`);
};

/** Whether the range holds the address. */
export const rangeHas = (range: AddressRange, ip: Ip): boolean => {
  if (familyOf(ip) !== range.family) return false;
  const value = ipToNumber(ip);
  return range.first <= value && value <= range.last;
};

/** Whether two ranges share an address. */
export const rangesOverlap = (a: AddressRange, b: AddressRange): boolean =>
  a.family === b.family && a.first <= b.last && b.first <= a.last;

/** How many addresses the range holds. */
export const rangeSize = (range: AddressRange): bigint => range.last - range.first + 1n;

/** Formats as `first-last`, or as the one address. */
export const formatRange = (range: AddressRange): string =>
  range.first === range.last
    ? ipFromNumber(range.family, range.first)
    : `${ipFromNumber(range.family, range.first)}-${ipFromNumber(range.family, range.last)}`;
