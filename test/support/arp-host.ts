import { readFileSync } from 'node:fs';
import { broadcastMac, type Mac, zeroMac } from '../../src/lib/mac.ts';
import { ArpOperation } from '../../src/proto/arp/iana.ts';
import { encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { parseMac } from './mac.ts';

/** An interface of the namespace this process runs in, for programs that ask by ARP themselves. */
export type ArpHost = {
  readonly mac: Mac;
  readonly index: number;
  /** A broadcast that asks for `target`; addresses are unsigned 32-bit numbers. */
  readonly request: (target: number, senderIp: number) => Uint8Array;
};

/** Reads what the kernel knows of an interface; throws if there is none of that name. */
export const arpHost = (name: string): ArpHost => {
  const sysfs = (file: string): string => readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
  const parsed = parseMac(sysfs('address'));
  if (!parsed.ok) throw new Error(parsed.error);
  const mac = parsed.value;
  const request = (targetIp: number, senderIp: number): Uint8Array =>
    encodeArpFrame({
      destination: broadcastMac,
      source: mac,
      packet: { operation: ArpOperation.request, senderMac: mac, senderIp, targetMac: zeroMac, targetIp },
    });
  return { mac, index: Number(sysfs('ifindex')), request };
};
