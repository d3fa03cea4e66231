import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rangeHas, rangesOverlap } from '../../../test/support/ranges.ts';
import { type AddressRange, parseAddressRange } from '../../lib/address-range.ts';
import { type Ip, ipFromNumber } from '../../lib/ip.ts';
import type { Pool } from './configuration.ts';
import { findPool } from './find-pool.ts';

const poolOf = (name: string, ranges: readonly AddressRange[]): Pool => ({
  name,
  ranges,
  avoidBuggyIPs: false,
  revision: 0,
  autoAssign: true,
  serviceAllocation: undefined,
  l2Advertisements: [],
  bgpAdvertisements: [],
});

const rangeOf = (text: string): AddressRange => {
  const range = parseAddressRange(text);
  if (!range.ok) throw new Error(range.error);
  return range.value;
};

const base = 0xc000_0200n;

const anyRange = fc
  .tuple(fc.bigInt(0n, 200n), fc.bigInt(0n, 9n))
  .map(([start, more]): AddressRange => ({ family: 'IPv4', first: base + start, last: base + start + more }));

test('findPool gives the one pool that has the address', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyRange, fc.nat(4)), { maxLength: 30 }), (candidates) => {
      const owned: AddressRange[][] = [[], [], [], [], []];
      for (const [range, owner] of candidates) {
        if (!owned.flat().some((other) => rangesOverlap(other, range))) owned[owner]!.push(range);
      }
      const pools = owned.map((ranges, n) => poolOf(`pool-${n}`, ranges));
      const configuration = { pools };
      for (let n = -1n; n < 215n; n += 1n) {
        const ip = ipFromNumber('IPv4', base + n);
        expect(findPool(configuration, ip)).toBe(
          pools.find((pool) => pool.ranges.some((range) => rangeHas(range, ip))),
        );
      }
    }),
  );
});

test('pools of both families are told apart', () => {
  const pools = [poolOf('four', [rangeOf('192.0.2.0/24')]), poolOf('six', [rangeOf('2001:db8::/64')])];
  expect(findPool({ pools }, '192.0.2.1' as Ip)?.name).toBe('four');
  expect(findPool({ pools }, '2001:db8::1' as Ip)?.name).toBe('six');
  expect(findPool({ pools }, '2001:db9::1' as Ip)).toBeUndefined();
});

test('pools that overlap are a broken invariant', () => {
  const pools = [poolOf('a', [rangeOf('192.0.2.0/24')]), poolOf('b', [rangeOf('192.0.2.9-192.0.2.9')])];
  expect(() => findPool({ pools }, '192.0.2.1' as Ip)).toThrow('pools "b" and "a" of a configuration overlap');
});
