import { EtherType } from '../ethernet/iana.ts';
import type { Mac } from '../../lib/mac.ts';
import { isHostMac, macAt, writeMac } from '../ethernet/mac-field.ts';
import { allNodesGroup, ipv6Words, multicastMac } from './address.ts';
import { icmpv6Checksum } from './checksum.ts';
import { AdvertisementFlag, NdpOptionType, NdpType } from './iana.ts';
import {
  ipv6Version,
  linkLayerOptionLength,
  ndpMessageLength,
  ndpOffset as offset,
  nextHeaderAndHopLimit,
} from './packet.ts';
import { isUnspecified, type NdpFault, ndpFault } from './validate.ts';

/** What one interface answers for. */
export type NdpTable = {
  readonly mac: Mac;
  /** Whether the address in the sixteen octets at `at` is answered for on this interface. */
  readonly has: (frame: DataView, at: number) => boolean;
};

/**
 * Why a frame gets no answer: it has a fault; `ownFrame` came back to its sender; its `source` is no address of a host;
 * its `ethernetDestination` is neither ours nor a multicast group; its `messageType` is no solicitation; its
 * `targetAddress` is not answered for here.
 */
export type NdpDropReason = NdpFault | 'ownFrame' | 'source' | 'ethernetDestination' | 'messageType' | 'targetAddress';

/**
 * Decides about the first `length` octets of `frame`, whose memory holds `ndpFrameLength` octets or more, and turns a
 * solicitation for an address of ours into its advertisement, in place (RFC 4861 section 7.2.4). No memory is allocated:
 * this is the one step that every packet of a flood takes. The advertisement goes only to the host that sent the frame,
 * its Ethernet source, whether or not the solicitation has an option that tells a link-layer address; so nothing can be
 * made to hit a third host. Only duplicate address detection, whose source is `::`, is answered to all nodes. Ours is the
 * address, so Override is set, and none of our nodes is a router for it. It comes from the address itself, as Linux does
 * it: ndisc6 hears no other.
 */
export const answerNdp = (frame: DataView, length: number, table: NdpTable): 'reply' | NdpDropReason => {
  if (length < offset.options || frame.getUint16(offset.etherType) !== EtherType.ipv6) return 'malformed';
  if (frame.getUint8(offset.type) !== NdpType.neighborSolicitation) return 'messageType';
  const source = macAt(frame, offset.source);
  if (source === table.mac) return 'ownFrame';
  if (!isHostMac(source) || frame.getUint8(offset.sourceIp) === 0xff) return 'source';
  if (frame.getUint16(offset.destination) !== 0x3333 && macAt(frame, offset.destination) !== table.mac) {
    return 'ethernetDestination';
  }
  if (!table.has(frame, offset.target)) return 'targetAddress';
  const fault = ndpFault(frame, length);
  if (fault !== undefined) return fault;

  const isAskedByNobody = isUnspecified(frame, offset.sourceIp);
  writeMac(frame, offset.destination, isAskedByNobody ? allNodesMac : source);
  writeMac(frame, offset.source, table.mac);
  frame.setUint32(offset.version, ipv6Version);
  frame.setUint16(offset.payloadLength, answerLength);
  frame.setUint16(offset.nextHeader, nextHeaderAndHopLimit);
  for (let at = 0; at < 16; at += 4) {
    const word = isAskedByNobody ? allNodes[at / 4]! : frame.getUint32(offset.sourceIp + at);
    frame.setUint32(offset.destinationIp + at, word);
    frame.setUint32(offset.sourceIp + at, frame.getUint32(offset.target + at));
  }
  frame.setUint32(offset.type, NdpType.neighborAdvertisement * 0x100_0000); // code and checksum 0
  const flags = AdvertisementFlag.override + (isAskedByNobody ? 0 : AdvertisementFlag.solicited);
  frame.setUint32(offset.flags, flags * 0x100_0000);
  frame.setUint16(offset.options, NdpOptionType.targetLinkLayerAddress * 0x100 + linkLayerOptionLength / 8);
  writeMac(frame, offset.options + 2, table.mac);
  frame.setUint16(offset.checksum, icmpv6Checksum(frame, offset.sourceIp, answerLength));
  return 'reply';
};

/** Whom a frame that `answerNdp` has answered came from, unless that was nobody: then all nodes. */
export const answeredSource = (reply: DataView): Mac => macAt(reply, offset.destination);

const answerLength = ndpMessageLength + linkLayerOptionLength;

const allNodes = ipv6Words(allNodesGroup);
const allNodesMac = multicastMac(allNodesGroup);
