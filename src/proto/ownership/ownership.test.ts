import { expect, test } from 'vitest';
import { createOwnershipRig, ip, orderOf, type OwnershipRig } from '../../../test/support/ownership-rig.ts';

const key = ip('192.0.2.1');

/** Three speakers at rest, `a` being the owner, then `b`, then `c`. */
const threeAtRest = (segments = 1): OwnershipRig => {
  const rig = createOwnershipRig(['a', 'b', 'c'], segments);
  for (const name of ['a', 'b', 'c']) rig.start(name);
  rig.advance(500);
  rig.order(orderOf(key, ['a', 'b', 'c']));
  rig.advance(5000);
  return rig;
};

test('a speaker alone claims at once and answers after three probes', () => {
  const rig = createOwnershipRig(['a']);
  rig.start('a');
  rig.order(orderOf(key, ['a']));
  rig.advance(179);
  expect(rig.answering(key)).toEqual([]);
  rig.advance(2);
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.effects('a').filter(({ type }) => type === 'probe')).toHaveLength(3);
});

test('of three speakers one answers, and the others are silent', () => {
  const rig = threeAtRest();
  expect(rig.answering(key)).toEqual(['a']);
  expect(rig.doubles(key, 0)).toBe(0);
});

test('when the owner loses power its first successor answers within a quarter of a second', () => {
  const rig = threeAtRest();
  const from = rig.now();
  rig.crash('a');
  rig.advance(250);
  expect(rig.answering(key)).toEqual(['b']);
  expect(rig.silence(key, from)).toBeLessThan(250);
  rig.advance(10_000);
  expect(rig.doubles(key, 0)).toBe(0);
});
