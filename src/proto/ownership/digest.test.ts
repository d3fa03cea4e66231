import { expect, test } from 'vitest';
import { ip } from '../../../test/support/ownership-rig.ts';
import { claimHash, nodeHash } from './digest.ts';

test('what a claim adds differs with its key, its number and its state', () => {
  const claims = [
    { key: ip('192.0.2.1'), number: 1, state: 'held' },
    { key: ip('192.0.2.2'), number: 1, state: 'held' },
    { key: ip('192.0.2.1'), number: 2, state: 'held' },
    { key: ip('192.0.2.1'), number: 1, state: 'yielding' },
    { key: ip('2001:db8::1'), number: 1, state: 'held' },
  ] as const;
  const hashes = claims.map(claimHash);
  expect(new Set(hashes).size).toBe(claims.length);
  for (const hash of hashes) expect(hash >>> 0).toBe(hash);
});

test('a dropped claim adds nothing', () => {
  expect(claimHash({ key: ip('192.0.2.1'), number: 7, state: 'dropped' })).toBe(0);
});

test('of a thousand nodes no two have the same hash', () => {
  expect(new Set(Array.from({ length: 1000 }, (_, index) => nodeHash(`node-${index}`))).size).toBe(1000);
});

test('sums over sets of claims that differ in two numbers differ', () => {
  const sum = (numbers: readonly number[]): number =>
    numbers.reduce(
      (total, number, index) => (total + claimHash({ key: ip(`192.0.2.${index}`), number, state: 'held' })) >>> 0,
      0,
    );
  expect(sum([1, 2])).not.toBe(sum([2, 1]));
});
