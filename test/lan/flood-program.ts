/**
 * A host that asks for an address as often as it can, up to a rate, each time as another host: 65,536 frames with MACs
 * and IP addresses of their own go out over and over, many with one sendmmsg(2). Takes a `FloodOrder` as its argument
 * and prints how many went out, and in how many ms, as JSON.
 */
import process from 'node:process';
import koffi from 'koffi';
import { addressOf, bind, Constant, setSocketOption, socket } from '../../src/io/libc.ts';
import { type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import { broadcastMac, type Mac, zeroMac } from '../../src/lib/mac.ts';
import { ArpOperation } from '../../src/proto/arp/iana.ts';
import { encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { ndpSolicitation } from '../../src/proto/ndp/announcement.ts';
import { encodeNdpFrame } from '../../src/proto/ndp/packet.ts';
import { arpHost } from '../support/arp-host.ts';
import type { FloodOrder } from './flood.ts';

const { target, rate, duration } = JSON.parse(process.argv[2] ?? '') as FloodOrder;
const isIpv6 = target.includes(':');

const hosts = 65_536;
/** A locally administered MAC for each invented host. */
const macOf = (host: number): Mac => (0x02_f1_00_00_00_00 + host) as Mac;
const firstIp = ipv4ToNumber('198.19.0.0' as Ip);
const frameOf = (host: number): Uint8Array =>
  isIpv6
    ? encodeNdpFrame(
        ndpSolicitation({ mac: macOf(host), ip: `fe80::f1:${host.toString(16)}` as Ip }, target as Ip, undefined),
      )
    : encodeArpFrame({
        destination: broadcastMac,
        source: macOf(host),
        packet: {
          operation: ArpOperation.request,
          senderMac: macOf(host),
          senderIp: firstIp + host,
          targetMac: zeroMac,
          targetIp: ipv4ToNumber(target as Ip),
        },
      });

const frameLength = frameOf(0).length;
const frames = new Uint8Array(hosts * frameLength);
for (let host = 0; host < hosts; host++) frames.set(frameOf(host), host * frameLength);
/** A `struct iovec` and a `struct mmsghdr` for each frame. */
const pieces = new BigInt64Array(hosts * 2);
const messages = new BigInt64Array(hosts * 8);
for (let host = 0; host < hosts; host++) {
  pieces.set([addressOf(frames) + BigInt(host * frameLength), BigInt(frameLength)], host * 2);
  messages.set([addressOf(pieces) + BigInt(host * 16), 1n], host * 8 + 2);
}

const fd = socket(Constant.AF_PACKET, Constant.SOCK_RAW | Constant.SOCK_CLOEXEC, 0);
const PACKET_QDISC_BYPASS = 20;
setSocketOption(fd, Constant.SOL_PACKET, PACKET_QDISC_BYPASS, Int32Array.of(1));
const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
address.setUint16(0, Constant.AF_PACKET, true);
// No protocol: the answers cost this host nothing.
address.setInt32(4, arpHost('eth0').index, true);
bind(fd, new Uint8Array(address.buffer));

const sendMany = koffi.load(null).func('int sendmmsg(int, intptr_t, unsigned int, int)') as (
  fd: number,
  messages: bigint,
  count: number,
  flags: number,
) => number;

const batch = 64;
const start = performance.now();
let sent = 0;
for (let now = start; now < start + duration; now = performance.now()) {
  if (sent >= ((now - start) * rate) / 1000) continue;
  const count = sendMany(fd, addressOf(messages) + BigInt((sent % hosts) * 64), batch, 0);
  sent += Math.max(0, count);
}
console.log(JSON.stringify({ sent, took: performance.now() - start }));
