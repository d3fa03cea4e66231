import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countBelow, insert, memberAt, type OrderedSet, remove, sizeOf } from './ordered-set.ts';

/** The longest way from the root. */
const depthOf = (set: OrderedSet): number =>
  set === undefined ? 0 : 1 + Math.max(depthOf(set.left), depthOf(set.right));

const change = fc.record({ isRemoval: fc.boolean(), value: fc.bigInt(0n, 60n) });

test('an ordered set answers as a sorted list does, and the sets before a change stay as they were', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 150, size: 'max' }), (changes) => {
      let set: OrderedSet;
      let list: readonly bigint[] = [];
      const states: { readonly set: OrderedSet; readonly list: readonly bigint[] }[] = [];
      for (const { isRemoval, value } of changes) {
        set = isRemoval ? remove(set, value) : insert(set, value);
        list = list.filter((other) => other !== value);
        if (!isRemoval) list = [...list, value].sort((a, b) => (a < b ? -1 : 1));
        states.push({ set, list });
      }
      for (const { set, list } of states) {
        expect(Array.from({ length: sizeOf(set) }, (_, rank) => memberAt(set, rank))).toEqual(list);
      }
      expect([memberAt(set, -1), memberAt(set, list.length)]).toEqual([undefined, undefined]);
      for (let value = -1n; value < 62n; value++) {
        expect(countBelow(set, value)).toBe(list.filter((other) => other < value).length);
      }
    }),
  );
});

test.each([
  ['rising', (i: number) => i],
  ['falling', (i: number) => 4095 - i],
  ['from both ends', (i: number) => (i % 2 === 0 ? i : 4096 - i)],
])('4096 members that come %s make a tree of at most 29 levels, and so do the 1024 that are left of them', (_, nth) => {
  let set: OrderedSet;
  for (let i = 0; i < 4096; i++) set = insert(set, BigInt(nth(i)));
  expect(sizeOf(set)).toBe(4096);
  // A side has at most three quarters of the weight: log(4097) / log(4/3) levels.
  expect(depthOf(set)).toBeLessThanOrEqual(29);
  for (let i = 0; i < 3072; i++) set = remove(set, BigInt(i));
  expect([sizeOf(set), memberAt(set, 0)]).toEqual([1024, 3072n]);
  expect(depthOf(set)).toBeLessThanOrEqual(25);
});
