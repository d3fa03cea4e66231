import { type Ip, ipFromNumber, ipToNumber } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';

/** An IPv6 address as four unsigned 32-bit numbers, as hot paths compare and write it. */
export type Ipv6Words = readonly [number, number, number, number];

/** `::`, the source of who has no address yet (RFC 4291 section 2.5.2). */
export const unspecifiedAddress = '::' as Ip;

/** `ff02::1`, all nodes of the link (RFC 4291 section 2.7.1). */
export const allNodesGroup = 'ff02::1' as Ip;

/** The words of an IPv6 address. */
export const ipv6Words = (ip: Ip): Ipv6Words => {
  const value = ipToNumber(ip);
  const word = (shift: bigint): number => Number((value >> shift) & 0xffff_ffffn);
  return [word(96n), word(64n), word(32n), word(0n)];
};

/** The IPv6 address of sixteen octets at `at`. */
export const ipv6At = (frame: DataView, at: number): Ip =>
  ipFromNumber('IPv6', (frame.getBigUint64(at) << 64n) | frame.getBigUint64(at + 8));

/** The group that solicitations for the address are sent to: ff02::1:ff and its low 24 bits (RFC 4291 section 2.7.1). */
export const solicitedNodeGroup = (ip: Ip): Ip =>
  ipFromNumber('IPv6', (0xff02n << 112n) | 0x1_ff00_0000n | (ipToNumber(ip) & 0xff_ffffn));

/** The Ethernet address of a multicast group: 33:33 and its low 32 bits (RFC 2464 section 7). */
export const multicastMac = (group: Ip): Mac => (0x3333_0000_0000 + Number(ipToNumber(group) & 0xffff_ffffn)) as Mac;
