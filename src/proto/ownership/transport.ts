import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { EtherType, ethernetHeaderLength } from '../ethernet/iana.ts';
import { writeMac } from '../ethernet/mac-field.ts';
import { assembleBpf, BpfCode, type BpfInstruction, interfaceIndexOffset, packetTypeOffset } from '../bpf/assembler.ts';
import { longestSealed } from './iana.ts';

/** Multicast groups that sealed messages are sent to: link-local ones (RFC 5771 section 4; RFC 4291 section 2.7). */
export const beaconGroups = { IPv4: '224.0.0.179' as Ip, IPv6: 'ff02::8000:1f0b' as Ip } as const;

/** Where frames to everybody go: to the MAC of the group of IPv6 (RFC 2464 section 7), which switches may know. */
export const beaconGroupMac = 0x3333_8000_1f0b as Mac;

// A frame: Ethernet header, length of the message (2 octets), message; what follows is padding.

const headerLength = ethernetHeaderLength + 2;

/** Octets of a frame at most, in whole words. */
export const longestBeaconFrame = Math.ceil((headerLength + longestSealed) / 4) * 4;

/** A sealed message straight on Ethernet, under an EtherType for local use (IEEE 802 section 9.2.3). */
export const encodeBeaconFrame = (destination: Mac, source: Mac, message: Uint8Array): Uint8Array => {
  const frame = new Uint8Array(headerLength + message.length);
  const view = new DataView(frame.buffer);
  writeMac(view, 0, destination);
  writeMac(view, 6, source);
  view.setUint16(12, EtherType.localExperimental);
  view.setUint16(14, message.length);
  frame.set(message, headerLength);
  return frame;
};

/** The message in the first `length` octets of a frame, as a view of it; undefined if there is none. */
export const beaconFrameMessage = (frame: DataView, length: number): Uint8Array | undefined => {
  if (length < headerLength) return undefined;
  const end = headerLength + frame.getUint16(14);
  if (end > length) return undefined;
  return new Uint8Array(frame.buffer, frame.byteOffset + headerLength, end - headerLength);
};

/** Frames to this host, to everybody and to groups are of types 0 to 2; those to other hosts and our own follow. */
const packetTypeMulticast = 2;

/** Passes frames that have come to the interface itself: a socket gets those of the VLANs on it, too. */
export const beaconFrameFilter = (interfaceIndex: number): readonly BpfInstruction[] => {
  const assembler = assembleBpf();
  const reject = assembler.write(BpfCode.return, 0);
  const accept = assembler.write(BpfCode.return, longestBeaconFrame);
  assembler.branch(BpfCode.jumpIfEqual, interfaceIndex, accept, reject);
  const next = assembler.write(BpfCode.loadWord, interfaceIndexOffset);
  assembler.branch(BpfCode.jumpIfGreater, packetTypeMulticast, reject, next);
  assembler.write(BpfCode.loadWord, packetTypeOffset);
  return assembler.finish();
};
