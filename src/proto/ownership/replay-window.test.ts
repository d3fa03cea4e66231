import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createReplayWindow } from './replay-window.ts';

test('a number counts once, in whatever order close numbers come', () => {
  const window = createReplayWindow();
  expect([5, 6, 6, 5, 9, 7, 8, 7].map(window.accept)).toEqual([true, true, false, false, true, true, true, false]);
});

test('a number far behind the highest does not count', () => {
  const window = createReplayWindow();
  expect([100, 69, 68, 132, 101, 100].map(window.accept)).toEqual([true, true, false, true, true, false]);
});

test('it accepts what a set of all that was seen would accept within its width', () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 200 }), (sequences) => {
      const window = createReplayWindow();
      const seen = new Set<number>();
      let highest = -1;
      for (const sequence of sequences) {
        expect(window.accept(sequence)).toBe(!seen.has(sequence) && sequence > highest - 32);
        seen.add(sequence);
        highest = Math.max(highest, sequence);
      }
    }),
  ));
