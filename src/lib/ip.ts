import { Address4, Address6 } from 'ip-address';
import { ipv6FromNumber, ipv6ToNumber } from './ipv6-text.ts';
import { err, ok, type Result } from './result.ts';

declare const brand: unique symbol;

/** The two families, named as the Kubernetes API names them. */
export type IpFamily = 'IPv4' | 'IPv6';

/**
 * An IP address as canonical text: dotted quad, or RFC 5952 (lower case, compressed). Equal addresses are equal
 * strings, so it serves as a map key; arithmetic goes through `ipToNumber`.
 */
export type Ip = string & { readonly [brand]: 'ip' };

/** Octets × 8 of a family's addresses. */
export const familyBits = { IPv4: 32, IPv6: 128 } as const;

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** An IPv4 address in canonical text. */
const dottedQuad = new RegExp(`^(?:${octet}\\.){3}${octet}$`);

/** Parses one address; surrounding blanks, prefix lengths and zones are refused. */
export const parseIp = (text: string): Result<Ip> => {
  if (dottedQuad.test(text)) return ok(text as Ip); // nearly all there are; the parser below takes thirty times as long
  if (Address4.isValid(text) && !text.includes('/')) return ok(new Address4(text).correctForm() as Ip);
  if (Address6.isValid(text) && !text.includes('/') && !text.includes('%')) {
    const address = new Address6(text);
    // An IPv4-mapped address is the IPv4 address it maps (RFC 4291 section 2.5.5.2), as Go's net.IP has it.
    if (address.bigInt() >> 32n === 0xffffn) return ok(ipFromNumber('IPv4', address.bigInt() & 0xffff_ffffn));
    return ok(address.correctForm() as Ip);
  }
  return err(`invalid IP address "${text}"`);
};

/** The family of a canonical address. */
export const familyOf = (ip: Ip): IpFamily => (ip.includes(':') ? 'IPv6' : 'IPv4');

/** The address as an unsigned number of `familyBits` bits. */
export const ipToNumber = (ip: Ip): bigint => (familyOf(ip) === 'IPv4' ? BigInt(ipv4ToNumber(ip)) : ipv6ToNumber(ip));

/** The address with that number. */
export const ipFromNumber = (family: IpFamily, value: bigint): Ip =>
  (family === 'IPv4' ? ipv4FromNumber(Number(value)) : ipv6FromNumber(value)) as Ip;

/** A canonical IPv4 address as an unsigned 32-bit number. */
export const ipv4ToNumber = (ip: Ip): number => {
  let value = 0;
  let octet = 0;
  for (let i = 0; i < ip.length; i++) {
    const code = ip.charCodeAt(i);
    if (code === 0x2e) {
      value = value * 256 + octet;
      octet = 0;
    } else octet = octet * 10 + code - 0x30;
  }
  return value * 256 + octet;
};

/** The canonical IPv4 address of an unsigned 32-bit number. */
export const ipv4FromNumber = (value: number): Ip =>
  `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}` as Ip;
