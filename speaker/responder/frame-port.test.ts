import { expect, test } from 'vitest';
import { runBpf } from '../../test/support/bpf-interpreter.ts';
import { type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import { broadcastMac, type Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import { arpProbe, arpRequest, gratuitousArp } from '../../src/proto/arp/announcement.ts';
import { encodeArpFrame } from '../../src/proto/arp/packet.ts';
import type { BpfInstruction } from '../../src/proto/bpf/assembler.ts';
import { ndpProbe, ndpSolicitation, unsolicitedAdvertisement } from '../../src/proto/ndp/announcement.ts';
import { encodeNdpFrame } from '../../src/proto/ndp/packet.ts';
import { openArpPort } from './arp-port.ts';
import { openNdpPort } from './ndp-port.ts';
import type { AddressCounters, FrameSocket, LanPort, LanPortOptions } from './port.ts';

const index = 7;
const ours = 0x02420a000001 as Mac;
const client = 0x02420a000002 as Mac;
const stranger = 0x02420a000003 as Mac;
const at = millis;

const decodeBpf = (octets: Uint8Array): BpfInstruction[] => {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  return Array.from({ length: octets.length / 8 }, (_, n) => ({
    code: view.getUint16(8 * n, true),
    ifTrue: view.getUint8(8 * n + 2),
    ifFalse: view.getUint8(8 * n + 3),
    k: view.getUint32(8 * n + 4, true),
  }));
};

/** A packet socket in memory, whose filter is run as the kernel would. */
class MemorySocket implements FrameSocket {
  readonly sent: string[] = [];
  readonly #inbox: Uint8Array[] = [];
  readonly #memory = new Uint8Array(192);
  #filter: readonly BpfInstruction[] = [];
  filters = 0;
  isFull = false;
  isOpen = true;

  setFilter(choices: Iterable<Uint8Array>): void {
    const [first] = choices;
    this.#filter = decodeBpf(first!);
    this.filters += 1;
  }

  /** A frame arrives; false if the filter keeps it back. */
  push(frame: Uint8Array): boolean {
    const isPassed = runBpf(this.#filter, frame, { interfaceIndex: index }) > 0;
    if (isPassed) this.#inbox.push(frame);
    return isPassed;
  }

  /** Frames wait that the filter has let pass. */
  queue(frame: Uint8Array, count: number): void {
    for (let n = 0; n < count; n++) this.#inbox.push(frame);
  }

  receive(limit: number, onFrame: (frame: DataView, length: number) => void): void {
    for (const frame of this.#inbox.splice(0, limit)) {
      this.#memory.set(frame);
      onFrame(new DataView(this.#memory.buffer), frame.length);
    }
  }

  sendBack(length: number): boolean {
    return this.send(this.#memory.slice(0, length));
  }

  send(frame: Uint8Array): boolean {
    if (!this.isFull) this.sent.push(frame.toHex());
    return !this.isFull;
  }

  close(): void {
    this.isOpen = false;
  }
}

/** One family: its port and the frames that others send. */
type World = {
  readonly open: (options: LanPortOptions<MemorySocket>, groups: string[]) => LanPort<MemorySocket>;
  readonly own: Ip;
  /** Two addresses to answer for, and one of another host. */
  readonly a: Ip;
  readonly b: Ip;
  readonly other: Ip;
  readonly request: (from: Mac, ip: Ip) => Uint8Array;
  readonly claim: (from: Mac, ip: Ip) => Uint8Array;
  readonly probe: (from: Mac, ip: Ip) => Uint8Array;
  readonly announcement: (mac: Mac, ip: Ip) => readonly string[];
  readonly question: (to: Mac | undefined, ip: Ip) => string;
};

const arpWorld: World = {
  open: (options) => openArpPort(options, at(0)),
  own: '198.18.0.1' as Ip,
  a: '198.18.1.7' as Ip,
  b: '198.18.1.8' as Ip,
  other: '198.18.0.9' as Ip,
  request: (from, ip) => encodeArpFrame(arpRequest(from, 0x0a00_0001, ipv4ToNumber(ip), broadcastMac)),
  claim: (from, ip) => encodeArpFrame(gratuitousArp(from, ipv4ToNumber(ip))[1]),
  probe: (from, ip) => encodeArpFrame(arpProbe(from, ipv4ToNumber(ip))),
  announcement: (mac, ip) => gratuitousArp(mac, ipv4ToNumber(ip)).map((frame) => encodeArpFrame(frame).toHex()),
  question: (to, ip) => encodeArpFrame(arpRequest(ours, 0xc612_0001, ipv4ToNumber(ip), to ?? broadcastMac)).toHex(),
};
const ndpWorld: World = {
  open: (options, groups) => {
    const membership = {
      join: (group: Ip) => groups.push(group) > 0,
      leave: (group: Ip) => void groups.splice(groups.indexOf(group), 1),
    };
    return openNdpPort({ ...options, groups: membership }, at(0));
  },
  own: 'fe80::1' as Ip,
  a: '2001:db8::7' as Ip,
  b: '2001:db8::8' as Ip,
  other: 'fe80::9' as Ip,
  request: (from, ip) => encodeNdpFrame(ndpSolicitation({ mac: from, ip: 'fe80::c' as Ip }, ip, undefined)),
  claim: (from, ip) => encodeNdpFrame(unsolicitedAdvertisement(from, ip)),
  probe: (from, ip) => encodeNdpFrame(ndpProbe(from, ip)),
  announcement: (mac, ip) => [encodeNdpFrame(unsolicitedAdvertisement(mac, ip)).toHex()],
  question: (to, ip) => encodeNdpFrame(ndpSolicitation({ mac: ours, ip: 'fe80::1' as Ip }, ip, to)).toHex(),
};

const rig = (world: World) => {
  const told: unknown[] = [];
  const groups: string[] = [];
  const options: LanPortOptions<MemorySocket> = {
    link: { index, name: 'eth0', mac: ours, ip: world.own },
    openSocket: (_, filters) => {
      const socket = new MemorySocket();
      socket.setFilter(filters);
      return socket;
    },
    random: () => 0.5,
    events: {
      onCounted: () => {},
      onSighting: ({ kind, ip, mac }) => told.push([kind, ip, mac]),
      onAnswered: (ip, mac) => told.push(['answered', ip, mac]),
    },
  };
  const port = world.open(options, groups);
  const { socket } = port;
  return {
    port,
    socket,
    groups,
    told,
    counters: (ip: Ip): AddressCounters => ({ ip, requests: 0, responses: 0, gratuitous: 0 }),
    add: (ip: Ip, now = 0): void => {
      port.add(ip, { ip, requests: 0, responses: 0, gratuitous: 0 }, at(now));
      port.updateFilter();
    },
    /** What goes out while `action` runs. */
    sentBy: (action: () => void): string[] => {
      const before = socket.sent.length;
      action();
      return socket.sent.slice(before);
    },
    /** Lets a frame arrive; false if the filter keeps it back. */
    hear: (frame: Uint8Array, now = 0): boolean => {
      const isPassed = socket.push(frame);
      port.receive(at(now));
      return isPassed;
    },
  };
};

const worlds = [
  ['ARP', arpWorld],
  ['Neighbor Discovery', ndpWorld],
] as const;

test.each(worlds)('%s: a request for an address of ours is answered and counted, others do not come in', (_, world) => {
  const { port, socket, hear, sentBy, counters } = rig(world);
  const counted = counters(world.a);
  port.add(world.a, counted, at(0));
  port.updateFilter();
  expect(sentBy(() => hear(world.request(client, world.a))).length).toBe(1);
  expect(counted).toMatchObject({ requests: 1, responses: 1 });
  socket.isFull = true;
  hear(world.request(client, world.a));
  expect(counted).toMatchObject({ requests: 2, responses: 1 });
  expect(hear(world.request(client, world.b))).toBe(false);
  expect(port.framesReceived).toBe(2);
  port.remove(world.a);
  port.updateFilter();
  expect([hear(world.request(client, world.a)), port.answers(world.a)]).toEqual([false, false]);
});

test.each(worlds)(
  '%s: an address is announced in its series, again where asked, and no more once removed',
  (_, world) => {
    const { port, add, sentBy } = rig(world);
    const frames = world.announcement(ours, world.a);
    add(world.a);
    expect(sentBy(() => port.announce(at(0)))).toEqual(frames);
    expect(port.nextDeadline()).toBe(50);
    port.announce(at(60));
    port.announceAgain(world.a, at(100));
    port.announceAgain(world.b, at(100)); // which is not answered
    expect(sentBy(() => port.announce(at(100)))).toEqual(frames);
    port.announceAll(at(110));
    expect(sentBy(() => port.announce(at(110)))).toEqual(frames);
    port.remove(world.a);
    expect([sentBy(() => port.announce(at(60_000))), port.nextDeadline()]).toEqual([[], undefined]);
  },
);

test.each(worlds)('%s: a changed MAC is announced and answers from then on', (_, world) => {
  const { port, add, hear, sentBy } = rig(world);
  add(world.a);
  port.announce(at(0));
  port.setLink({ index, name: 'eth0', mac: ours, ip: world.own }, at(10));
  expect(sentBy(() => port.announce(at(10)))).toEqual([]);
  port.setLink({ index, name: 'eth0', mac: stranger, ip: world.own }, at(10));
  expect(sentBy(() => port.announce(at(10)))).toEqual(world.announcement(stranger, world.a));
  const [answer] = sentBy(() => hear(world.request(client, world.a)));
  expect(answer!.slice(0, 24)).toBe('02420a000002' + '02420a000003');
});

test.each(worlds)('%s: an address is defended by one announcement, if it is answered', (_, world) => {
  const { port, add, sentBy } = rig(world);
  add(world.a);
  expect(sentBy(() => port.defend(world.a))).toEqual(world.announcement(ours, world.a));
  expect(sentBy(() => port.defend(world.b))).toEqual([]);
});

test.each(worlds)(
  '%s: claims of answered and watched addresses are sighted, probes of watched ones too',
  (_, world) => {
    const { port, add, hear, told, sentBy } = rig(world);
    add(world.a);
    port.watch([world.b]);
    port.updateFilter();
    hear(world.claim(stranger, world.a));
    hear(world.claim(stranger, world.b));
    hear(world.probe(stranger, world.b));
    hear(world.claim(ours, world.a));
    expect(told).toEqual([
      ['claim', world.a, stranger],
      ['claim', world.b, stranger],
      ['probe', world.b, stranger],
    ]);
    expect(sentBy(() => hear(world.probe(stranger, world.a))).length).toBe(1); // it is told that we have it
    port.unwatch([world.b]);
    port.updateFilter();
    expect([hear(world.claim(stranger, world.b)), told.length]).toEqual([false, 3]);
  },
);

test.each(worlds)('%s: a probe goes out when answers can come in', (_, world) => {
  const { port, sentBy } = rig(world);
  port.watch([world.b]);
  expect(sentBy(() => port.probe(world.b))).toEqual([]);
  const probe = world.probe(ours, world.b).toHex();
  expect(sentBy(() => port.updateFilter())).toEqual([probe]);
  expect(sentBy(() => port.probe(world.b))).toEqual([probe]);
});

test.each(worlds)('%s: a flood of claims is told of at a bounded rate, and again when it goes on', (_, world) => {
  const { add, hear, told } = rig(world);
  add(world.a);
  for (let n = 0; n < 500; n++) hear(world.claim(stranger, world.a), 50);
  expect(told.length).toBe(100);
  hear(world.claim(stranger, world.a), 100);
  expect(told.length).toBe(101);
});

test.each(worlds)('%s: who is asked at a MAC has to answer from there', (_, world) => {
  const { port, hear, told, sentBy } = rig(world);
  expect(hear(world.claim(stranger, world.other))).toBe(false);
  expect(sentBy(() => port.askUnicast(world.other, stranger, at(0)))).toEqual([world.question(stranger, world.other)]);
  hear(world.claim(client, world.other));
  expect(told).toEqual([]);
  hear(world.claim(stranger, world.other));
  hear(world.claim(stranger, world.other));
  expect(told).toEqual([['answered', world.other, stranger]]);
  expect(hear(world.request(client, world.other))).toBe(false); // only what it says itself comes in
});

test.each(worlds)('%s: where everybody is asked, the first answer is told', (_, world) => {
  const { port, hear, told, sentBy } = rig(world);
  expect(sentBy(() => port.ask(world.other, at(0)))).toEqual([world.question(undefined, world.other)]);
  hear(world.claim(client, world.other));
  hear(world.claim(stranger, world.other));
  expect(told).toEqual([['answered', world.other, client]]);
});

test.each(worlds)('%s: what was asked is forgotten after a second', (_, world) => {
  const { port, hear, told } = rig(world);
  port.ask(world.other, at(0));
  expect(port.nextDeadline()).toBe(1000);
  port.announce(at(1000));
  expect([hear(world.claim(client, world.other)), told, port.nextDeadline()]).toEqual([false, [], undefined]);
});

test.each(worlds)('%s: an address that is answered may be asked for as well', (_, world) => {
  const { port, add, hear, told } = rig(world);
  add(world.a);
  port.ask(world.a, at(0));
  hear(world.claim(client, world.a));
  expect(told).toEqual([
    ['answered', world.a, client],
    ['claim', world.a, client],
  ]);
  port.announce(at(1000));
  expect(port.answers(world.a)).toBe(true);
});

test.each(worlds)('%s: changes take one new filter, and none changes nothing', (_, world) => {
  const { port, socket, counters } = rig(world);
  port.add(world.a, counters(world.a), at(0));
  port.watch([world.b, world.b]);
  port.updateFilter();
  port.updateFilter();
  expect(socket.filters).toBe(2); // the first is that of the empty port
  port.watch([world.a]);
  port.remove(world.a); // still watched
  port.updateFilter();
  expect(socket.filters).toBe(2);
});

test('the group of an address is joined while it is answered or watched', () => {
  const { port, groups, add } = rig(ndpWorld);
  add(ndpWorld.a);
  port.watch([ndpWorld.a, ndpWorld.b]);
  port.ask(ndpWorld.other, at(0));
  expect(groups).toEqual(['ff02::1:ff00:7', 'ff02::1:ff00:8']);
  port.remove(ndpWorld.a);
  expect(groups).toEqual(['ff02::1:ff00:7', 'ff02::1:ff00:8']);
  port.unwatch([ndpWorld.a]);
  expect(groups).toEqual(['ff02::1:ff00:8']);
  port.close();
  expect(groups).toEqual([]);
});

test('a group that the kernel refuses is asked for again with each announcement', () => {
  let isGranting = false;
  const joined: Ip[] = [];
  const left: Ip[] = [];
  const membership = {
    join: (group: Ip) => isGranting && joined.push(group) > 0,
    leave: (group: Ip) => void left.push(group),
  };
  const { add, port } = rig({
    ...ndpWorld,
    open: (options) => openNdpPort({ ...options, groups: membership }, at(0)),
  });
  add(ndpWorld.a);
  port.announce(at(0));
  isGranting = true;
  port.announce(at(50));
  port.announce(at(250));
  expect([joined, left]).toEqual([['ff02::1:ff00:7'], []]);
  port.remove(ndpWorld.a);
  expect(left).toEqual(['ff02::1:ff00:7']);
});

test('Neighbor Discovery without a link-local address is refused', () => {
  const { port } = rig(ndpWorld);
  expect(() => port.setLink({ index, name: 'eth0', mac: ours, ip: undefined }, at(0))).toThrow('no link-local address');
});

test('ARP asks as nobody where the interface has no address', () => {
  const { port, sentBy } = rig(arpWorld);
  port.setLink({ index, name: 'eth0', mac: ours, ip: undefined }, at(0));
  expect(sentBy(() => port.askUnicast(arpWorld.other, stranger, at(0)))).toEqual([
    encodeArpFrame(arpRequest(ours, 0, ipv4ToNumber(arpWorld.other), stranger)).toHex(),
  ]);
});

test.each(worlds)('%s: a source that asks too often is answered no more often than the limit', (_, world) => {
  const { port, socket, counters } = rig(world);
  const counted = counters(world.a);
  port.add(world.a, counted, at(0));
  socket.queue(world.request(client, world.a), 100_100);
  for (let turn = 0; turn < 100_100 / 64; turn++) {
    port.receive(at(0));
    socket.sent.length = 0;
  }
  expect(counted).toMatchObject({ requests: 100_100, responses: 100_000 });
});
