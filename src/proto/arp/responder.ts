import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { ArpOperation } from './iana.ts';
import type { ArpFrame } from './packet.ts';

/** What one interface answers for. */
export type ArpTable = {
  readonly mac: Mac;
  /** Whether an address, as an unsigned 32-bit number, is answered for on this interface. */
  readonly has: (address: number) => boolean;
};

/**
 * Why a frame gets no answer: `ownFrame` came back to its sender, `source` cannot be answered, `ethernetDestination`
 * was not for us, `announcement` is a gratuitous request or a frame of somebody who uses an address of ours,
 * `operation` is no request, `targetAddress` is not answered for here.
 */
export type ArpDropReason =
  | 'ownFrame'
  | 'source'
  | 'ethernetDestination'
  | 'announcement'
  | 'operation'
  | 'targetAddress';

export type ArpVerdict =
  | { readonly type: 'reply'; readonly frame: ArpFrame }
  | { readonly type: 'drop'; readonly reason: ArpDropReason };

/**
 * Decides about one received frame. One reply for one request, as long as the request at most, and only to the host
 * that sent the frame: its Ethernet source, also where the packet names another hardware address (a router that asks
 * with its virtual MAC takes the reply on its own). So nothing can be made to hit a third host. Probes (RFC 5227, sender
 * address zero) are answered like any request.
 */
export const answerArp = (frame: ArpFrame, table: ArpTable): ArpVerdict => {
  const { destination, source, packet } = frame;
  if (source === table.mac || packet.senderMac === table.mac) return drops.ownFrame;
  if (!isUnicast(source) || !isUnicast(packet.senderMac)) return drops.source;
  if (destination !== table.mac && destination !== broadcastMac) return drops.ethernetDestination;
  if (packet.senderIp === packet.targetIp || table.has(packet.senderIp)) return drops.announcement;
  if (packet.operation !== ArpOperation.request) return drops.operation;
  if (!table.has(packet.targetIp)) return drops.targetAddress;
  return {
    type: 'reply',
    frame: {
      destination: source,
      source: table.mac,
      packet: {
        operation: ArpOperation.reply,
        senderMac: table.mac,
        senderIp: packet.targetIp,
        targetMac: packet.senderMac,
        targetIp: packet.senderIp,
      },
    },
  };
};

const drop = (reason: ArpDropReason): ArpVerdict => ({ type: 'drop', reason });

const drops = {
  ownFrame: drop('ownFrame'),
  source: drop('source'),
  ethernetDestination: drop('ethernetDestination'),
  announcement: drop('announcement'),
  operation: drop('operation'),
  targetAddress: drop('targetAddress'),
} as const;

/** Neither zero nor a group address (the lowest bit of the first octet). */
const isUnicast = (mac: Mac): boolean => mac !== zeroMac && Math.floor(mac / 0x100_0000_0000) % 2 === 0;

/** The two broadcast frames that make every host on the link learn `mac` for `address` (RFC 5227 section 3). */
export const gratuitousArp = (mac: Mac, address: number): readonly [ArpFrame, ArpFrame] => {
  const packet = { senderMac: mac, senderIp: address, targetIp: address };
  const header = { destination: broadcastMac, source: mac };
  return [
    { ...header, packet: { ...packet, operation: ArpOperation.request, targetMac: zeroMac } },
    { ...header, packet: { ...packet, operation: ArpOperation.reply, targetMac: mac } },
  ];
};
