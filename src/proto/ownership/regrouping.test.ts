import type { GroupOrder, RemovedGroup } from '../../lib/group-order.ts';
import { expect, test } from 'vitest';
import { createOwnershipRig, ip, orderOf, type OwnershipRig } from '../../../test/support/ownership-rig.ts';

const first = ip('192.0.2.1');
const second = ip('192.0.2.2');
const names = ['a', 'b', 'c'];

/** An order for these addresses; the first is the key. */
const groupOf = (addresses: readonly string[], candidates: readonly string[], revision: number): GroupOrder =>
  orderOf(addresses[0]!, candidates, {
    addresses: addresses.map((address) => ({ ip: ip(address), interfaces: undefined })),
    revision,
  });
const gone = (key: string, revision: number): RemovedGroup => ({ key: ip(key), isReleased: true, revision });

/** Speakers `a`, `b` and `c` at rest; each group is owned by the first of its candidates. */
const atRest = (...orders: readonly GroupOrder[]): OwnershipRig => {
  const rig = createOwnershipRig(names);
  for (const name of names) rig.start(name);
  rig.advance(500);
  for (const order of orders) rig.order(order);
  rig.advance(3000);
  return rig;
};

/** Tells the speakers of a change, one after the other, ten milliseconds apart. */
const tellInTurn = (
  rig: OwnershipRig,
  turn: readonly string[],
  changed: readonly GroupOrder[],
  removed: readonly RemovedGroup[],
): void => {
  for (const name of turn) {
    rig.tell(name, { type: 'groups', changed, removed });
    rig.advance(10);
  }
  rig.advance(3000);
};

const probesSince = (rig: OwnershipRig, counts: readonly number[]): number =>
  names.reduce(
    (sum, name, index) =>
      sum +
      rig
        .effects(name)
        .slice(counts[index])
        .filter(({ type }) => type === 'probe').length,
    0,
  );
const effectCounts = (rig: OwnershipRig): number[] => names.map((name) => rig.effects(name).length);

/** Every order in which three speakers can hear of something. */
const turns = [
  ['a', 'b', 'c'],
  ['a', 'c', 'b'],
  ['b', 'a', 'c'],
  ['b', 'c', 'a'],
  ['c', 'a', 'b'],
  ['c', 'b', 'a'],
];

test.each(turns)('a group whose key changes keeps its owner, without silence or probe (%s, %s, %s)', (...turn) => {
  const rig = atRest(groupOf([first, second], names, 1));
  const [from, counts] = [rig.now(), effectCounts(rig)];
  tellInTurn(rig, turn, [groupOf([second, first], names, 2)], [gone(first, 2)]);
  for (const address of [first, second]) {
    expect(rig.answering(address)).toEqual(['a']);
    expect(rig.silence(address, from)).toBe(0);
    expect(rig.doubles(address, from)).toBe(0);
  }
  expect(probesSince(rig, counts)).toBe(0);
  expect(rig.reports('a')).toContainEqual({ type: 'owning', key: second, how: 'planned', took: undefined });
  expect(rig.effects('a').slice(counts[0])).not.toContainEqual(expect.objectContaining({ type: 'silence' }));
});

test.each(turns)('a group that takes in that of another owner is never silent (%s, %s, %s)', (...turn) => {
  const rig = atRest(groupOf([first], names, 1), groupOf([second], ['b', 'a', 'c'], 1));
  expect([rig.answering(first), rig.answering(second)]).toEqual([['a'], ['b']]);
  const [from, counts] = [rig.now(), effectCounts(rig)];
  tellInTurn(rig, turn, [groupOf([first, second], names, 2)], [gone(second, 2)]);
  for (const address of [first, second]) {
    expect(rig.answering(address)).toEqual(['a']);
    expect(rig.silence(address, from)).toBe(0);
  }
  // Both answer until the one has heard of the other's claim.
  expect(rig.doubles(second, from)).toBeLessThan(50);
  expect(probesSince(rig, counts)).toBe(0);
});

test.each(turns)('a group that is divided keeps its owner, without silence or probe (%s, %s, %s)', (...turn) => {
  const rig = atRest(groupOf([first, second], names, 1));
  const [from, counts] = [rig.now(), effectCounts(rig)];
  tellInTurn(rig, turn, [groupOf([first], names, 2), groupOf([second], names, 2)], []);
  for (const address of [first, second]) {
    expect(rig.answering(address)).toEqual(['a']);
    expect(rig.silence(address, from)).toBe(0);
    expect(rig.doubles(address, from)).toBe(0);
  }
  expect(probesSince(rig, counts)).toBe(0);
  rig.crash('a');
  rig.advance(1000);
  expect(rig.answering(second)).toEqual(['b']);
});

test('the owner hands a part over that it may not have, and is silent when the other answers', () => {
  const rig = atRest(groupOf([first, second], names, 1));
  const from = rig.now();
  tellInTurn(rig, names, [groupOf([first], names, 2), groupOf([second], ['c'], 2)], []);
  expect(rig.answering(first)).toEqual(['a']);
  expect(rig.answering(second)).toEqual(['c']);
  expect(rig.silence(second, from)).toBe(0);
});

test('what nobody takes up is released after some time, what nobody wants at once', () => {
  const third = ip('192.0.2.3');
  const rig = atRest(groupOf([first], names, 1), groupOf([second, third], ['b', 'a', 'c'], 1));
  const [changed, removed] = [[groupOf([first, second], names, 2)], [gone(second, 2)]];
  rig.tell('b', { type: 'groups', changed, removed });
  rig.advance(1000);
  expect(rig.answering(second)).toEqual(['b']);
  expect(rig.answering(third)).toEqual([]);
  rig.advance(5000);
  expect(rig.answering(second)).toEqual([]);
});

test('an owner that knows of a newer division is not silenced by one that does not', () => {
  const rig = atRest(groupOf([first, second], names, 2));
  rig.tell('b', {
    type: 'groups',
    changed: [groupOf([first], names, 3), groupOf([second], ['b', 'a'], 3)],
    removed: [],
  });
  rig.advance(1000);
  expect(rig.answering(second)).toContain('b');
  rig.tell('a', {
    type: 'groups',
    changed: [groupOf([first], names, 3), groupOf([second], ['b', 'a'], 3)],
    removed: [],
  });
  rig.advance(1000);
  expect(rig.answering(second)).toHaveLength(1);
});
