import { EtherType } from '../ethernet/iana.ts';
import { isHostMac, macAt } from '../ethernet/mac-field.ts';
import type { Mac } from '../../lib/mac.ts';
import type { FrameSighting } from '../ethernet/sighting.ts';
import { arpHardwareEthernet, ArpOperation } from './iana.ts';
import { arpFrameLength, arpOffset as offset } from './packet.ts';

/**
 * What an ARP frame says of its sender: any request or reply claims the sender address, and a request without a sender
 * address probes the target (RFC 5227 sections 1.1 and 2.1.1). Undefined for what is no such frame, and for frames with
 * the hardware address of the interface itself, `mac`.
 */
export const arpSighting = (frame: DataView, length: number, mac: Mac): FrameSighting | undefined => {
  if (
    length < arpFrameLength ||
    frame.getUint32(offset.hardwareAndProtocol) !== arpHardwareEthernet * 0x1_0000 + EtherType.ipv4 ||
    frame.getUint16(offset.lengths) !== 0x0604 ||
    frame.getUint16(offset.etherType) !== EtherType.arp
  ) {
    return undefined;
  }
  const senderMac = macAt(frame, offset.senderMac);
  if (senderMac === mac || macAt(frame, offset.source) === mac || !isHostMac(senderMac)) return undefined;
  const operation = frame.getUint16(offset.operation);
  if (operation !== ArpOperation.request && operation !== ArpOperation.reply) return undefined;
  if (frame.getUint32(offset.senderIp) !== 0) return { kind: 'claim', mac: senderMac, addressAt: offset.senderIp };
  if (operation === ArpOperation.reply) return undefined;
  return { kind: 'probe', mac: senderMac, addressAt: offset.targetIp };
};
