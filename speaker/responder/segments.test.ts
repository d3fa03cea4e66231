import fc from 'fast-check';
import { expect, test } from 'vitest';
import { millis } from '../../src/lib/time.ts';
import { createSegments } from './segments.ts';

const at = millis(0);

test('interfaces of which nothing is known have segments of their own', () => {
  const segments = createSegments();
  expect([2, 3].map(segments.segmentOf)).toEqual([2, 3]);
});

test('interfaces that reach each other, also by way of a third, are on the segment of the lowest', () => {
  const segments = createSegments();
  expect([segments.join(4, 5, at), segments.join(5, 4, at), segments.join(3, 3, at)]).toEqual([true, false, false]);
  expect(segments.join(2, 5, at)).toBe(true);
  expect([2, 3, 4, 5].map(segments.segmentOf)).toEqual([2, 3, 2, 2]);
});

test('what is not seen again for five seconds is forgotten', () => {
  const segments = createSegments();
  segments.join(2, 3, at);
  const both = new Set([2, 3]);
  expect([segments.prune(both, millis(4999)), segments.segmentOf(3)]).toEqual([false, 2]);
  segments.join(2, 3, millis(4999));
  expect([segments.prune(both, millis(9998)), segments.segmentOf(3)]).toEqual([false, 2]);
  expect([segments.prune(both, millis(9999)), segments.segmentOf(3)]).toEqual([true, 3]);
});

test('what the kernel says stays', () => {
  const segments = createSegments();
  expect(
    segments.setLowers(
      new Map([
        [5, 3],
        [7, 3],
      ]),
    ),
  ).toBe(true);
  segments.join(2, 7, at);
  expect([3, 5, 7].map(segments.segmentOf)).toEqual([2, 2, 2]);
  segments.prune(new Set([5, 7]), millis(60_000));
  expect([3, 5, 7].map(segments.segmentOf)).toEqual([3, 3, 3]);
  expect([
    segments.setLowers(
      new Map([
        [7, 3],
        [5, 3],
      ]),
    ),
    segments.setLowers(new Map()),
  ]).toEqual([false, true]);
  expect([5, 7].map(segments.segmentOf)).toEqual([5, 7]);
});

test('an interface that has gone stands for nobody', () => {
  const segments = createSegments();
  segments.join(2, 3, at);
  expect([segments.prune(new Set([3]), at), segments.segmentOf(3)]).toEqual([true, 3]);
});

test('the order in which things show does not matter', () => {
  const pairs = fc.array(fc.tuple(fc.nat(6), fc.nat(6)), { maxLength: 10 });
  fc.assert(
    fc.property(pairs, (list) => {
      const segmentsOf = (order: readonly (readonly [number, number])[]): number[] => {
        const segments = createSegments();
        for (const [a, b] of order) segments.join(a, b, at);
        return [0, 1, 2, 3, 4, 5, 6].map(segments.segmentOf);
      };
      expect(segmentsOf(list)).toEqual(segmentsOf(list.toReversed()));
    }),
  );
});
