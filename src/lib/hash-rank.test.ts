import { expect, test } from 'vitest';
import type { Ip } from './ip.ts';
import { firstByHash, hashRank } from './hash-rank.ts';

test('the rank is what MetalLB hashes', () => {
  expect(hashRank('node-b', '10.0.0.10' as Ip).slice(0, 8)).toBe('43365b71');
  expect(hashRank('node-a', 'fc00:f853:ccd:e799::1' as Ip).slice(0, 8)).toBe('7ad384bf');
});

test('of two nodes the one with the lower rank is first, whatever their order', () => {
  expect(firstByHash('node-a', 'node-b', '10.0.0.10' as Ip)).toBe('node-b');
  expect(firstByHash('node-b', 'node-a', '10.0.0.10' as Ip)).toBe('node-b');
});
