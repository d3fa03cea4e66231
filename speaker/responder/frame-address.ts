import { type Ip, ipFromNumber, ipToNumber } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';

const linkLocal = 0xfe80n << 112n;
const middle = 0xfffe_000000n;
const universal = 1n << 57n;

/**
 * The address by which a host goes that sends straight on Ethernet: the link-local one that its MAC makes (RFC 4291
 * appendix A), whether it has that address or not.
 */
export const frameAddress = (mac: Mac): Ip => {
  const octets = BigInt(mac);
  const identifier = ((octets >> 24n) << 40n) | middle | (octets & 0xff_ffffn);
  return ipFromNumber('IPv6', linkLocal | (identifier ^ universal));
};

/** The MAC that makes such an address. */
export const macOfFrameAddress = (ip: Ip): Mac => {
  const identifier = (ipToNumber(ip) & 0xffff_ffff_ffff_ffffn) ^ universal;
  return Number(((identifier >> 40n) << 24n) | (identifier & 0xff_ffffn)) as Mac;
};
