import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareText, lastIndexWhere } from './sorted.ts';

test('the last index is the one that looking through all finds', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), fc.integer({ min: 0, max: 20 }), (numbers, limit) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const passes = (value: number): boolean => value <= limit;
      expect(lastIndexWhere(sorted, passes)).toBe(sorted.findLastIndex(passes));
    }),
  ));

test('texts are in the order of their UTF-16 units', () =>
  expect(['b', 'ä', 'B', 'a', ''].toSorted(compareText)).toEqual(['', 'B', 'a', 'b', 'ä']));
