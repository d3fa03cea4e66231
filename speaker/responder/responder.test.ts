import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { type Ip, ipv4FromNumber, ipv4ToNumber } from '../../src/lib/ip.ts';
import { broadcastMac, type Mac, zeroMac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import { SystemError } from '../../src/io/system-error.ts';
import { type ArpFrame, decodeArpFrame, encodeArpFrame } from '../../src/proto/arp/packet.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import type { ResponderReport } from './messages.ts';
import type { FrameSocket } from './port.ts';
import { Responder } from './responder.ts';

const client = 0x02420a0000fe as Mac;
const eth0: Link = { index: 2, name: 'eth0', type: 1, flags: 0x1043, mac: 0x02420a000001 as Mac, master: undefined };
const eth1: Link = { ...eth0, index: 3, name: 'eth1', mac: 0x02420a000101 as Mac };
const a = '198.18.1.7' as Ip;
const b = '198.18.1.8' as Ip;

/** A packet socket in memory: frames put into `inbox` are received, `sent` holds what went out. */
class MemorySocket implements FrameSocket {
  readonly inbox: Uint8Array[] = [];
  readonly sent: ArpFrame[] = [];
  filters = 0;
  isOpen = true;
  isFull = false;
  isRefusing = false;
  readonly #memory = new Uint8Array(64);

  setFilter(choices: Iterable<Uint8Array>): void {
    for (const choice of choices) if (choice.length > 0) break;
    this.filters += 1;
    if (this.isRefusing && this.filters > 1) throw new SystemError('setsockopt', constants.errno.ENOBUFS);
  }

  receive(limit: number, onFrame: (frame: DataView, length: number) => void): void {
    for (const frame of this.inbox.splice(0, limit)) {
      this.#memory.set(frame);
      onFrame(new DataView(this.#memory.buffer), frame.length);
    }
  }

  sendBack(length: number): boolean {
    return this.send(this.#memory.slice(0, length));
  }

  send(bytes: Uint8Array): boolean {
    const frame = decodeArpFrame(bytes);
    if (!frame.ok) throw frame.error;
    if (!this.isFull) this.sent.push(frame.value);
    return !this.isFull;
  }

  close(): void {
    this.isOpen = false;
  }
}

/** A responder with sockets in memory, on the links given. */
const rig = (...links: readonly Link[]) => {
  const sockets = new Map<number, MemorySocket>();
  const reports: ResponderReport[] = [];
  const failing = new Map<number, 'EPERM' | 'ENODEV' | 'ENOMEM' | 'filter'>();
  const opened: MemorySocket[] = [];
  const responder = new Responder({
    openSocket: (index, filters) => {
      const code = failing.get(index);
      if (code !== undefined && code !== 'filter') throw new SystemError('bind', constants.errno[code]);
      const socket = new MemorySocket();
      opened.push(socket);
      socket.isRefusing = code === 'filter';
      socket.setFilter(filters);
      sockets.set(index, socket);
      return socket;
    },
    random: () => 0.5,
    isExcluded: (name) => name.startsWith('excluded'),
    report: (report) => reports.push(report),
  });
  responder.setLinks(links, millis(0));
  const socketOf = (link: Link): MemorySocket => sockets.get(link.index)!;
  return {
    responder,
    reports,
    failing,
    opened,
    socketOf,
    announce: (ip: Ip, interfaces?: readonly string[], now = 0): void => {
      responder.perform({ type: 'announce', ip, interfaces }, millis(now));
      responder.settle();
    },
    /** The frames that answer a broadcast request for the address on that interface. */
    ask: (link: Link, ip: Ip, now = 0): ArpFrame[] => {
      const socket = socketOf(link);
      const before = socket.sent.length;
      const packet = { operation: 1, senderMac: client, senderIp: 7, targetMac: zeroMac, targetIp: ipv4ToNumber(ip) };
      socket.inbox.push(encodeArpFrame({ destination: broadcastMac, source: client, packet }));
      for (const port of responder.ports()) port.receive(millis(now));
      return socket.sent.slice(before);
    },
    /** The addresses announced on that interface by the turn, once for each pair of frames. */
    turn: (link: Link, now: number): Ip[] => {
      const before = socketOf(link).sent.length;
      responder.turn(millis(now));
      const announced = socketOf(link)
        .sent.slice(before)
        .filter(({ packet }) => packet.operation === 1);
      return announced.map(({ packet }) => ipv4FromNumber(packet.targetIp));
    },
  };
};

test('an address is answered on every interface, each with its own MAC', () => {
  const { announce, ask } = rig(eth0, eth1);
  announce(a);
  expect(ask(eth0, a).map((frame) => [frame.source, frame.packet.senderMac])).toEqual([[eth0.mac, eth0.mac]]);
  expect(ask(eth1, a).map((frame) => [frame.source, frame.packet.senderMac])).toEqual([[eth1.mac, eth1.mac]]);
  expect(ask(eth0, b)).toEqual([]);
});

test('an address is answered and announced on the interfaces that are named, and moves with them', () => {
  const { announce, ask, turn } = rig(eth0, eth1);
  announce(a, ['eth1', 'eth9']);
  expect([turn(eth0, 0), ask(eth0, a).length, ask(eth1, a).length]).toEqual([[], 0, 1]);
  announce(a, ['eth0'], 10);
  expect([ask(eth0, a).length, ask(eth1, a).length]).toEqual([1, 0]);
  expect([turn(eth0, 10), turn(eth1, 50)]).toEqual([[a], []]);
});

test('the same order again announces nothing again', () => {
  const { announce, turn } = rig(eth0);
  announce(a);
  expect(turn(eth0, 0)).toEqual([a]);
  announce(a, undefined, 10);
  expect(turn(eth0, 10)).toEqual([]);
});

test('an address that is withdrawn is neither answered nor announced', () => {
  const { responder, announce, ask, turn } = rig(eth0);
  announce(a);
  announce(b);
  responder.perform({ type: 'withdraw', ip: a }, millis(0));
  expect([ask(eth0, a).length, ask(eth0, b).length]).toEqual([0, 1]);
  expect(turn(eth0, 1000)).toEqual([b]);
});

test('a thousand addresses in one batch take one new filter', () => {
  const { responder, socketOf } = rig(eth0);
  for (let index = 0; index < 1000; index++) {
    responder.perform({ type: 'announce', ip: ipv4FromNumber(0xc612_0100 + index), interfaces: undefined }, millis(0));
  }
  responder.settle();
  responder.settle();
  expect(socketOf(eth0).filters).toBe(2); // the first is that of the empty socket
});

test('many announcements go out a few per turn, none is forgotten', () => {
  const { responder, turn } = rig(eth0);
  for (let index = 0; index < 40; index++) {
    responder.perform({ type: 'announce', ip: ipv4FromNumber(0xc612_0100 + index), interfaces: undefined }, millis(0));
  }
  expect([turn(eth0, 0).length, turn(eth0, 0).length, turn(eth0, 0).length, turn(eth0, 0).length]).toEqual([
    16, 16, 8, 0,
  ]);
  expect(responder.nextDeadline()).toBe(50);
});

test('an interface that appears announces what is answered there; one that goes is closed', () => {
  const { responder, reports, announce, ask, turn, socketOf } = rig(eth0);
  announce(a);
  turn(eth0, 0);
  expect(responder.setLinks([eth0, eth1], millis(500))).toBe(true);
  expect([turn(eth1, 500), ask(eth1, a).length]).toEqual([[a], 1]);
  expect(responder.setLinks([eth1], millis(600))).toBe(true);
  expect(socketOf(eth0).isOpen).toBe(false);
  expect(responder.setLinks([eth1], millis(700))).toBe(false);
  const names = reports.flatMap((report) => (report.type === 'interfaces' ? [report.names] : []));
  expect(names).toEqual([['eth0'], ['eth0', 'eth1'], ['eth1']]);
});

test('a changed MAC is used and announced at once', () => {
  const { responder, announce, ask, turn } = rig(eth0);
  announce(a);
  turn(eth0, 6000);
  const mac = 0x02420a0000aa as Mac;
  responder.setLinks([{ ...eth0, mac }], millis(7000));
  expect(turn(eth0, 7000)).toEqual([a]);
  expect(ask(eth0, a)[0]?.packet.senderMac).toBe(mac);
});

test('an interface of another name is another interface', () => {
  const { responder, announce, ask } = rig(eth0);
  announce(a, ['eth0']);
  responder.setLinks([{ ...eth0, name: 'lan0' }], millis(0));
  expect(ask(eth0, a)).toEqual([]);
});

test('a host without interfaces reports that it has none', () => {
  expect(rig({ ...eth0, name: 'excluded0' }).reports).toEqual([{ type: 'interfaces', names: [] }]);
});

test('an interface that cannot be opened is tried again after a second', () => {
  const { responder, failing, reports, announce, ask } = rig();
  failing.set(2, 'ENODEV');
  announce(a);
  expect(responder.setLinks([eth0], millis(0))).toBe(false);
  expect(reports.at(-1)).toMatchObject({
    type: 'log',
    level: 'warn',
    fields: { interface: 'eth0', error: 'bind: ENODEV' },
  });
  expect(responder.nextDeadline()).toBe(1000);
  failing.clear();
  expect(responder.turn(millis(999))).toBe(false);
  expect(responder.turn(millis(1000))).toBe(true);
  expect(ask(eth0, a).length).toBe(1);
  expect(reports.at(-1)).toEqual({ type: 'interfaces', names: ['eth0'] });
});

test('an interface that cannot be opened for long is tried ever more rarely, and told once per reason', () => {
  const { responder, failing, reports } = rig();
  const logs = (): number => reports.filter((report) => report.type === 'log').length;
  failing.set(2, 'ENODEV');
  responder.setLinks([eth0], millis(0));
  const tries: number[] = [];
  for (let next = responder.nextDeadline(); next < 300_000; next = responder.nextDeadline()) {
    tries.push(next);
    responder.setLinks([eth0, eth1], millis(next - 1)); // what else changes is no reason to try
    responder.turn(next);
  }
  expect(tries).toEqual([1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
  expect(logs()).toBe(1);
  failing.set(2, 'ENOMEM');
  responder.turn(responder.nextDeadline());
  expect(logs()).toBe(2);
  responder.setLinks([eth1], millis(400_000)); // it goes: the next of this number begins anew
  expect(responder.nextDeadline()).toBe(Infinity);
  responder.setLinks([eth0, eth1], millis(500_000));
  expect([logs(), responder.nextDeadline()]).toEqual([3, 501_000]);
});

test('a socket that takes no filter is closed again', () => {
  const { responder, announce, failing, opened } = rig();
  announce(a);
  failing.set(2, 'filter');
  responder.setLinks([eth0], millis(0));
  responder.turn(millis(1000));
  expect(opened.map((socket) => socket.isOpen)).toEqual([false, false]);
  failing.clear();
  responder.turn(millis(3000));
  expect(opened.map((socket) => socket.isOpen)).toEqual([false, false, true]);
});

test('without the right to open packet sockets there is nothing to try again', () => {
  const { responder, failing } = rig();
  failing.set(2, 'EPERM');
  expect(() => responder.setLinks([eth0], millis(0))).toThrow('bind: EPERM');
});

test('counters are reported every five seconds, only what has changed, and what could not be sent is not counted', () => {
  const { responder, reports, announce, ask, turn, socketOf } = rig(eth0);
  announce(a);
  announce(b);
  socketOf(eth0).isFull = true;
  ask(eth0, a);
  socketOf(eth0).isFull = false;
  ask(eth0, a);
  turn(eth0, 0);
  const counters = (): unknown => reports.findLast((report) => report.type === 'counters')?.perAddress;
  expect(counters()).toEqual([
    { ip: a, requests: 2, responses: 1, gratuitous: 2 },
    { ip: b, requests: 0, responses: 0, gratuitous: 2 },
  ]);
  ask(eth0, b, 100);
  const before = reports.length;
  responder.turn(millis(20));
  expect(reports.length).toBe(before);
  responder.turn(millis(4900));
  expect(reports.length).toBe(before);
  responder.turn(millis(5000));
  expect(counters()).toEqual([
    { ip: b, requests: 1, responses: 1, gratuitous: 4 },
    { ip: a, requests: 0, responses: 0, gratuitous: 4 },
  ]);
});

test('an IPv6 address is nothing for ARP', () => {
  const { announce, turn } = rig(eth0);
  announce('2001:db8::7' as Ip);
  expect(turn(eth0, 0)).toEqual([]);
});

test('closing closes every socket and reports what was counted', () => {
  const { responder, reports, announce, ask, socketOf } = rig(eth0, eth1);
  announce(a);
  ask(eth0, a);
  responder.close(millis(10));
  expect([socketOf(eth0).isOpen, socketOf(eth1).isOpen]).toEqual([false, false]);
  expect(reports.at(-1)).toMatchObject({ type: 'counters', perAddress: [{ ip: a, requests: 1 }] });
});
