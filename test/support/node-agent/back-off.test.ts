import { expect, test } from 'vitest';
import { millis, seconds } from '../../../src/lib/time.ts';
import { type BackOff, formatBackOff, nextStart } from './back-off.ts';

test('the first restart is immediate, then the wait doubles from 10 s to 5 min', () => {
  let backOff: BackOff;
  const waits = Array.from({ length: 8 }, () => {
    const next = nextStart(backOff, seconds(1));
    backOff = next.backOff;
    return next.wait / 1000;
  });
  expect(waits).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
});

test('ten good minutes are a new beginning', () => {
  expect(nextStart(seconds(160), seconds(599)).wait).toBe(160_000);
  expect(nextStart(seconds(160), seconds(600))).toEqual({ wait: 0, backOff: 10_000 });
});

test.each([
  [10_000, '10s'],
  [80_000, '1m20s'],
  [300_000, '5m0s'],
])('%d ms is printed as %s', (delay, text) => expect(formatBackOff(millis(delay))).toBe(text));
