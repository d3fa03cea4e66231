/**
 * Asks for an IPv4 address by ARP again and again, through a packet socket, and prints a line for every answer:
 * `node arp-probe.ts ADDRESS INTERVAL_MS`. A line is `MILLISECONDS MAC`, in milliseconds since the Unix epoch. Other
 * hosts' announcements of the address print `MILLISECONDS MAC announced`.
 */
import { networkInterfaces } from 'node:os';
import { PacketSocket } from '../../../src/io/packet-socket.ts';
import { type Ip, ipv4ToNumber } from '../../../src/lib/ip.ts';
import { ArpOperation } from '../../../src/proto/arp/iana.ts';
import { decodeArpFrame } from '../../../src/proto/arp/packet.ts';
import { EtherType } from '../../../src/proto/ethernet/iana.ts';
import { arpHost } from '../arp-host.ts';
import { formatMac } from '../mac.ts';

const [address = '', interval = '5'] = process.argv.slice(2);
const [own] = (networkInterfaces()['eth0'] ?? []).filter(({ family }) => family === 'IPv4');
if (own === undefined) throw new Error('eth0 has no address');
const host = arpHost('eth0');
const socket = new PacketSocket(host.index, EtherType.arp, []);
const target = ipv4ToNumber(address as Ip);
const request = host.request(target, ipv4ToNumber(own.address as Ip));
const epoch = (): string => (performance.timeOrigin + performance.now()).toFixed(3);

const readAnswers = (): void => {
  socket.receive(1000, (view, length) => {
    const frame = decodeArpFrame(new Uint8Array(view.buffer, view.byteOffset, length));
    if (!frame.ok || frame.value.packet.senderIp !== target) return;
    const { operation, senderMac } = frame.value.packet;
    const isAnswer = operation === ArpOperation.reply && frame.value.destination === host.mac;
    process.stdout.write(`${epoch()} ${formatMac(senderMac)}${isAnswer ? '' : ' announced'}\n`);
  });
};

const start = performance.now();
let sent = 0;
setInterval(() => {
  readAnswers();
  while (start + sent * Number(interval) <= performance.now()) {
    socket.send(request);
    sent += 1;
  }
}, 1);
