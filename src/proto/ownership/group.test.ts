import { expect, test } from 'vitest';
import { ip, orderOf } from '../../../test/support/ownership-rig.ts';
import { firstOf, isSameAnswer, rankOf, type Standing } from './group.ts';

const standings: Readonly<Record<string, Standing>> = { a: 'absent', b: 'living', c: 'foreign', d: 'living' };
const standingOf = (node: string): Standing => standings[node] ?? 'absent';
const candidates = ['a', 'b', 'c', 'd', 'e'];

test.each([
  { node: 'a', policy: 'sticky', rank: 0 },
  { node: 'b', policy: 'sticky', rank: 0 },
  { node: 'd', policy: 'sticky', rank: 1 },
  { node: 'e', policy: 'sticky', rank: 2 },
  { node: 'z', policy: 'sticky', rank: undefined },
  { node: 'b', policy: 'exact', rank: 0 },
  { node: 'd', policy: 'exact', rank: undefined },
] as const)('$node has rank $rank by the order "$policy"', ({ node, policy, rank }) => {
  expect(rankOf(orderOf('192.0.2.1', candidates, { policy }), node, standingOf)).toBe(rank);
});

test('the first candidate that may live is this speaker, another, or one that never says so', () => {
  const order = orderOf('192.0.2.1', candidates);
  expect(firstOf(order, 'a', standingOf)).toEqual({ node: 'a', standing: 'living' });
  expect(firstOf(order, 'd', standingOf)).toEqual({ node: 'b', standing: 'living' });
  expect(firstOf(orderOf('192.0.2.1', ['a', 'c', 'd']), 'd', standingOf)).toEqual({ node: 'c', standing: 'foreign' });
  expect(firstOf(orderOf('192.0.2.1', ['a']), 'd', standingOf)).toBeUndefined();
});

test('answers are the same if addresses and interfaces are, in the same order', () => {
  const [every, one] = [
    { ip: ip('192.0.2.1'), interfaces: undefined },
    { ip: ip('192.0.2.1'), interfaces: ['eth0'] },
  ];
  expect(isSameAnswer([every], [{ ...every }])).toBe(true);
  expect(isSameAnswer([one], [{ ...one, interfaces: ['eth0'] }])).toBe(true);
  expect(isSameAnswer([every], [one])).toBe(false);
  expect(isSameAnswer([every], [{ ...every, ip: ip('192.0.2.2') }])).toBe(false);
  expect(isSameAnswer([every], [])).toBe(false);
});
