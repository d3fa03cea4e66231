import type { GroupAddress } from '../../src/lib/group-order.ts';
import { constants } from 'node:os';
import { expect, test } from 'vitest';
import { type Ip, ipv4FromNumber } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import { SystemError } from '../../src/io/system-error.ts';
import type { OwnershipLink } from '../../src/proto/ownership/machine.ts';
import { MemoryPort } from '../../test/support/memory-port.ts';
import type { ResponderReport } from './messages.ts';
import { Responder } from './responder.ts';

const eth0: OwnershipLink = {
  index: 2,
  name: 'eth0',
  mac: 0x02420a000001 as Mac,
  hasCarrier: true,
  ipv4: '198.18.0.1' as Ip,
  ipv6: undefined,
};
const eth1: OwnershipLink = { ...eth0, index: 3, name: 'eth1', mac: 0x02420a000101 as Mac };
const dual: OwnershipLink = { ...eth0, ipv6: 'fe80::1' as Ip };
const a = '198.18.1.7' as Ip;
const b = '198.18.1.8' as Ip;
const c = '2001:db8::7' as Ip;
const at = millis;
const onAll = (...ips: readonly Ip[]): GroupAddress[] => ips.map((ip) => ({ ip, interfaces: undefined }));
const on = (ip: Ip, ...interfaces: readonly string[]): GroupAddress[] => [{ ip, interfaces }];

/** A responder with ports in memory, on the links given. */
const rig = (...links: readonly OwnershipLink[]) => {
  const opened: MemoryPort[] = [];
  const reports: ResponderReport[] = [];
  const failing = new Map<number, 'EPERM' | 'ENODEV' | 'ENOMEM' | 'filter'>();
  const segments = new Map<number, number>();
  const answered: unknown[] = [];
  const responder = new Responder({
    openPort: (family, link, events) => {
      const code = failing.get(link.index);
      if (code !== undefined && code !== 'filter') throw new SystemError('bind', constants.errno[code]);
      const port = new MemoryPort(family, link, events);
      port.isRefusing = code === 'filter';
      opened.push(port);
      return port;
    },
    report: (report) => reports.push(report),
    onSighting: () => {},
    onAnswered: (...all) => answered.push(all),
    segmentOf: (index) => segments.get(index) ?? index,
  });
  responder.setLinks(links, at(0));
  const port = (link: OwnershipLink, family: 'IPv4' | 'IPv6' = 'IPv4'): MemoryPort =>
    opened.findLast((each) => each.index === link.index && each.family === family)!;
  return { responder, opened, reports, failing, segments, answered, port };
};

test('an address is answered on every interface by the port of its family', () => {
  const { responder, port } = rig(dual, eth1);
  responder.answer(onAll(a, c), false, at(0));
  expect([port(dual).answered, port(dual, 'IPv6').answered, port(eth1).answered]).toEqual([[a], [c], [a]]);
});

test('an address is answered on the interfaces that are named, and moves with them', () => {
  const { responder, port } = rig(eth0, eth1);
  responder.answer(on(a, 'eth1', 'eth9'), false, at(0));
  expect([port(eth0).answered, port(eth1).answered]).toEqual([[], [a]]);
  responder.answer(on(a, 'eth0'), false, at(10));
  expect([port(eth0).answered, port(eth1).answered]).toEqual([[a], []]);
});

test('of two interfaces on one segment the lower answers, or the one with carrier', () => {
  const { responder, port, segments } = rig(eth0, eth1);
  responder.answer([...onAll(a), ...on(b, 'eth1')], false, at(0));
  segments.set(3, 2);
  responder.placeAgain(at(0));
  expect([port(eth0).answered, port(eth1).answered]).toEqual([[a], [b]]);
  responder.setLinks([{ ...eth0, hasCarrier: false }, eth1], at(1));
  expect([port(eth0).answered, port(eth1).answered]).toEqual([[], [b, a]]);
});

test('what is answered already is announced again only where that is asked for', () => {
  const { responder, port } = rig(eth0);
  responder.answer(onAll(a), false, at(0));
  responder.answer(onAll(a), false, at(10));
  expect(port(eth0).announced).toEqual([a]);
  responder.answer(onAll(a), true, at(10));
  expect(port(eth0).announced).toEqual([a, a]);
});

test('addresses that are silenced are answered no more, others are', () => {
  const { responder, port } = rig(eth0);
  responder.answer(onAll(a, b), false, at(0));
  responder.silence(onAll(a));
  expect(port(eth0).answered).toEqual([b]);
});

test('addresses are watched where they would be answered, also on an interface that comes later', () => {
  const { responder, port } = rig(eth0);
  responder.watch([...onAll(a), ...on(b, 'eth1')]);
  expect(responder.setLinks([eth0, eth1], at(0))).toBe(true);
  expect([port(eth0).watched, port(eth1).watched]).toEqual([[a], [a, b]]);
  responder.unwatch(onAll(a));
  expect([port(eth0).watched, port(eth1).watched]).toEqual([[], [b]]);
});

test('probes go out where the address would be answered, a defence where it is', () => {
  const { responder, port, segments } = rig(eth0, eth1, { ...eth1, index: 4, name: 'eth2' });
  segments.set(3, 2);
  responder.probe({ ip: a, interfaces: undefined });
  expect(rigSent(port(eth0), port(eth1), port({ ...eth1, index: 4 }))).toEqual([['probe'], [], ['probe']]);
  responder.answer(onAll(a), false, at(0));
  for (const index of [2, 3]) responder.defend({ ip: a, interfaces: undefined }, index);
  expect(rigSent(port(eth0), port(eth1))).toEqual([['probe', 'defend'], []]);
});

const rigSent = (...ports: readonly MemoryPort[]): string[][] => ports.map(({ sent }) => sent.map(([what]) => what));

test('questions about other hosts go out on the interface that is named, and what is answered is told with it', () => {
  const { responder, port, answered } = rig(eth0, eth1);
  responder.ask(3, b, undefined, at(0));
  responder.ask(3, b, 7 as Mac, at(0));
  expect([port(eth0).sent, port(eth1).sent]).toEqual([
    [],
    [
      ['ask', b],
      ['askUnicast', b, 7],
    ],
  ]);
  port(eth1).events.onAnswered(b, 7 as Mac);
  expect(answered).toEqual([[3, b, 7]]);
});

test('a batch takes one new filter', () => {
  const { responder, port } = rig(eth0);
  const addresses = Array.from({ length: 1000 }, (_, index) => ipv4FromNumber(0xc612_0100 + index));
  responder.answer(onAll(...addresses), false, at(0));
  responder.settle();
  responder.settle();
  expect(port(eth0).filters).toBe(2); // the first is that of the empty socket
});

test('an interface that appears answers what is answered there; one that goes is closed', () => {
  const { responder, reports, port } = rig(eth0);
  responder.answer(onAll(a), false, at(0));
  expect(responder.setLinks([eth0, eth1], at(500))).toBe(true);
  expect(port(eth1).answered).toEqual([a]);
  expect(responder.setLinks([eth1], at(600))).toBe(true);
  expect(port(eth0).isOpen).toBe(false);
  expect(responder.setLinks([eth1], at(700))).toBe(false);
  const names = reports.flatMap((report) => (report.type === 'interfaces' ? [report.names] : []));
  expect(names).toEqual([['eth0'], ['eth0', 'eth1'], ['eth1']]);
});

test('Neighbor Discovery is served where the interface has an IPv6 address', () => {
  const { responder, opened, port, reports } = rig(eth0);
  expect(opened.map(({ family }) => family)).toEqual(['IPv4']);
  responder.answer(onAll(c), false, at(0));
  expect(responder.setLinks([dual], at(1))).toBe(true);
  expect(port(dual, 'IPv6').answered).toEqual([c]);
  expect(responder.setLinks([eth0], at(2))).toBe(true);
  expect([port(dual, 'IPv6').isOpen, port(dual).isOpen]).toEqual([false, true]);
  expect(reports).toEqual([{ type: 'interfaces', names: ['eth0'] }]);
});

test('a port is told of changes of its interface, with the address of its family', () => {
  const { responder, port } = rig(dual);
  const mac = 0x02420a0000aa as Mac;
  responder.setLinks([{ ...dual, mac }], at(7000));
  expect([port(dual).link, port(dual, 'IPv6').link].map((link) => [link.mac, link.ip])).toEqual([
    [mac, '198.18.0.1'],
    [mac, 'fe80::1'],
  ]);
});

test('everything on an interface is announced again when its switch may have forgotten it', () => {
  const { responder, port } = rig(dual, eth1);
  responder.announceAll(2, at(0));
  expect([port(dual).sent, port(dual, 'IPv6').sent, port(eth1).sent]).toEqual([
    [['announceAll']],
    [['announceAll']],
    [],
  ]);
});

test('an interface of another name is another interface', () => {
  const { responder, opened, port } = rig(eth0);
  responder.answer(on(a, 'eth0'), false, at(0));
  responder.setLinks([{ ...eth0, name: 'lan0' }], at(0));
  expect([opened.map(({ isOpen }) => isOpen), port(eth0).answered]).toEqual([[false, true], []]);
});

test('a host without interfaces reports that it has none', () => {
  expect(rig().reports).toEqual([{ type: 'interfaces', names: [] }]);
});

test('an interface that cannot be opened is tried again after a second', () => {
  const { responder, failing, reports, port } = rig();
  failing.set(2, 'ENODEV');
  responder.answer(onAll(a), false, at(0));
  expect(responder.setLinks([eth0], at(0))).toBe(false);
  expect(reports.at(-1)).toMatchObject({
    type: 'log',
    level: 'warn',
    message: 'cannot answer ARP on the interface yet',
    fields: { interface: 'eth0', error: 'bind: ENODEV' },
  });
  expect(responder.nextDeadline()).toBe(1000);
  failing.clear();
  expect(responder.turn(at(999))).toBe(false);
  expect(responder.turn(at(1000))).toBe(true);
  expect(port(eth0).answered).toEqual([a]);
  expect(reports.at(-1)).toEqual({ type: 'interfaces', names: ['eth0'] });
});

test('an interface that cannot be opened for long is tried ever more rarely, and told once per reason', () => {
  const { responder, failing, reports } = rig();
  failing.set(2, 'ENOMEM');
  responder.setLinks([eth0], at(0));
  const tries: number[] = [];
  for (let now = responder.nextDeadline(); now < 300_000; now = responder.nextDeadline()) {
    tries.push(now);
    if (tries.length === 5) failing.set(2, 'ENODEV');
    responder.turn(now);
  }
  expect(tries).toEqual([1000, 3000, 7000, 15_000, 31_000, 63_000, 123_000, 183_000, 243_000]);
  expect(reports.filter(({ type }) => type === 'log').length).toBe(2);
  responder.setLinks([], at(400_000)); // it has gone: whatever comes with its index later begins anew
  expect(responder.nextDeadline()).toBe(Infinity);
});

test('a port that takes no filter is closed again', () => {
  const { responder, failing, opened, port } = rig();
  responder.answer(onAll(a), false, at(0));
  failing.set(2, 'filter');
  responder.setLinks([eth0], at(0));
  responder.turn(at(1000));
  expect(opened.map(({ isOpen }) => isOpen)).toEqual([false, false]);
  failing.clear();
  responder.turn(at(3000));
  expect([opened.map(({ isOpen }) => isOpen), port(eth0).answered]).toEqual([[false, false, true], [a]]);
});

test('without the right to open packet sockets there is nothing to try again', () => {
  const { responder, failing } = rig();
  failing.set(2, 'EPERM');
  expect(() => responder.setLinks([eth0], at(0))).toThrow('bind: EPERM');
});

test('counters are reported every five seconds, only what has changed', () => {
  const { responder, reports, port } = rig(eth0);
  responder.answer(onAll(a, b), false, at(0));
  port(eth0).count(a, { requests: 2, responses: 1, gratuitous: 2 });
  port(eth0).count(b, { requests: 0, responses: 0, gratuitous: 2 });
  responder.turn(at(0));
  const counters = (): unknown => reports.findLast((report) => report.type === 'counters')?.perAddress;
  expect(counters()).toEqual([
    { ip: a, requests: 2, responses: 1, gratuitous: 2 },
    { ip: b, requests: 0, responses: 0, gratuitous: 2 },
  ]);
  port(eth0).count(b, { requests: 1, responses: 1, gratuitous: 0 });
  const before = reports.length;
  responder.turn(at(4999));
  expect([reports.length, responder.nextDeadline()]).toEqual([before, 5000]);
  responder.silence(onAll(b)); // what was counted is reported all the same
  responder.turn(at(5000));
  expect(counters()).toEqual([{ ip: b, requests: 1, responses: 1, gratuitous: 0 }]);
});

test('closing closes every port and reports what was counted', () => {
  const { responder, reports, port } = rig(eth0, eth1);
  responder.answer(onAll(a), false, at(0));
  port(eth0).count(a, { requests: 1, responses: 1, gratuitous: 0 });
  responder.close(at(10));
  expect([port(eth0).isOpen, port(eth1).isOpen]).toEqual([false, false]);
  expect(reports.at(-1)).toMatchObject({ type: 'counters', perAddress: [{ ip: a, requests: 1 }] });
});
