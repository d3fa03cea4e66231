import type { GroupOrder } from '../../src/lib/group-order.ts';
import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { millis } from '../../src/lib/time.ts';
import { createLocalBindings } from './local-bindings.ts';

const a = '198.18.1.7' as Ip;
const b = '198.18.1.8' as Ip;
const c = '2001:db8::7' as Ip;
const group = (...ips: readonly Ip[]): GroupOrder => ({
  key: ips[0]!,
  addresses: ips.map((ip) => ({ ip, interfaces: undefined })),
  candidates: ['another'],
  policy: 'sticky',
  revision: 1,
});

/** A host with eth0, lo and kube-ipvs0, of which eth0 is served. */
const rig = () => {
  const own = new Map<Ip, number>();
  const arpIgnore = new Map<string, number>([
    ['all', 0],
    ['eth0', 0],
  ]);
  const bindings = createLocalBindings({
    addresses: () => [...own].map(([ip, index]) => ({ interface: index, ip, prefixLength: 32, isLinkLocal: false })),
    nameOf: (index) => ['', 'lo', 'eth0', 'kube-ipvs0'][index],
    served: () => ['eth0'],
    arpIgnore: (name) => arpIgnore.get(name),
  });
  const turn = (now: number): string[] =>
    bindings
      .turn(millis(now))
      .map(({ ip, interface: name, isBound }) => `${ip} ${isBound ? 'bound to' : 'not bound to'} ${name}`);
  return { own, arpIgnore, bindings, turn };
};

test('an announced address that any interface has is told, once, whoever owns it', () => {
  const { own, bindings, turn } = rig();
  own.set(a, 3).set(b, 1);
  bindings.groups([group(a, c)], [], millis(0));
  expect(turn(0)).toEqual([`${a} bound to kube-ipvs0`]);
  bindings.groups([group(b)], [], millis(100));
  expect([bindings.nextDeadline(), turn(999), turn(1000)]).toEqual([1000, [], [`${b} bound to lo`]]);
  own.delete(a);
  bindings.hostChanged(millis(3000));
  expect(turn(3000)).toEqual([`${a} not bound to kube-ipvs0`]);
  bindings.groups([], [{ key: b, isReleased: true, revision: 2 }], millis(5000));
  expect(turn(5000)).toEqual([`${b} not bound to lo`]);
  expect(bindings.nextDeadline()).toBe(Infinity);
});

test.each([
  ['all', 1],
  ['eth0', 2],
] as const)('while arp_ignore of %s is %i the kernel leaves the answer to us', (name, value) => {
  const { own, arpIgnore, bindings, turn } = rig();
  own.set(a, 3);
  bindings.groups([group(a)], [], millis(0));
  arpIgnore.set(name, value);
  expect(turn(0)).toEqual([]);
  arpIgnore.set(name, 0); // nobody tells of that
  expect([bindings.nextDeadline(), turn(5000)]).toEqual([5000, [`${a} bound to kube-ipvs0`]]);
  arpIgnore.set(name, value);
  expect(turn(10_000)).toEqual([`${a} not bound to kube-ipvs0`]);
});

test('IPv6 addresses are answered by the kernel on their own interface only', () => {
  const { own, bindings, turn } = rig();
  own.set(c, 3);
  bindings.groups([group(c)], [], millis(0));
  expect([turn(0), bindings.nextDeadline()]).toEqual([[], Infinity]);
});

test('an address that moves to another interface is told anew', () => {
  const { own, bindings, turn } = rig();
  own.set(a, 1);
  bindings.groups([group(a)], [], millis(0));
  turn(0);
  own.set(a, 3);
  bindings.hostChanged(millis(2000));
  expect(turn(2000)).toEqual([`${a} not bound to lo`, `${a} bound to kube-ipvs0`]);
});
