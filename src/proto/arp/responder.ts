import { broadcastMac, type Mac } from '../../lib/mac.ts';
import { EtherType } from '../ethernet/iana.ts';
import { isHostMac, macAt, writeMac } from '../ethernet/mac-field.ts';
import { arpHardwareEthernet, ArpOperation } from './iana.ts';
import { arpFrameLength, arpOffset as offset } from './packet.ts';

/** What one interface answers for. */
export type ArpTable = {
  readonly mac: Mac;
  /** Whether an address, as an unsigned 32-bit number, is answered for on this interface. */
  readonly has: (address: number) => boolean;
};

/**
 * Why a frame gets no answer: it is `malformed`; `ownFrame` came back to its sender; its `source` is no address of a
 * host; its `ethernetDestination` is not ours; it is an `announcement` by somebody who uses an address of ours, or a
 * gratuitous one; its `operation` is no request; its `targetAddress` is not answered for here.
 */
export type ArpDropReason =
  | 'malformed'
  | 'ownFrame'
  | 'source'
  | 'ethernetDestination'
  | 'announcement'
  | 'operation'
  | 'targetAddress';

const hardwareAndProtocol = arpHardwareEthernet * 0x1_0000 + EtherType.ipv4;
const lengths = 0x0604;

/**
 * Decides about the first `length` octets of `frame` and turns a request for an address of ours into its reply, in
 * place, because this is the one step that every packet of a flood takes: no memory is allocated. The reply is as long
 * as the shortest request and goes only to the host that sent the frame: its Ethernet source, also where the packet
 * names another hardware address (a router that asks with its virtual MAC takes the reply on its own). So nothing can be
 * made to hit a third host. Probes (RFC 5227, sender address zero) are answered like any request.
 */
export const answerArp = (frame: DataView, length: number, table: ArpTable): 'reply' | ArpDropReason => {
  if (
    length < arpFrameLength ||
    frame.getUint32(offset.hardwareAndProtocol) !== hardwareAndProtocol ||
    frame.getUint16(offset.lengths) !== lengths ||
    frame.getUint16(offset.etherType) !== EtherType.arp
  ) {
    return 'malformed';
  }
  const source = macAt(frame, offset.source);
  const senderMac = macAt(frame, offset.senderMac);
  if (source === table.mac || senderMac === table.mac) return 'ownFrame';
  if (!isHostMac(source) || !isHostMac(senderMac)) return 'source';
  const destination = macAt(frame, offset.destination);
  if (destination !== table.mac && destination !== broadcastMac) return 'ethernetDestination';
  const senderIp = frame.getUint32(offset.senderIp);
  const targetIp = frame.getUint32(offset.targetIp);
  if (senderIp === targetIp || table.has(senderIp)) return 'announcement';
  if (frame.getUint16(offset.operation) !== ArpOperation.request) return 'operation';
  if (!table.has(targetIp)) return 'targetAddress';

  writeMac(frame, offset.destination, source);
  writeMac(frame, offset.source, table.mac);
  frame.setUint16(offset.operation, ArpOperation.reply);
  writeMac(frame, offset.senderMac, table.mac);
  frame.setUint32(offset.senderIp, targetIp);
  writeMac(frame, offset.targetMac, senderMac);
  frame.setUint32(offset.targetIp, senderIp);
  return 'reply';
};

/** Where a frame that `answerArp` has answered has the address that was asked for. */
export const answeredAddressAt = offset.senderIp;

/** Whom a frame that `answerArp` has answered came from. */
export const answeredSource = (reply: DataView): Mac => macAt(reply, offset.destination);
