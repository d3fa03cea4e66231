import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rangeHas, rangesOverlap } from '../../test/support/ranges.ts';
import type { AddressRange } from './address-range.ts';
import { type IpFamily, ipFromNumber } from './ip.ts';
import { rangeMap } from './range-map.ts';

const base = { IPv4: 0xc000_0200n, IPv6: 0x2001_0db8n << 96n };

const range = (family: IpFamily, start: number, length: number): AddressRange => ({
  family,
  first: base[family] + BigInt(start),
  last: base[family] + BigInt(start + length - 1),
});

const anyRange = fc
  .tuple(fc.constantFrom<IpFamily>('IPv4', 'IPv6'), fc.nat(300), fc.integer({ min: 1, max: 20 }))
  .map(([family, start, length]) => range(family, start, length));

test('a map answers as a plain list does', () => {
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 60 }), (ranges) => {
      const map = rangeMap<AddressRange>();
      const list: AddressRange[] = [];
      for (const item of ranges) {
        const overlapping = list.filter((other) => rangesOverlap(other, item));
        const refusedBy = map.add(item, item);
        if (refusedBy === undefined) list.push(item);
        // Of several that overlap, any may be named.
        expect(refusedBy === undefined ? [undefined] : overlapping).toContain(refusedBy);
        expect(refusedBy === undefined).toBe(overlapping.length === 0);
      }
      for (const family of ['IPv4', 'IPv6'] as const) {
        for (let n = -1n; n < 330n; n += 1n) {
          const ip = ipFromNumber(family, base[family] + n);
          expect(map.find(ip)).toBe(list.find((item) => rangeHas(item, ip)));
        }
      }
    }),
  );
});

test('thousands of ranges are found whatever the order they came in', () => {
  // 7919 is prime, so the steps visit every place once, in an order that fills and splits chunks everywhere.
  const places = Array.from({ length: 5000 }, (_, n) => (n * 7919) % 5000);
  const map = rangeMap<AddressRange>();
  const ranges = places.map((place) => range('IPv4', place * 3, 2));
  for (const item of ranges) expect(map.add(item, item)).toBeUndefined();
  for (const item of ranges) {
    expect(map.find(ipFromNumber('IPv4', item.first))).toBe(item);
    expect(map.find(ipFromNumber('IPv4', item.last))).toBe(item);
    expect(map.find(ipFromNumber('IPv4', item.last + 1n))).toBeUndefined();
    expect(map.add(item, item)).toBe(item);
    // From the gap before it into its first address: at the border of a chunk these lie in two chunks.
    expect(map.add({ ...item, first: item.first - 1n, last: item.first }, item)).toBe(item);
  }
});

test('a range that is wider than those that are there is refused', () => {
  const map = rangeMap<{ readonly name: string }>();
  const narrow = { name: 'narrow' };
  map.add(range('IPv4', 10, 1), narrow);
  expect(map.add(range('IPv4', 0, 100), { name: 'wide' })).toBe(narrow);
  expect(map.add(range('IPv6', 0, 100), { name: 'other family' })).toBeUndefined();
});
