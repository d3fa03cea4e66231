import fc from 'fast-check';
import { expect, test } from 'vitest';
import { millis } from '../../lib/time.ts';
import { ApiError } from './api.ts';
import { atLeastAsked, nextDelay } from './backoff.ts';

const bounds = { first: millis(100), longest: millis(10_000) };

test('the first wait is between the shortest and three times that', () => {
  expect(nextDelay(bounds, undefined, 0)).toBe(100);
  expect(nextDelay(bounds, undefined, 0.5)).toBe(200);
  expect(nextDelay(bounds, undefined, 1)).toBe(300);
});

test('a later wait may reach three times the last one', () => {
  expect(nextDelay(bounds, millis(1000), 0)).toBe(100);
  expect(nextDelay(bounds, millis(1000), 1)).toBe(3000);
});

test('no wait leaves its bounds, whatever happened before', () =>
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), (jitter) => {
      let delay;
      for (const random of jitter) {
        delay = nextDelay(bounds, delay, random);
        expect(delay).toBeGreaterThanOrEqual(100);
        expect(delay).toBeLessThanOrEqual(10_000);
      }
    }),
  ));

test('the API server can make a wait longer, and not shorter', () => {
  const asking = (pause?: number) =>
    new ApiError(429, 'TooManyRequests', 'no', pause === undefined ? pause : millis(pause));
  expect(atLeastAsked(millis(100), asking(500))).toBe(500);
  expect(atLeastAsked(millis(100), asking(50))).toBe(100);
  expect(atLeastAsked(millis(100), asking())).toBe(100);
  expect(atLeastAsked(millis(100), new Error('lost'))).toBe(100);
});
