import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LowestFree } from './lowest-free.ts';

/** Mostly indices that the tree covers soon, some around its edges, some that it never will. */
const index = fc.oneof(
  fc.bigInt(0n, 40n),
  fc.bigInt(0n, 1100n),
  fc.constantFrom(31n, 32n, 1023n, 1024n, 32_768n, (1n << 53n) + 1n, (1n << 64n) - 1n),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('fill' as const), count: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('take' as const), index }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('release' as const), index }) },
);

test('taken indices are known and the lowest free one is found, as by counting', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const free = new LowestFree();
      const taken = new Set<bigint>();
      const lowest = (): bigint => {
        let count = 0n;
        while (taken.has(count)) count++;
        return count;
      };
      for (const step of steps) {
        switch (step.type) {
          case 'fill':
            for (let i = 0; i < step.count; i++) {
              const next = lowest();
              expect(free.lowest()).toBe(next);
              free.take(next);
              taken.add(next);
            }
            break;
          case 'take':
            free.take(step.index);
            taken.add(step.index);
            break;
          case 'release':
            free.release(step.index);
            taken.delete(step.index);
        }
        expect([free.size, free.lowest()]).toEqual([taken.size, lowest()]);
      }
      expect(new Set(free.taken())).toEqual(taken);
      for (const index of taken) free.release(index);
      expect([free.size, free.lowest(), [...free.taken()]]).toEqual([0, 0n, []]);
    }),
    { numRuns: 60 },
  );
});
