/**
 * A host of the LAN that speaks raw ARP, in a process of its own because sockets belong to a namespace. Takes one
 * `ClientOrder` as its argument and prints one JSON line.
 */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { PacketSocket } from '../../src/io/packet-socket.ts';
import { broadcastMac, zeroMac } from '../../src/lib/mac.ts';
import { ipv4FromNumber } from '../../src/lib/ip.ts';
import { decodeArpFrame, encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { EtherType } from '../../src/proto/ethernet/iana.ts';
import { formatMac, parseMac } from '../support/mac.ts';
import type { ClientOrder } from './client.ts';

const order = JSON.parse(process.argv[2] ?? '') as ClientOrder;
const sysfs = (file: string): string => readFileSync(`/sys/class/net/${order.interface}/${file}`, 'utf8').trim();
const mac = parseMac(sysfs('address'));
if (!mac.ok) throw new Error(mac.error);
const socket = new PacketSocket(Number(sysfs('ifindex')), EtherType.arp, [], { queue: order.queue });

const request = (target: number): Uint8Array =>
  encodeArpFrame({
    destination: broadcastMac,
    source: mac.value,
    packet: { operation: 1, senderMac: mac.value, senderIp: order.senderIp, targetMac: zeroMac, targetIp: target },
  });

/** Asks for every address, a few at a time, and says who answered: the MACs of each, all answers counted. */
const ask = async (targets: readonly number[]): Promise<Record<string, string[]>> => {
  const answers: Record<string, string[]> = {};
  const listen = (): void =>
    socket.receive(10_000, (view, length) => {
      const frame = decodeArpFrame(new Uint8Array(view.buffer, 0, length));
      if (!frame.ok || frame.value.packet.operation !== 2 || frame.value.destination !== mac.value) return;
      (answers[ipv4FromNumber(frame.value.packet.senderIp)] ??= []).push(formatMac(frame.value.packet.senderMac));
    });
  for (const [index, target] of targets.entries()) {
    socket.send(request(target));
    if (index % 32 === 31) await sleep(2);
    listen();
  }
  // Whoever is slow to answer, or not there, gets this long.
  for (let waited = 0; waited < 200; waited += 10) {
    await sleep(10);
    listen();
  }
  return answers;
};

/** Sends noise: octets at random, requests for the target with some octets replaced, and such with much padding. */
const makeNoise = async (count: number, target: number): Promise<number> => {
  let seed = 1;
  const random = (limit: number): number => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  const kinds = [
    () => {
      const frame = new Uint8Array(14 + random(200)).map(() => random(256));
      frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2, 2, 8, 6]);
      return frame;
    },
    () => {
      const frame = request(target);
      for (let change = random(4); change >= 0; change--) frame[random(frame.length)] = random(256);
      return frame;
    },
    () => {
      const frame = new Uint8Array(42 + random(1400));
      frame.set(request(target));
      return frame;
    },
  ];
  for (let index = 0; index < count; index++) {
    socket.send(kinds[index % kinds.length]!());
    if (index % 64 === 63) await sleep(0);
  }
  return count;
};

/** Sends requests for the target that are padded to each of the lengths; says how many answers came. */
const askPadded = async (lengths: readonly number[], count: number, target: number): Promise<number> => {
  let answers = 0;
  const listen = (): void =>
    socket.receive(10_000, (view, length) => {
      const frame = decodeArpFrame(new Uint8Array(view.buffer, 0, length));
      if (frame.ok && frame.value.packet.operation === 2 && frame.value.destination === mac.value) answers += 1;
    });
  for (const length of lengths) {
    const frame = new Uint8Array(length);
    frame.set(request(target));
    for (let sent = 1; sent <= count; sent++) {
      socket.send(frame);
      if (sent % 64 !== 0) continue;
      await sleep(2);
      listen();
    }
  }
  await sleep(200);
  listen();
  return answers;
};

const perform = (): Promise<unknown> => {
  if (order.type === 'ask') return ask(order.targets);
  if (order.type === 'noise') return makeNoise(order.count, order.target);
  return askPadded(order.lengths, order.count, order.target);
};

console.log(JSON.stringify(await perform()));
