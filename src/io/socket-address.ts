import { ipFromNumber, type IpFamily, ipv4FromNumber, ipv4ToNumber, type Ip, ipToNumber, familyOf } from '../lib/ip.ts';
import { Constant } from './libc.ts';

/** Octets of `struct sockaddr_in6`, the longer of the two. */
export const socketAddressLength = 28;

/** The address family of sockets. */
export const addressFamily = (family: IpFamily): number => (family === 'IPv4' ? Constant.AF_INET : Constant.AF_INET6);

/** `struct sockaddr_in` or `sockaddr_in6` (ip(7), ipv6(7)); `scope` is the interface of a link-local address, or 0. */
export const encodeSocketAddress = (ip: Ip, port: number, scope: number): Uint8Array => {
  const isIpv4 = familyOf(ip) === 'IPv4';
  const bytes = new Uint8Array(isIpv4 ? 16 : socketAddressLength);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? Constant.AF_INET : Constant.AF_INET6, true);
  view.setUint16(2, port);
  if (isIpv4) view.setUint32(4, ipv4ToNumber(ip));
  else {
    setIpv6(view, 8, ip);
    view.setUint32(24, scope, true);
  }
  return bytes;
};

/** The address in what the kernel has filled. */
export const socketAddressIp = (view: DataView): Ip =>
  view.getUint16(0, true) === Constant.AF_INET
    ? ipv4FromNumber(view.getUint32(4))
    : ipFromNumber('IPv6', (view.getBigUint64(8) << 64n) | view.getBigUint64(16));

/** The port in what the kernel has filled. */
export const socketAddressPort = (view: DataView): number => view.getUint16(2);

/** `struct ip_mreqn` or `ipv6_mreq`: a group on an interface. */
export const encodeMembership = (group: Ip, interfaceIndex: number): Uint8Array => {
  const isIpv4 = familyOf(group) === 'IPv4';
  const bytes = new Uint8Array(isIpv4 ? 12 : 20);
  const view = new DataView(bytes.buffer);
  if (isIpv4) view.setUint32(0, ipv4ToNumber(group));
  else setIpv6(view, 0, group);
  view.setInt32(isIpv4 ? 8 : 16, interfaceIndex, true);
  return bytes;
};

const setIpv6 = (view: DataView, offset: number, ip: Ip): void => {
  const value = ipToNumber(ip);
  view.setBigUint64(offset, value >> 64n);
  view.setBigUint64(offset + 8, value & 0xffff_ffff_ffff_ffffn);
};
