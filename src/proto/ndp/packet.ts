import { type ByteReader, ByteWriter, decoding, type DecodeError } from '../../lib/bytes.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Result } from '../../lib/result.ts';
import { EtherType, ethernetHeaderLength } from '../ethernet/iana.ts';
import { ipv6At, ipv6Words, solicitedNodeGroup, unspecifiedAddress } from './address.ts';
import { icmpv6Checksum } from './checksum.ts';
import { AdvertisementFlag, ndpHopLimit, NdpOptionType, NdpType, nextHeaderIcmpv6 } from './iana.ts';

/** An option (RFC 4861 section 4.6). What it means is left to whoever knows its type. */
export type NdpOption = {
  readonly type: number;
  /** All after type and length: 6 octets, or 8 more, and so on. */
  readonly value: Uint8Array;
};

/** A message of Neighbor Discovery about an address (RFC 4861 sections 4.3 and 4.4). */
export type NdpPacket = { readonly target: Ip; readonly options: readonly NdpOption[] } & (
  | { readonly type: 'solicitation' }
  | {
      readonly type: 'advertisement';
      readonly isRouter: boolean;
      readonly isSolicited: boolean;
      readonly isOverride: boolean;
    }
);

/** A message, and the IPv6 and Ethernet headers it came in. */
export type NdpFrame = {
  readonly destination: Mac;
  readonly source: Mac;
  readonly sourceIp: Ip;
  readonly destinationIp: Ip;
  readonly packet: NdpPacket;
};

/** Octets of a message without options. */
export const ndpMessageLength = 24;

/** Octets of a link-layer address option for Ethernet. */
export const linkLayerOptionLength = 8;

/** Where a frame has its fields, for whoever looks at a few of them only. */
export const ndpOffset = {
  destination: 0,
  source: 6,
  etherType: 12,
  /** Version, traffic class and flow label. */
  version: ethernetHeaderLength,
  payloadLength: ethernetHeaderLength + 4,
  /** Next Header and Hop Limit. */
  nextHeader: ethernetHeaderLength + 6,
  sourceIp: ethernetHeaderLength + 8,
  destinationIp: ethernetHeaderLength + 24,
  /** Type and code of the message. */
  type: ethernetHeaderLength + 40,
  checksum: ethernetHeaderLength + 42,
  flags: ethernetHeaderLength + 44,
  target: ethernetHeaderLength + 48,
  options: ethernetHeaderLength + 40 + ndpMessageLength,
} as const;

/** Next Header and Hop Limit of every frame. */
export const nextHeaderAndHopLimit = nextHeaderIcmpv6 * 0x100 + ndpHopLimit;

/** Octets of a frame that has a single option, a link-layer address. */
export const ndpFrameLength = ndpOffset.options + linkLayerOptionLength;

/**
 * Octets of a frame that have to be there to judge it, its checksum included: room for 110 octets of options, where Linux
 * sends 8 or 16.
 */
export const ndpKeptLength = 188;

/** An option that tells a link-layer address; `type` is one of `NdpOptionType`. */
export const linkLayerOption = (type: number, mac: Mac): NdpOption => ({
  type,
  value: new ByteWriter(6).mac(mac).finish(),
});

/**
 * Decodes one Ethernet frame and checks all that RFC 4861 sections 7.1.1 and 7.1.2 demand; octets after the IPv6 packet
 * are padding. Bad input is a value, never a throw.
 */
export const decodeNdpFrame = (bytes: Uint8Array): Result<NdpFrame, DecodeError> =>
  decoding('NDP', bytes, (r) => readFrame(r, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)));

/** The octets of a frame, with its checksum. */
export const encodeNdpFrame = ({ destination, source, sourceIp, destinationIp, packet }: NdpFrame): Uint8Array => {
  const optionsLength = packet.options.reduce((sum, { value }) => sum + 2 + value.length, 0);
  const length = ndpMessageLength + optionsLength;
  const writer = new ByteWriter(ndpOffset.type + length)
    .mac(destination)
    .mac(source)
    .u16(EtherType.ipv6)
    .u32(ipv6Version)
    .u16(length)
    .u16(nextHeaderAndHopLimit);
  for (const word of [...ipv6Words(sourceIp), ...ipv6Words(destinationIp)]) writer.u32(word);
  writer
    .u8(packet.type === 'solicitation' ? NdpType.neighborSolicitation : NdpType.neighborAdvertisement)
    .u8(0) // code
    .u16(0) // checksum
    .u32(flagsOf(packet) * 0x100_0000);
  for (const word of ipv6Words(packet.target)) writer.u32(word);
  for (const { type, value } of packet.options) {
    writer
      .u8(type)
      .u8((value.length + 2) / 8)
      .octets(value);
  }
  const bytes = writer.finish();
  const view = new DataView(bytes.buffer);
  view.setUint16(ndpOffset.checksum, icmpv6Checksum(view, ndpOffset.sourceIp, length));
  return bytes;
};

/** Version 6, no traffic class, no flow label. */
export const ipv6Version = 0x6000_0000;

const flagsOf = (packet: NdpPacket): number =>
  packet.type === 'solicitation'
    ? 0
    : (packet.isRouter ? AdvertisementFlag.router : 0) +
      (packet.isSolicited ? AdvertisementFlag.solicited : 0) +
      (packet.isOverride ? AdvertisementFlag.override : 0);

const readFrame = (r: ByteReader, view: DataView): NdpFrame => {
  const destination = r.mac();
  const source = r.mac();
  r.expect({ etherType: r.u16() }, { etherType: EtherType.ipv6 });
  r.expect({ version: r.u32() >>> 28 }, { version: 6 });
  const length = r.u16();
  r.expect({ nextHeader: r.u8(), hopLimit: r.u8() }, { nextHeader: nextHeaderIcmpv6, hopLimit: ndpHopLimit });
  const sourceIp = readIp(r, view, ndpOffset.sourceIp);
  const destinationIp = readIp(r, view, ndpOffset.destinationIp);
  if (r.remaining < length) r.fail(`payload length is ${length}, but ${r.remaining} octets follow`);
  if (length < ndpMessageLength || length % 8 !== 0) r.fail(`payload length is ${length}`);
  const type = r.u8();
  r.expect({ code: r.u8() }, { code: 0 });
  r.u16();
  const checksum = icmpv6Checksum(view, ndpOffset.sourceIp, length);
  r.expect({ checksumError: checksum }, { checksumError: 0 });
  const flags = r.u8();
  r.octets(3);
  const target = readIp(r, view, ndpOffset.target);
  const options = readOptions(r, length - ndpMessageLength);
  const frame = { destination, source, sourceIp, destinationIp };
  if (isMulticast(target)) r.fail(`target ${target} is a group`);
  if (type === NdpType.neighborSolicitation) {
    if (sourceIp === unspecifiedAddress) {
      if (!isSolicitedNodeGroup(destinationIp)) r.fail(`a solicitation of nobody to ${destinationIp}`);
      if (options.some((option) => option.type === NdpOptionType.sourceLinkLayerAddress))
        r.fail('a solicitation of nobody with a link-layer address');
    }
    return { ...frame, packet: { type: 'solicitation', target, options } };
  }
  if (type !== NdpType.neighborAdvertisement) r.fail(`type is ${type}`);
  const isSolicited = (flags & AdvertisementFlag.solicited) !== 0;
  if (isSolicited && isMulticast(destinationIp)) r.fail('a solicited advertisement to a group');
  const isRouter = (flags & AdvertisementFlag.router) !== 0;
  const isOverride = (flags & AdvertisementFlag.override) !== 0;
  return { ...frame, packet: { type: 'advertisement', isRouter, isSolicited, isOverride, target, options } };
};

const readIp = (r: ByteReader, view: DataView, at: number): Ip => {
  r.octets(16); // fails where the frame ends before
  return ipv6At(view, at);
};

const readOptions = (r: ByteReader, length: number): readonly NdpOption[] => {
  const options: NdpOption[] = [];
  for (let left = length; left > 0;) {
    const type = r.u8();
    const size = 8 * r.u8();
    if (size === 0 || size > left) r.fail(`option ${type} has ${size} octets of ${left}`);
    options.push({ type, value: r.octets(size - 2).slice() });
    left -= size;
  }
  return options;
};

const isMulticast = (ip: Ip): boolean => ip.startsWith('ff') && ip.indexOf(':') === 4;

const isSolicitedNodeGroup = (ip: Ip): boolean => ip === solicitedNodeGroup(ip);
