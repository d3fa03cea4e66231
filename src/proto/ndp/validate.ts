import { EtherType } from '../ethernet/iana.ts';
import { icmpv6Checksum } from './checksum.ts';
import { AdvertisementFlag, ndpHopLimit, NdpOptionType, NdpType, nextHeaderIcmpv6 } from './iana.ts';
import { ndpMessageLength, ndpOffset as offset } from './packet.ts';

/**
 * What is wrong with a frame: it is `malformed`, no whole message of Neighbor Discovery about an address; its `hopLimit`
 * is not 255, so that it may come from beyond a router; its `checksum` is wrong.
 */
export type NdpFault = 'malformed' | 'hopLimit' | 'checksum';

/**
 * Makes the checks of RFC 4861 sections 7.1.1 and 7.1.2 on the first `length` octets of a frame, as `decodeNdpFrame` does,
 * but without making anything: frames of a flood come here.
 */
export const ndpFault = (frame: DataView, length: number): NdpFault | undefined => {
  if (length < offset.options || frame.getUint16(offset.etherType) !== EtherType.ipv6) return 'malformed';
  if (frame.getUint8(offset.version) >>> 4 !== 6) return 'malformed';
  if (frame.getUint8(offset.nextHeader) !== nextHeaderIcmpv6) return 'malformed';
  if (frame.getUint8(offset.nextHeader + 1) !== ndpHopLimit) return 'hopLimit';
  const messageLength = frame.getUint16(offset.payloadLength);
  if (messageLength < ndpMessageLength || messageLength % 8 !== 0 || offset.type + messageLength > length) {
    return 'malformed';
  }
  const type = frame.getUint8(offset.type);
  if (frame.getUint8(offset.type + 1) !== 0 || frame.getUint8(offset.target) === 0xff) return 'malformed';
  if (!areOptionsWhole(frame, messageLength)) return 'malformed';
  if (type === NdpType.neighborSolicitation) {
    if (isUnspecified(frame, offset.sourceIp) && !isWellAskedByNobody(frame)) return 'malformed';
  } else if (type === NdpType.neighborAdvertisement) {
    const isSolicited = (frame.getUint8(offset.flags) & AdvertisementFlag.solicited) !== 0;
    if (isSolicited && frame.getUint8(offset.destinationIp) === 0xff) return 'malformed';
  } else return 'malformed';
  return icmpv6Checksum(frame, offset.sourceIp, messageLength) === 0 ? undefined : 'checksum';
};

/** Whether the sixteen octets at `at` are `::`. */
export const isUnspecified = (frame: DataView, at: number): boolean =>
  frame.getUint32(at) === 0 &&
  frame.getUint32(at + 4) === 0 &&
  frame.getUint32(at + 8) === 0 &&
  frame.getUint32(at + 12) === 0;

/** Where a frame without faults has the link-layer address of an option, one of `NdpOptionType`; undefined: nowhere. */
export const linkLayerAddressAt = (frame: DataView, type: number): number | undefined => {
  const end = offset.type + frame.getUint16(offset.payloadLength);
  for (let at: number = offset.options; at < end; at += 8 * frame.getUint8(at + 1)) {
    if (frame.getUint8(at) === type) return at + 2;
  }
  return undefined;
};

const areOptionsWhole = (frame: DataView, messageLength: number): boolean => {
  const end = offset.type + messageLength;
  for (let at: number = offset.options; at < end;) {
    const size = 8 * frame.getUint8(at + 1);
    if (size === 0 || at + size > end) return false;
    at += size;
  }
  return true;
};

/** A solicitation of nobody goes to a solicited-node group and tells no link-layer address. */
const isWellAskedByNobody = (frame: DataView): boolean =>
  frame.getUint32(offset.destinationIp) === 0xff02_0000 &&
  frame.getUint32(offset.destinationIp + 4) === 0 &&
  frame.getUint32(offset.destinationIp + 8) === 1 &&
  frame.getUint8(offset.destinationIp + 12) === 0xff &&
  linkLayerAddressAt(frame, NdpOptionType.sourceLinkLayerAddress) === undefined;
