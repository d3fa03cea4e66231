import { ByteWriter } from '../../lib/bytes.ts';
import { familyOf, type Ip, ipFromNumber, ipToNumber } from '../../lib/ip.ts';

/** Where a member is reached, over UDP and TCP alike. */
export type Endpoint = { readonly address: Ip; readonly port: number };

/** The address of 4 or 16 octets; an IPv4-mapped one is the IPv4 address it maps. Undefined for other lengths. */
export const addressOf = (octets: Uint8Array): Ip | undefined => {
  if (octets.length !== 4 && octets.length !== 16) return undefined;
  const value = octets.reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n);
  if (octets.length === 4) return ipFromNumber('IPv4', value);
  return value >> 32n === 0xffffn ? ipFromNumber('IPv4', value & 0xffff_ffffn) : ipFromNumber('IPv6', value);
};

/** The 4 or 16 octets of an address. */
export const addressOctets = (address: Ip): Uint8Array => {
  const value = ipToNumber(address);
  if (familyOf(address) === 'IPv4') return new ByteWriter(4).u32(Number(value)).finish();
  const writer = new ByteWriter(16);
  for (let shift = 96n; shift >= 0n; shift -= 32n) writer.u32(Number((value >> shift) & 0xffff_ffffn));
  return writer.finish();
};

/** Whether two endpoints are the same. */
export const isSameEndpoint = (a: Endpoint, b: Endpoint): boolean => a.address === b.address && a.port === b.port;
