/**
 * Asks by ARP for every address given on standard input (JSON), again and again until each has answered, and prints
 * `{last, owners}`: when the last one answered for the first time, in ms since the epoch, and whose MAC each has.
 */
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { networkInterfaces } from 'node:os';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { type Ip, ipv4FromNumber, ipv4ToNumber } from '../../src/lib/ip.ts';
import { ArpOperation } from '../../src/proto/arp/iana.ts';
import { decodeArpFrame } from '../../src/proto/arp/packet.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { arpHost } from '../../test/support/arp-host.ts';
import { formatMac } from '../../test/support/mac.ts';
import { epoch } from './client.ts';

/** Between two rounds of requests. */
const roundMs = 20;

const addresses = (await json(process.stdin)) as Ip[];
const [own] = (networkInterfaces()['eth0'] ?? []).filter(({ family }) => family === 'IPv4');
if (own === undefined) throw new Error('eth0 has no address');
const host = arpHost('eth0');
const socket = new PacketSocket(host.index, EtherType.arp, []);
const requests = new Map(
  addresses.map((address) => [address, host.request(ipv4ToNumber(address), ipv4ToNumber(own.address as Ip))]),
);

const owners: Record<string, string> = {};
let last = 0;
const read = (): void => {
  socket.receive(10_000, (view, length) => {
    const frame = decodeArpFrame(new Uint8Array(view.buffer, view.byteOffset, length));
    if (!frame.ok || frame.value.packet.operation !== ArpOperation.reply || frame.value.destination !== host.mac)
      return;
    const address = ipv4FromNumber(frame.value.packet.senderIp);
    if (!requests.delete(address)) return;
    owners[address] = formatMac(frame.value.packet.senderMac);
    last = epoch();
  });
};
while (requests.size > 0) {
  for (const request of requests.values()) socket.send(request);
  const end = performance.now() + roundMs;
  while (performance.now() < end) {
    read();
    await sleep(1);
  }
}
process.stdout.write(JSON.stringify({ last, owners }));
