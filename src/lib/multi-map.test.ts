import fc from 'fast-check';
import { expect, test } from 'vitest';
import { multiMap } from './multi-map.ts';

test('an index is like a map of sets, whatever is added and removed', () => {
  const step = fc.record({ isAdded: fc.boolean(), key: fc.nat(2), value: fc.constantFrom('a', 'b', undefined) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const index = multiMap<number, string | undefined>();
      const model = new Map<number, Set<string | undefined>>();
      for (const { isAdded, key, value } of steps) {
        const set = model.get(key) ?? new Set();
        if (isAdded) {
          index.add(key, value);
          model.set(key, set.add(value));
        } else {
          index.remove(key, value);
          set.delete(value);
        }
        for (const each of [0, 1, 2]) {
          expect(index.get(each)).toEqual(model.get(each) ?? new Set());
          expect(index.has(each)).toBe((model.get(each)?.size ?? 0) > 0);
        }
      }
    }),
  );
});
