import type { GroupAddress } from '../../src/lib/group-order.ts';
import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import type { OwnershipEffect, OwnershipEvent, OwnershipLink } from '../../src/proto/ownership/machine.ts';
import type { Beacon, OwnershipMessage } from '../../src/proto/ownership/message.ts';
import { createInspections } from './inspections.ts';
import type { ResponderReport } from './messages.ts';
import { createOwnershipDriver } from './ownership-driver.ts';
import { createSegments } from './segments.ts';

const eth0: OwnershipLink = {
  index: 2,
  name: 'eth0',
  mac: 0x02420a000001 as Mac,
  hasCarrier: true,
  ipv4: '198.18.0.1' as Ip,
  ipv6: undefined,
};
const eth1: OwnershipLink = { ...eth0, index: 3, name: 'eth1' };
const peer = '198.18.0.2' as Ip;
const key = '198.18.1.7' as Ip;
const addresses: GroupAddress[] = [{ ip: key, interfaces: undefined }];
const question = { type: 'challenge', nonce: 7n } as const;
const beacon: Beacon = {
  type: 'beacon',
  interval: millis(50),
  isOwner: true,
  isListening: false,
  isLeaving: false,
  isMainAwake: true,
  isCopy: false,
  digest: 0,
  mac: eth0.mac,
  ipv4: eth0.ipv4,
  ipv6: undefined,
  interfaces: [],
  hears: [],
  hearsCopies: [],
  changes: [],
};
const fromPeer = (sequence: number, epoch = 2n): OwnershipMessage => ({ node: 'n2', epoch, sequence, ...beacon });

/** A driver whose machine says what it is told to; messages are sealed by being put into a list. */
const rig = () => {
  const events: OwnershipEvent[] = [];
  const calls: unknown[][] = [];
  const reports: ResponderReport[] = [];
  const sealed: OwnershipMessage[] = [];
  const carriers = new Map<string, boolean>();
  const routed = new Set<Ip>();
  let answers: OwnershipEffect[] = [];
  let deadline = Infinity;
  let diagnosesDue = Infinity;
  let opened: OwnershipMessage | 'unknownKey' | 'bad' = 'bad';
  let received = 0;
  const call =
    <T>(name: string, result: T) =>
    (...all: readonly unknown[]): T => {
      calls.push([name, ...all]);
      return result;
    };
  const segments = createSegments();
  const driver = createOwnershipDriver({
    node: 'n1',
    epoch: 1n,
    machine: {
      step: (event) => {
        events.push(event);
        const effects = answers;
        answers = [];
        return effects;
      },
      nextDeadline: () => millis(deadline),
      owns: () => false,
    },
    sealer: {
      seal: (message) => {
        sealed.push(message);
        return [Uint8Array.of(sealed.length)];
      },
      open: () => opened,
    },
    beacons: {
      setLinks: call('beacons.setLinks', true),
      sendToAll: call('sendToAll', undefined),
      sendTo: call('sendTo', undefined),
      heard: call('heard', undefined),
    },
    responder: {
      setLinks: call('responder.setLinks', false),
      answer: call('answer', undefined),
      silence: call('silence', undefined),
      watch: call('watch', undefined),
      unwatch: call('unwatch', undefined),
      probe: call('probe', undefined),
      defend: call('defend', undefined),
      ask: call('ask', undefined),
      placeAgain: call('placeAgain', undefined),
      settle: call('settle', undefined),
    },
    diagnoses: {
      begin: call('diagnose', true),
      answered: (index) => [{ type: 'diagnosed', node: 'n2', interface: index, finding: 'hostAnswers' }],
      receive: () => [{ type: 'diagnosed', node: 'n2', interface: 2, finding: 'portUnreachable' }],
      turn: () => false,
      nextDeadline: () => millis(diagnosesDue),
    },
    inspections: createInspections(() => received),
    segments,
    isOnLink: (_, from) => !routed.has(from),
    hasCarrier: (name) => carriers.get(name),
    gateways: () => ['198.18.0.254' as Ip],
    onSocketsChanged: call('socketsChanged', undefined),
    report: (report) => reports.push(report),
  });
  driver.setLinks([eth0, eth1], millis(0));
  const taken = (): unknown[][] => calls.splice(0);
  taken();
  events.splice(0);
  return {
    driver,
    reports,
    sealed,
    carriers,
    routed,
    segments,
    taken,
    takenEvents: (): OwnershipEvent[] => events.splice(0),
    setDeadline: (at: number) => (deadline = at),
    setDiagnosesDue: (at: number) => (diagnosesDue = at),
    frameComes: () => (received += 1),
    /** Lets the machine ask for these in its next step, and takes that step. */
    perform: (effects: readonly OwnershipEffect[], now = 0): void => {
      answers = [...effects];
      driver.step({ type: 'timerDue' }, millis(now));
      events.splice(
        events.findIndex(({ type }) => type === 'timerDue'),
        1,
      );
    },
    receive: (message: typeof opened, index: number | undefined = 2, from = peer, now = 0): OwnershipEvent[] => {
      opened = message;
      driver.received(Uint8Array.of(), from, index, 'IPv4', millis(now));
      return events.splice(0);
    },
  };
};
const send = (index: number | undefined, to: Ip | 'all'): OwnershipEffect => ({
  type: 'send',
  interface: index,
  to,
  body: question,
});

test('messages are sealed with sender and a number that grows, and sent where they are meant to go', () => {
  const { perform, taken, sealed } = rig();
  perform([send(2, 'all'), send(3, peer), send(undefined, peer)]);
  expect(taken()).toEqual([
    ['sendToAll', 2, Uint8Array.of(1), 0],
    ['sendTo', peer, 3, Uint8Array.of(2)],
    ['sendTo', peer, undefined, Uint8Array.of(3)],
  ]);
  expect(sealed).toEqual([1, 2, 3].map((sequence) => ({ node: 'n1', epoch: 1n, sequence, ...question })));
});

test('a message to all without an interface is another one on each', () => {
  const { perform, taken } = rig();
  perform([send(undefined, 'all')]);
  expect(taken()).toEqual([
    ['sendToAll', 2, Uint8Array.of(1), 0],
    ['sendToAll', 3, Uint8Array.of(2), 0],
  ]);
});

test('effects on addresses are performed by the responder, in their order', () => {
  const { perform, taken } = rig();
  const address = addresses[0]!;
  perform(
    [
      { type: 'watch', addresses },
      { type: 'probe', address },
      { type: 'unwatch', addresses },
      { type: 'answer', key, addresses, isAgain: true },
      { type: 'defend', address, interface: 2 },
      { type: 'silence', key, addresses },
    ],
    5,
  );
  expect(taken()).toEqual([
    ['watch', addresses],
    ['probe', address],
    ['unwatch', addresses],
    ['answer', addresses, true, 5],
    ['defend', address, 2],
    ['silence', addresses],
  ]);
});

test('an address is answered before others hear that it is', () => {
  const { perform, taken } = rig();
  perform([{ type: 'answer', key, addresses, isAgain: false }, send(2, 'all'), send(2, 'all')]);
  expect(taken().map(([name]) => name)).toEqual(['answer', 'settle', 'sendToAll', 'sendToAll']);
});

test('a diagnosis asks with a sealed message, by the device of its interface; findings come back as events', () => {
  const { driver, perform, taken, takenEvents, setDiagnosesDue } = rig();
  const diagnosis = { node: 'n2', interface: 3, address: peer, mac: 7 as Mac, body: question };
  perform([{ type: 'diagnose', ...diagnosis }]);
  expect(taken()).toEqual([
    ['diagnose', { type: 'diagnose', ...diagnosis }, eth1, [Uint8Array.of(1)], 0],
    ['socketsChanged'],
  ]);
  driver.answered(3, peer, 7 as Mac, millis(1));
  driver.receiveFindings(millis(1));
  expect(takenEvents()).toEqual([
    { type: 'diagnosed', node: 'n2', interface: 3, finding: 'hostAnswers' },
    { type: 'diagnosed', node: 'n2', interface: 2, finding: 'portUnreachable' },
  ]);
  driver.turn(millis(2));
  expect(takenEvents()).toEqual([]);
  setDiagnosesDue(2); // refused while it was asked, so that no socket will be ready
  driver.turn(millis(2));
  expect(takenEvents()).toMatchObject([{ finding: 'portUnreachable' }]);
  taken();
  perform([{ type: 'diagnose', ...diagnosis, interface: 9 }]); // it has gone
  expect(taken()).toEqual([]);
});

test('an inspection asks peers and routers, and says when frames come', () => {
  const { driver, perform, taken, takenEvents, frameComes } = rig();
  perform([{ type: 'inspect', interface: 2, addresses: [peer] }]);
  expect(taken()).toEqual([
    ['ask', 2, peer, undefined, 0],
    ['ask', 2, '198.18.0.254', undefined, 0],
  ]);
  expect(driver.nextDeadline()).toBe(20);
  frameComes();
  driver.turn(millis(20));
  expect(takenEvents()).toEqual([{ type: 'inspected', interface: 2, hasFrames: true }]);
});

test('reports go out as one, at the end of a turn', () => {
  const { driver, perform, reports } = rig();
  perform([{ type: 'report', report: { type: 'ended' } }]);
  perform([{ type: 'report', report: { type: 'ended' } }]);
  expect(reports).toEqual([]);
  driver.turn(millis(0));
  driver.turn(millis(0));
  expect(reports).toEqual([{ type: 'ownership', reports: [{ type: 'ended' }, { type: 'ended' }] }]);
});

test('the timer of the machine is served when it is due, not before', () => {
  const { driver, setDeadline, takenEvents } = rig();
  setDeadline(50);
  expect(driver.nextDeadline()).toBe(50);
  driver.turn(millis(49));
  expect(takenEvents()).toEqual([]);
  driver.turn(millis(50));
  expect(takenEvents()).toEqual([{ type: 'timerDue' }]);
});

test('what is received goes to the machine, and the sockets learn by which way', () => {
  const { receive, taken } = rig();
  const message = fromPeer(1);
  expect(receive(message)).toEqual([{ type: 'received', interface: 2, from: peer, message }]);
  expect(taken()).toEqual([['heard', 'n2', peer, 2, 'IPv4', 0]]);
});

test('what a router has forwarded came by no interface', () => {
  const { receive, routed, taken } = rig();
  const message = fromPeer(1);
  routed.add(peer);
  expect(receive(message)).toEqual([{ type: 'received', interface: undefined, from: peer, message }]);
  expect(receive(message, undefined)).toEqual([{ type: 'received', interface: undefined, from: peer, message }]);
  expect(taken()).toEqual([]);
});

test('what is bad is dropped; an unknown key is told once a minute for each address', () => {
  const { receive, reports } = rig();
  expect(receive('bad')).toEqual([]);
  expect(reports).toEqual([]);
  receive('unknownKey');
  receive('unknownKey', 2, peer, 59_999);
  receive('unknownKey', 2, '198.18.0.3' as Ip, 59_999);
  receive('unknownKey', 2, peer, 60_000);
  expect(reports).toEqual([peer, '198.18.0.3', peer].map((from) => ({ type: 'unknownKey', from })));
});

test('of invented addresses a thousand are told, no more', () => {
  const { receive, reports } = rig();
  for (let index = 0; index < 3000; index++) receive('unknownKey', 2, `198.19.${index >> 8}.${index & 255}` as Ip);
  expect(reports.length).toBe(1024);
  receive('unknownKey', 2, peer, 60_000);
  expect(reports.length).toBe(1025);
});

test('an own message that comes in on another interface shows that both are on one segment', () => {
  const { receive, perform, taken, segments, sealed } = rig();
  perform([send(2, 'all')]);
  taken();
  expect(receive(sealed[0]!, 2)).toEqual([]);
  expect([segments.segmentOf(3), taken()]).toEqual([3, []]);
  expect(receive(sealed[0]!, 3)).toEqual([]);
  expect([segments.segmentOf(3), taken()]).toEqual([2, [['placeAgain', 0]]]);
  receive({ ...sealed[0]!, epoch: 9n }, 2); // another speaker under the name of this node
  expect(taken().map(([name]) => name)).toEqual(['heard']);
});

test('a message of a peer that comes in on two interfaces shows the same, until nothing shows it any more', () => {
  const { driver, receive, segments, taken } = rig();
  receive(fromPeer(1), 2);
  receive(fromPeer(2), 3);
  receive(fromPeer(3, 4n), 2);
  expect(segments.segmentOf(3)).toBe(3);
  receive(fromPeer(3), 2);
  receive(fromPeer(3), 3);
  expect(segments.segmentOf(3)).toBe(2);
  taken();
  for (let now = 1000; now < 5000; now += 1000) driver.turn(millis(now));
  expect(taken()).toEqual([]);
  driver.turn(millis(5000));
  expect([segments.segmentOf(3), taken()]).toEqual([3, [['placeAgain', 5000]]]);
});

test('links are told once as they are, after their sockets are open', () => {
  const { driver, taken, takenEvents } = rig();
  driver.setLinks([eth0, { ...eth1 }], millis(1));
  expect([taken(), takenEvents()]).toEqual([[], []]);
  driver.setLinks([eth0], millis(2));
  expect(taken()).toEqual([['beacons.setLinks', [eth0], 2], ['responder.setLinks', [eth0], 2], ['socketsChanged']]);
  expect(takenEvents()).toEqual([{ type: 'links', links: [eth0] }]);
});

test('a carrier that is lost is found by the next beacon, before the kernel tells', () => {
  const { driver, perform, carriers, taken, takenEvents } = rig();
  const sendBeacon: OwnershipEffect = { type: 'send', interface: 2, to: 'all', body: beacon };
  perform([sendBeacon], 50);
  expect(takenEvents()).toEqual([]);
  carriers.set('eth0', false);
  perform([{ ...sendBeacon, to: peer }, sendBeacon, send(3, 'all')], 100);
  const links = [{ ...eth0, hasCarrier: false }, eth1];
  expect(taken().slice(-2)).toEqual([['responder.setLinks', links, 100], ['socketsChanged']]);
  expect(takenEvents()).toEqual([{ type: 'links', links }]);
  driver.setLinks([eth0, eth1], millis(101)); // the kernel has not noticed yet
  expect([taken(), takenEvents()]).toEqual([[], []]);
});
