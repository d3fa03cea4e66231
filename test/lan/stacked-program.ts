/**
 * Sends requests from `eth0` to the hardware addresses of its peer `eth1` and of `mac0`, which stands on top of that, and
 * prints for which of the two the sockets on both got a frame.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { type Mac, zeroMac } from '../../src/lib/mac.ts';
import { encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { arpFilters } from '../../src/proto/bpf/arp-filter.ts';
import { encodeBpf } from '../../src/proto/bpf/assembler.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { parseMac } from '../support/mac.ts';

const sysfs = (name: string, file: string): string => readFileSync(`/sys/class/net/${name}/${file}`, 'utf8').trim();
const macOf = (name: string): Mac => {
  const mac = parseMac(sysfs(name, 'address'));
  if (!mac.ok) throw new Error(mac.error);
  return mac.value;
};
const target = 0xc612_0107;
const open = (name: string): PacketSocket => {
  const index = Number(sysfs(name, 'ifindex'));
  return new PacketSocket(index, EtherType.arp, [...arpFilters(index, [target])].map(encodeBpf));
};

const sender = open('eth0');
const receivers = ['eth1', 'mac0'].map((name) => ({ name, mac: macOf(name), socket: open(name) }));
const source = macOf('eth0');
for (const { mac } of receivers) {
  const packet = { operation: 1, senderMac: source, senderIp: 0xc612_00fa, targetMac: zeroMac, targetIp: target };
  sender.send(encodeArpFrame({ destination: mac, source, packet }));
}
await sleep(100);
const heard: Record<string, string[]> = {};
for (const { name, socket } of receivers) {
  socket.receive(10, (frame) => {
    const destination = frame.getUint16(0) * 2 ** 32 + frame.getUint32(2);
    (heard[name] ??= []).push(receivers.find(({ mac }) => mac === destination)?.name ?? 'another');
  });
}
console.log(JSON.stringify(heard));
