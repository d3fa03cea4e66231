import { expect, test } from 'vitest';
import {
  createOwnershipRig,
  ip,
  orderOf,
  type OwnershipRig,
  threeAtRest,
} from '../../../test/support/ownership-rig.ts';
import { millis } from '../../lib/time.ts';

const key = ip('192.0.2.1');

/** How long nobody answers while `act` and what follows from it happen. */
const silenceDuring = (rig: OwnershipRig, act: () => void, duration = 5000): number => {
  const from = rig.now();
  act();
  rig.advance(duration);
  return rig.silence(key, from);
};

test('a group is handed to the node that is named, and somebody answers at every instant', () => {
  const rig = threeAtRest(key);
  const silence = silenceDuring(rig, () => rig.tell('a', { type: 'handOver', keys: [key], to: 'c' }));
  expect(silence).toBe(0);
  expect(rig.answering(key)).toEqual(['c']);
  expect(rig.doubles(key, 0)).toBeLessThan(2);
  expect(rig.reports('a')).toContainEqual({ type: 'notOwning', key, why: 'handedOver' });
  expect(rig.reports('c')).toContainEqual({ type: 'owning', key, how: 'planned', took: undefined });
});

test('a group that is handed to nobody in particular goes to the next candidate that lives', () => {
  const rig = threeAtRest(key);
  rig.crash('b');
  rig.advance(5000);
  expect(silenceDuring(rig, () => rig.tell('a', { type: 'handOver', keys: 'all', to: undefined }))).toBe(0);
  expect(rig.answering(key)).toEqual(['c']);
});

test('a successor that does not claim in time is followed by the next', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['a', 'c']), ['b']);
  const silence = silenceDuring(rig, () => rig.tell('a', { type: 'handOver', keys: 'all', to: undefined }), 140);
  expect(silence).toBe(0);
  expect(rig.answering(key)).toEqual(['a']);
  rig.advance(20);
  expect(rig.answering(key)).toEqual(['c']);
});

test('an owner keeps what nobody takes', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.start('b');
  rig.order(orderOf(key, ['a', 'b']), ['a']);
  rig.advance(2000);
  expect(silenceDuring(rig, () => rig.tell('a', { type: 'handOver', keys: 'all', to: 'b' }))).toBe(0);
  expect(rig.answering(key)).toEqual(['a']);
});

test('a speaker that leaves hands everything over, says good-bye and is silent', () => {
  const rig = threeAtRest(key);
  const silence = silenceDuring(rig, () => rig.tell('a', { type: 'leave', by: millis(rig.now() + 3000) }));
  expect(silence).toBe(0);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.reports('a').at(-1)).toEqual({ type: 'ended' });
  expect(rig.reports('b')).not.toContainEqual(expect.objectContaining({ type: 'suspicion' }));
});

test('a speaker that leaves lets go in the end what nobody takes, and the rest of a cluster may have it at once', () => {
  const rig = threeAtRest(key);
  rig.setMain('b', 'hung');
  rig.setMain('c', 'hung');
  rig.advance(6000);
  const from = rig.now();
  rig.tell('a', { type: 'leave', by: millis(rig.now() + 1000) });
  rig.advance(500);
  expect(rig.answering(key)).toEqual(['a']);
  rig.advance(600);
  expect(rig.answering(key)).toEqual([]);
  expect(rig.silence(key, from)).toBeLessThan(101);
  rig.setMain('c', 'current');
  rig.advance(100);
  expect(rig.answering(key)).toEqual(['c']);
});

test('a rolling restart loses nothing', () => {
  const rig = threeAtRest(key);
  const from = rig.now();
  for (const name of ['a', 'b', 'c']) {
    rig.tell(name, { type: 'leave', by: millis(rig.now() + 3000) });
    rig.advance(2000);
    rig.kill(name);
    rig.start(name);
    rig.advance(2000);
  }
  expect(rig.silence(key, from)).toBe(0);
  expect(rig.answering(key)).toHaveLength(1);
});

test('an owner whose main thread hangs hands over, and takes nothing over', () => {
  const rig = threeAtRest(key);
  rig.setMain('a', 'hung');
  const silence = silenceDuring(rig, () => rig.advance(6000));
  expect(silence).toBe(0);
  expect(rig.answering(key)).toEqual(['b']);
  rig.crash('b');
  rig.advance(300);
  expect(rig.answering(key)).toEqual(['c']);
});

test('an owner whose main thread hangs goes on where all others hang too', () => {
  const rig = threeAtRest(key);
  for (const name of ['a', 'b', 'c']) rig.setMain(name, 'hung');
  expect(silenceDuring(rig, () => rig.advance(30_000))).toBe(0);
  expect(rig.answering(key)).toEqual(['a']);
});

test('an owner that is no candidate any more hands over at once', () => {
  const rig = threeAtRest(key);
  expect(silenceDuring(rig, () => rig.order(orderOf(key, ['c', 'b'])), 100)).toBe(0);
  expect(rig.answering(key)).toEqual(['c']);
});

test('an owner that is a candidate again before anybody claimed keeps its group', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.start('b');
  rig.order(orderOf(key, ['a', 'b']), ['a']);
  rig.advance(2000);
  rig.order(orderOf(key, ['b']), ['a']);
  rig.advance(50);
  rig.order(orderOf(key, ['a', 'b']), ['a']);
  rig.advance(1);
  rig.order(orderOf(key, ['b', 'a']), ['b']);
  rig.advance(2000);
  expect(rig.answering(key)).toEqual(['a']);
  const states = rig
    .sent()
    .flatMap(({ message }) => (message.type === 'beacon' ? message.changes.map(({ state }) => state) : []));
  expect(states.at(-1)).toBe('held');
});

test('a candidate claims from an owner that is none any more and does not know it, after two seconds', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, ['c', 'b']), ['b', 'c']);
  rig.advance(1900);
  expect(rig.answering(key)).toEqual(['a']);
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['c']);
});

test('an order that this node alone no longer has moves its group; one that nobody has silences it', () => {
  const rig = threeAtRest(key);
  const removed = [{ key, isReleased: false, revision: 2 }];
  expect(silenceDuring(rig, () => rig.tell('a', { type: 'groups', changed: [], removed }), 500)).toBe(0);
  expect(rig.answering(key)).toEqual(['b']);
  rig.crash('a');
  rig.crash('c');
  rig.advance(5000);
  rig.tell('b', { type: 'groups', changed: [], removed });
  rig.advance(1100);
  expect(rig.answering(key)).toEqual([]);
});

test('an order without candidates silences the group', () => {
  const rig = threeAtRest(key);
  rig.order(orderOf(key, []));
  rig.advance(10);
  expect(rig.answering(key)).toEqual([]);
  rig.order(orderOf(key, ['b', 'a']));
  rig.advance(10);
  expect(rig.answering(key)).toEqual(['b']);
});

test('an order that is removed and added again is answered again', () => {
  const rig = threeAtRest(key);
  for (const name of ['a', 'b', 'c']) {
    rig.tell(name, { type: 'groups', changed: [], removed: [{ key, isReleased: true, revision: 1 }] });
  }
  rig.advance(100);
  expect(rig.answering(key)).toEqual([]);
  rig.order(orderOf(key, ['b', 'a'], { revision: 2 }));
  rig.advance(300);
  expect(rig.answering(key)).toEqual(['b']);
  rig.advance(100_000);
  expect(rig.answering(key)).toEqual(['b']);
});

test('the addresses of a group change while it is answered', () => {
  const rig = threeAtRest(key);
  const [first, second] = [
    { ip: key, interfaces: undefined },
    { ip: ip('192.0.2.9'), interfaces: undefined },
  ];
  const seen = rig.effects('a').length;
  rig.order(orderOf(key, ['a', 'b'], { addresses: [first, second] }));
  const onEth0 = { ip: key, interfaces: ['eth0'] };
  rig.order(orderOf(key, ['a', 'b'], { addresses: [onEth0] }));
  expect(rig.effects('a').slice(seen)).toEqual([
    { type: 'answer', key, addresses: [first, second], isAgain: false },
    { type: 'answer', key, addresses: [onEth0], isAgain: false },
    { type: 'silence', key, addresses: [second] },
  ]);
});

test('by the exact order the first candidate that lives owns the group, by a planned move', () => {
  const rig = createOwnershipRig(['a', 'b']);
  rig.start('a');
  rig.order(orderOf(key, ['b', 'a'], { policy: 'exact' }));
  rig.advance(5000);
  expect(rig.answering(key)).toEqual(['a']);
  rig.start('b');
  expect(silenceDuring(rig, () => rig.advance(3000))).toBe(0);
  expect(rig.answering(key)).toEqual(['b']);
  rig.crash('b');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['a']);
});

test('where a speaker of the original comes first, none of ours answers', () => {
  const rig = threeAtRest(key);
  rig.setMembers([
    { node: 'a', address: ip('10.0.0.1'), beacons: true },
    { node: 'b', address: ip('10.0.0.2'), beacons: true },
    { node: 'c', address: ip('10.0.0.3'), beacons: true },
    { node: 'original', address: ip('10.0.0.9'), beacons: false },
  ]);
  rig.order(orderOf(key, ['original', 'a', 'b', 'c'], { policy: 'exact' }));
  rig.advance(10);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual([]);
  rig.order(orderOf(key, ['c', 'original', 'a', 'b'], { policy: 'exact' }));
  rig.advance(10);
  expect(rig.answering(key)).toEqual(['c']);
  rig.crash('c');
  rig.advance(10_000);
  expect(rig.answering(key)).toEqual([]);
});

test('a group is not taken over where a speaker of the original comes first, though its owner offers it', () => {
  const rig = threeAtRest(key);
  rig.setMembers([
    { node: 'a', address: ip('10.0.0.1'), beacons: true },
    { node: 'b', address: ip('10.0.0.2'), beacons: true },
    { node: 'c', address: ip('10.0.0.3'), beacons: true },
    { node: 'original', address: ip('10.0.0.9'), beacons: false },
  ]);
  rig.order(orderOf(key, ['original', 'a', 'b'], { policy: 'exact' }), ['b']);
  expect(silenceDuring(rig, () => rig.tell('a', { type: 'handOver', keys: [key], to: 'b' }))).toBe(0);
  expect(rig.answering(key)).toEqual(['a']);
});

test('without beacons the first candidate answers after its probes, and nothing is sent', () => {
  const rig = createOwnershipRig(['a', 'b']);
  for (const name of ['a', 'b']) rig.start(name, { hasBeacon: false });
  rig.order(orderOf(key, ['b', 'a']));
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['b']);
  rig.order(orderOf(key, ['a', 'b']));
  rig.advance(200);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.sent()).toEqual([]);
  rig.tell('a', { type: 'leave', by: millis(rig.now() + 1000) });
  rig.advance(1001);
  expect(rig.answering(key)).toEqual([]);
  expect(rig.reports('a').at(-1)).toEqual({ type: 'ended' });
});
