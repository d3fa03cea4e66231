import { expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import { lanConfig, wanConfig } from './config.ts';
import { pushPullInterval, retransmitLimit, suspicionTimeout, suspicionTimes } from './timing.ts';

test('a suspicion lasts as long as the library lets it last', () => {
  const times = (known: number) => suspicionTimes(lanConfig, known);
  for (const known of [1, 2, 3]) expect(times(known)).toEqual({ shortest: 4000, longest: 24_000, confirmations: 0 });
  for (const known of [4, 10]) expect(times(known)).toEqual({ shortest: 4000, longest: 24_000, confirmations: 2 });
  expect(times(100)).toEqual({ shortest: 8000, longest: 48_000, confirmations: 2 });
  expect(times(20).shortest).toBe(5204); // 4 × log10 20, whose fourth decimal the library cuts off
  expect(suspicionTimes(wanConfig, 5)).toEqual({ shortest: 30_000, longest: 180_000, confirmations: 0 });
});

test('confirmations shorten it by their logarithm', () => {
  // Expected values of the library's own test, TestSuspicion_remainingSuspicionTime, without time elapsed.
  const times = { shortest: seconds(2), longest: seconds(30), confirmations: 3 };
  expect([0, 1, 2, 3, 4, 5, 10].map((confirmed) => suspicionTimeout(times, confirmed))).toEqual([
    30_000, 16_000, 7_810, 2_000, 2_000, 2_000, 2_000,
  ]);
});

test('gossip is repeated, and states are exchanged, by the number of members', () => {
  expect([0, 1, 99, 1000].map((known) => retransmitLimit(lanConfig, known))).toEqual([0, 4, 8, 16]);
  expect([1, 32, 33, 64, 65, 128].map((known) => pushPullInterval(lanConfig, known) / 1000)).toEqual([
    30, 30, 60, 60, 90, 90,
  ]);
});
