/**
 * A host that asks for an address by ARP, in a process of its own because sockets belong to a namespace. It blocks in
 * recv(2) until the answer is there, as a host would. Takes one `ArpClientOrder` as its argument and prints one JSON line.
 */
import process from 'node:process';
import { bind, Constant, receive, send, setSocketOption, socket } from '../src/io/libc.ts';
import { type Ip, ipv4ToNumber } from '../src/lib/ip.ts';
import { ArpOperation } from '../src/proto/arp/iana.ts';
import { EtherType } from '../src/proto/ethernet/iana.ts';
import { arpHost } from '../test/support/arp-host.ts';

/** What the client is asked to do. */
export type ArpClientOrder = { readonly target: string; readonly senderIp: string } & (
  | {
      /** Asks `count` times, each time once the answer to the last has come, after a pause in ms. */
      readonly type: 'latency';
      readonly count: number;
      readonly pause: number;
      /** False measures what the client itself takes: it asks and does not wait. */
      readonly isAnswered: boolean;
    }
  | {
      /** Asks `rate` times a second for so many seconds, evenly spaced. */
      readonly type: 'flood';
      readonly rate: number;
      readonly seconds: number;
    }
);

/** Microseconds from before the request was sent to when the answer was in hand. */
export type Latencies = { readonly samples: readonly number[]; readonly lost: number };

export type FloodOutcome = { readonly sent: number; readonly answered: number };

/** Requests of a client whose own code is not compiled yet; they are not counted. */
const warmUp = 200;

const order = JSON.parse(process.argv[2] ?? '') as ArpClientOrder;
const host = arpHost('eth0');

/** A plain packet(7) socket, whose recv(2) can block. */
const openSocket = (): number => {
  const opened = socket(Constant.AF_PACKET, Constant.SOCK_RAW | Constant.SOCK_CLOEXEC, 0);
  const address = new DataView(new ArrayBuffer(20)); // struct sockaddr_ll
  address.setUint16(0, Constant.AF_PACKET, true);
  address.setUint16(2, EtherType.arp);
  address.setInt32(4, host.index, true);
  // Answers wait here while this process does not run; none must be lost on the side that measures.
  setSocketOption(opened, Constant.SOL_SOCKET, Constant.SO_RCVBUFFORCE, Int32Array.of(32 << 20));
  bind(opened, new Uint8Array(address.buffer));
  return opened;
};

const fd = openSocket();
const target = ipv4ToNumber(order.target as Ip);
const request = host.request(target, ipv4ToNumber(order.senderIp as Ip));
const buffer = new Uint8Array(64);
const view = new DataView(buffer.buffer);

/** Takes frames until one answers, which an announcement does not; false when none is left, or none came in time. */
const takeAnswer = (flags: number): boolean => {
  for (;;) {
    if (receive(fd, buffer, buffer.length, flags) < 0) return false;
    if (view.getUint8(0) === 0xff || view.getUint16(20) !== ArpOperation.reply) continue;
    if (view.getUint32(28) === target) return true;
  }
};

const measureLatency = (count: number, pause: number, isAnswered: boolean): Latencies => {
  setSocketOption(fd, Constant.SOL_SOCKET, Constant.SO_RCVTIMEO, BigInt64Array.of(0n, 100_000n)); // 100 ms
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  const samples: number[] = [];
  let lost = 0;
  for (let index = -warmUp; index < count; index++) {
    if (pause > 0) Atomics.wait(sleeper, 0, 0, pause);
    while (takeAnswer(Constant.MSG_DONTWAIT)); // an answer that came too late
    const start = performance.now();
    send(fd, request, request.length, 0);
    const isThere = takeAnswer(isAnswered ? 0 : Constant.MSG_DONTWAIT);
    const end = performance.now();
    if (!isThere && isAnswered) lost += 1;
    else if (index >= 0) samples.push((end - start) * 1000);
  }
  return { samples, lost };
};

/** Spins between two requests: timers are not exact enough for 50 µs. */
const flood = (rate: number, duration: number): FloodOutcome => {
  const total = rate * duration;
  let answered = 0;
  const start = performance.now();
  for (let sent = 0; sent < total; sent++) {
    while (performance.now() < start + (sent * 1000) / rate) if (takeAnswer(Constant.MSG_DONTWAIT)) answered += 1;
    send(fd, request, request.length, 0);
  }
  for (const end = performance.now() + 200; performance.now() < end;) {
    if (takeAnswer(Constant.MSG_DONTWAIT)) answered += 1;
  }
  return { sent: total, answered };
};

console.log(
  JSON.stringify(
    order.type === 'latency'
      ? measureLatency(order.count, order.pause, order.isAnswered)
      : flood(order.rate, order.seconds),
  ),
);
