/**
 * A host of the LAN that speaks raw Neighbor Discovery on `eth0`. Takes the addresses to ask for as a JSON array, asks
 * for each once, and prints who answered: the MACs of each address, every answer counted.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { ndpSolicitation } from '../../src/proto/ndp/announcement.ts';
import { decodeNdpFrame, encodeNdpFrame, ndpKeptLength } from '../../src/proto/ndp/packet.ts';
import { formatMac, parseMac } from '../support/mac.ts';

const sysfs = (file: string): string => readFileSync(`/sys/class/net/eth0/${file}`, 'utf8').trim();
const mac = parseMac(sysfs('address'));
if (!mac.ok) throw new Error(mac.error);
const socket = new PacketSocket(Number(sysfs('ifindex')), EtherType.ipv6, [], { keptLength: ndpKeptLength });
/** An address that no host of the tests has, nor looks for: answers come at the MAC alone. */
const sender = { mac: mac.value, ip: 'fe80::250' as Ip };

const answers: Record<string, string[]> = {};
const listen = (): void =>
  socket.receive(10_000, (view, length) => {
    const frame = decodeNdpFrame(new Uint8Array(view.buffer, 0, length));
    if (!frame.ok || frame.value.destination !== mac.value || frame.value.packet.type !== 'advertisement') return;
    (answers[frame.value.packet.target] ??= []).push(formatMac(frame.value.source));
  });
for (const [index, target] of (JSON.parse(process.argv[2] ?? '') as Ip[]).entries()) {
  socket.send(encodeNdpFrame(ndpSolicitation(sender, target, undefined)));
  if (index % 32 === 31) await sleep(4);
  listen();
}
// Whoever is slow to answer, or not there, gets this long.
for (let waited = 0; waited < 300; waited += 10) {
  await sleep(10);
  listen();
}
console.log(JSON.stringify(answers));
