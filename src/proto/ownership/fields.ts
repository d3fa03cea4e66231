import type { ByteReader, ByteWriter } from '../../lib/bytes.ts';
import { familyOf, type Ip, ipFromNumber, ipToNumber, ipv4FromNumber, ipv4ToNumber } from '../../lib/ip.ts';
import { type Millis, millis } from '../../lib/time.ts';
import { longestInterfaceName, longestNodeName } from './iana.ts';

// Fields that several messages have. What writes throws `RangeError` where the program asks for what no reader takes.

/** A body ready to be written. */
export type PlannedBody = { readonly length: number; readonly write: (w: ByteWriter) => void };

/** Octets of a duration. */
export const durationLength = 4;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Refuses what no message can carry. */
export const mustHold = (isGood: boolean, what: string): void => {
  if (!isGood) throw new RangeError(`ownership message: ${what}`);
};

/** Octets of a node's name on the wire. */
export const nodeNameLength = (name: string): number => 1 + name.length;

/** Writes a node's name, ASCII as all of Kubernetes' names. */
export const writeNodeName = (w: ByteWriter, name: string): void => {
  mustHold(name.length > 0 && name.length <= longestNodeName, `a node's name has ${name.length} octets`);
  w.u8(name.length);
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    mustHold(isNameOctet(code), `the node's name "${name}" is not ASCII`);
    w.u8(code);
  }
};

/** Reads a node's name. */
export const readNodeName = (r: ByteReader): string => {
  const length = r.u8();
  if (length === 0 || length > longestNodeName) r.fail(`a node's name has ${length} octets`);
  let name = '';
  for (let at = 0; at < length; at++) {
    const code = r.u8();
    if (!isNameOctet(code)) r.fail(`octet ${code} in a node's name`);
    name += String.fromCharCode(code);
  }
  return name;
};

/** Printable, and no blank. */
const isNameOctet = (code: number): boolean => code > 0x20 && code < 0x7f;

/** An interface's name in octets. */
export const encodeInterfaceName = (name: string): Uint8Array => {
  const octets = utf8.encode(name);
  mustHold(
    octets.length > 0 && octets.length <= longestInterfaceName,
    `an interface's name has ${octets.length} octets`,
  );
  return octets;
};

/** Reads an interface's name. */
export const readInterfaceName = (r: ByteReader): string => {
  const length = r.u8();
  if (length === 0 || length > longestInterfaceName) r.fail(`an interface's name has ${length} octets`);
  const octets = r.octets(length);
  try {
    return strictUtf8.decode(octets);
  } catch {
    return r.fail("an interface's name is not UTF-8"); // the only thing that it throws for
  }
};

/** Octets of an address. */
export const ipLength = (ip: Ip): number => (familyOf(ip) === 'IPv4' ? 4 : 16);

/** Writes the 4 or 16 octets of an address. */
export const writeIp = (w: ByteWriter, ip: Ip): void => {
  if (familyOf(ip) === 'IPv4') w.u32(ipv4ToNumber(ip));
  else {
    const value = ipToNumber(ip);
    w.u64(value >> 64n).u64(value & 0xffff_ffff_ffff_ffffn);
  }
};

export const readIpv4 = (r: ByteReader): Ip => ipv4FromNumber(r.u32());

export const readIpv6 = (r: ByteReader): Ip => {
  const value = (r.u64() << 64n) | r.u64();
  if (value >> 32n === 0xffffn) r.fail('an IPv4-mapped address'); // the same as one of IPv4, and never written so
  return ipFromNumber('IPv6', value);
};

/** Writes a duration in whole microseconds, an hour at most. */
export const writeDuration = (w: ByteWriter, duration: Millis): void => {
  w.u32(Math.round(Math.min(Math.max(duration, 0), 3_600_000) * 1000));
};

export const readDuration = (r: ByteReader): Millis => {
  const value = r.u32();
  if (value > 3_600_000_000) r.fail(`a duration of ${value} microseconds`);
  return millis(value / 1000);
};
