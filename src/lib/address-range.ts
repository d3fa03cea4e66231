import { Address6 } from 'ip-address';
import { familyBits, familyOf, type IpFamily, ipFromNumber, ipToNumber, parseIp } from './ip.ts';
import { err, ok, type Result } from './result.ts';

/** A contiguous run of addresses of one family, both ends included; a /64 costs what a /32 costs. */
export type AddressRange = {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
};

/**
 * Parses an entry of `spec.addresses`: a CIDR (host bits are dropped), or `first-last` with blanks allowed around the
 * dash. Errors are worded as MetalLB words them. Numbers with leading zeros are refused: programs disagree on them.
 */
export const parseAddressRange = (text: string): Result<AddressRange> => {
  const dash = text.indexOf('-');
  return dash < 0 ? parseCidr(text) : parseFirstLast(text, text.slice(0, dash).trim(), text.slice(dash + 1).trim());
};

const parseCidr = (text: string): Result<AddressRange> => {
  const invalid = `invalid CIDR "${text}"`;
  const slash = text.indexOf('/');
  const address = parseIp(slash < 0 ? text : text.slice(0, slash));
  if (!address.ok) return err(invalid);
  const isIPv6Text = text.includes(':');
  const textBits = familyBits[isIPv6Text ? 'IPv6' : 'IPv4'];
  if (slash < 0) return err(`${invalid}: it has no prefix length (the address alone is "${text}/${textBits}")`);
  const prefix = text.slice(slash + 1);
  const length = Number(prefix);
  if (!/^(0|[1-9]\d{0,2})$/.test(prefix) || length > textBits) return err(invalid);
  // In 16 octets, as Go has it: the prefix length of an IPv4-mapped CIDR counts from the mapped form.
  const value = isIPv6Text ? new Address6(text.slice(0, slash)).bigInt() : ipToNumber(address.value);
  const hostBits = BigInt(textBits - length);
  const first = (value >> hostBits) << hostBits;
  return unmapped(invalid, isIPv6Text ? 'IPv6' : 'IPv4', first, first + (1n << hostBits) - 1n);
};

const mappedFirst = 0xffff_0000_0000n;
const mappedLast = 0xffff_ffff_ffffn;

/** A range inside ::ffff:0:0/96 is IPv4; one that holds only some of it, or more, has no single family. */
const unmapped = (invalid: string, family: IpFamily, first: bigint, last: bigint): Result<AddressRange> => {
  if (family === 'IPv4' || last < mappedFirst || mappedLast < first) return ok({ family, first, last });
  return mappedFirst <= first && last <= mappedLast
    ? ok({ family: 'IPv4', first: first - mappedFirst, last: last - mappedFirst })
    : err(`${invalid}: it holds the IPv4-mapped addresses (::ffff:0:0/96), which are no IPv6 addresses`);
};

const parseFirstLast = (text: string, firstText: string, lastText: string): Result<AddressRange> => {
  const invalid = `invalid IP range "${text}"`;
  const first = parseIp(firstText);
  if (!first.ok) return err(`${invalid}: invalid start IP "${firstText}"`);
  const last = parseIp(lastText);
  if (!last.ok) return err(`${invalid}: invalid end IP "${lastText}"`);
  const family = familyOf(first.value);
  if (familyOf(last.value) !== family) {
    return err(`${invalid}: start IP "${firstText}" and end IP "${lastText}" are of different families`);
  }
  const [firstNumber, lastNumber] = [ipToNumber(first.value), ipToNumber(last.value)];
  return firstNumber <= lastNumber
    ? unmapped(invalid, family, firstNumber, lastNumber)
    : err(`${invalid}: start IP "${firstText}" is after the end IP "${lastText}"`);
};

/** Formats as `first-last`, or as the one address. */
export const formatRange = (range: AddressRange): string =>
  range.first === range.last
    ? ipFromNumber(range.family, range.first)
    : `${ipFromNumber(range.family, range.first)}-${ipFromNumber(range.family, range.last)}`;
