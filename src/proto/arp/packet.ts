import { type ByteReader, ByteWriter, decoding, type DecodeError } from '../../lib/bytes.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Result } from '../../lib/result.ts';
import { EtherType, ethernetHeaderLength } from '../ethernet/iana.ts';
import { arpHardwareEthernet } from './iana.ts';

/** An ARP packet for IPv4 over Ethernet (RFC 826): 28 octets on the wire. Addresses are unsigned 32-bit numbers. */
export type ArpPacket = {
  /** One of `ArpOperation`, or a code that is not ours to judge. */
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: number;
  readonly targetMac: Mac;
  readonly targetIp: number;
};

/** An ARP packet and the Ethernet header it came in. */
export type ArpFrame = {
  readonly destination: Mac;
  readonly source: Mac;
  readonly packet: ArpPacket;
};

/** Octets of an ARP frame; what a driver adds behind it to reach the 60 of Ethernet is padding. */
export const arpFrameLength = ethernetHeaderLength + 28;

/** Where an Ethernet frame with ARP has its fields, for whoever looks at a few of them only. */
export const arpOffset = {
  destination: 0,
  source: 6,
  etherType: 12,
  hardwareAndProtocol: 14,
  lengths: 18,
  operation: 20,
  senderMac: 22,
  senderIp: 28,
  targetMac: 32,
  targetIp: 38,
} as const;

/** Decodes one Ethernet frame; octets after the 42nd are padding. Bad input is a value, never a throw. */
export const decodeArpFrame = (bytes: Uint8Array): Result<ArpFrame, DecodeError> => decoding('ARP', bytes, readFrame);

/** The 42 octets of a frame. */
export const encodeArpFrame = ({ destination, source, packet }: ArpFrame): Uint8Array =>
  new ByteWriter(arpFrameLength)
    .mac(destination)
    .mac(source)
    .u16(EtherType.arp)
    .u16(arpHardwareEthernet)
    .u16(EtherType.ipv4)
    .u8(6)
    .u8(4)
    .u16(packet.operation)
    .mac(packet.senderMac)
    .u32(packet.senderIp)
    .mac(packet.targetMac)
    .u32(packet.targetIp)
    .finish();

const readFrame = (r: ByteReader): ArpFrame => {
  const destination = r.mac();
  const source = r.mac();
  r.expect({ etherType: r.u16() }, { etherType: EtherType.arp });
  r.expect(
    { hardwareType: r.u16(), protocolType: r.u16(), hardwareLength: r.u8(), protocolLength: r.u8() },
    { hardwareType: arpHardwareEthernet, protocolType: EtherType.ipv4, hardwareLength: 6, protocolLength: 4 },
  );
  const operation = r.u16();
  return {
    destination,
    source,
    packet: { operation, senderMac: r.mac(), senderIp: r.u32(), targetMac: r.mac(), targetIp: r.u32() },
  };
};
