import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AddressRange } from '../../src/lib/address-range.ts';
import { type IpFamily, ipFromNumber } from '../../src/lib/ip.ts';
import { rangeHas, rangesOverlap } from './ranges.ts';

/** Ranges close to each other. */
const nearbyRange = fc
  .tuple(fc.constantFrom<IpFamily>('IPv4', 'IPv6'), fc.bigInt(0n, 40n), fc.bigInt(0n, 12n))
  .map(([family, start, more]): AddressRange => {
    const first = (family === 'IPv4' ? 0xc000_0200n : 0x2001_0db8n << 96n) + start;
    return { family, first, last: first + more };
  });

const members = (range: AddressRange): string[] =>
  Array.from({ length: Number(range.last - range.first) + 1 }, (_, n) =>
    ipFromNumber(range.family, range.first + BigInt(n)),
  );

test('ranges overlap exactly when they share a member', () => {
  fc.assert(
    fc.property(nearbyRange, nearbyRange, (a, b) => {
      expect(rangesOverlap(a, b)).toBe(members(a).some((ip) => members(b).includes(ip)));
    }),
  );
});

test('a range has its members, and neither neighbour', () => {
  fc.assert(
    fc.property(nearbyRange, (range) => {
      const wider = { ...range, first: range.first - 1n, last: range.last + 1n };
      const held = members(wider).filter((_, n) =>
        rangeHas(range, ipFromNumber(range.family, wider.first + BigInt(n))),
      );
      expect(held).toEqual(members(range));
    }),
  );
});
