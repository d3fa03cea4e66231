import { expect, test } from 'vitest';
import { millis, seconds } from '../../lib/time.ts';
import { EventLimit, forgetOldest } from './event-limit.ts';

const allowed = (limit: EventLimit, object: string, now: number, tries: number): number =>
  Array.from({ length: tries }, () => limit.take(object, millis(now))).filter(Boolean).length;

test('an object may cause 25 events at once, then one every five minutes', () => {
  const limit = new EventLimit();
  expect(allowed(limit, 'a', 0, 100)).toBe(25);
  expect(allowed(limit, 'a', seconds(299), 10)).toBe(0);
  expect(allowed(limit, 'a', seconds(300), 10)).toBe(1);
  expect(allowed(limit, 'a', seconds(900), 10)).toBe(2);
});

test('what is not used is saved up to 25', () => {
  const limit = new EventLimit();
  expect(allowed(limit, 'a', 0, 100)).toBe(25);
  expect(allowed(limit, 'a', seconds(1_000_000), 100)).toBe(25);
});

test('one object does not spend what another has', () => {
  const limit = new EventLimit();
  allowed(limit, 'a', 0, 100);
  expect(allowed(limit, 'b', 0, 100)).toBe(25);
});

test('the oldest entries of a map are forgotten', () => {
  const map = new Map(['a', 'b', 'c', 'd', 'e'].map((key) => [key, 0]));
  forgetOldest(map, 2);
  expect([...map.keys()]).toEqual(['d', 'e']);
});
