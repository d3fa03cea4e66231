import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { ArpOperation } from './iana.ts';
import type { ArpFrame } from './packet.ts';

/** The two broadcast frames that make every host on the link learn `mac` for `address` (RFC 5227 section 3). */
export const gratuitousArp = (mac: Mac, address: number): readonly [ArpFrame, ArpFrame] => {
  const packet = { senderMac: mac, senderIp: address, targetIp: address };
  const header = { destination: broadcastMac, source: mac };
  return [
    { ...header, packet: { ...packet, operation: ArpOperation.request, targetMac: zeroMac } },
    { ...header, packet: { ...packet, operation: ArpOperation.reply, targetMac: mac } },
  ];
};

/** The broadcast that asks whether anybody has `address`, without making anybody learn (RFC 5227 section 2.1.1). */
export const arpProbe = (mac: Mac, address: number): ArpFrame => arpRequest(mac, 0, address, broadcastMac);

/**
 * A request for `target`, for everybody or for one MAC. A sender without an address of its own (`senderIp` 0) is
 * answered as well.
 */
export const arpRequest = (mac: Mac, senderIp: number, target: number, destination: Mac): ArpFrame => ({
  destination,
  source: mac,
  packet: { operation: ArpOperation.request, senderMac: mac, senderIp, targetMac: zeroMac, targetIp: target },
});
