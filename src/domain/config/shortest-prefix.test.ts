import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AddressRange, parseAddressRange } from '../../lib/address-range.ts';
import { shortestPrefix } from './shortest-prefix.ts';

const rangeOf = (text: string): AddressRange => {
  const range = parseAddressRange(text);
  if (!range.ok) throw new Error(range.error);
  return range.value;
};

test.each([
  ['192.0.2.0/24', 24],
  ['192.0.2.7/32', 32],
  ['0.0.0.0/0', 0],
  ['192.0.2.1-192.0.2.2', 32],
  ['192.0.2.10-192.0.2.20', 30],
  ['192.0.2.0-192.0.2.254', 25],
  ['2001:db8::/64', 64],
  ['2001:db8::1-2001:db8::ffff', 113],
])('the shortest prefix of %s is /%d', (text, length) => expect(shortestPrefix(rangeOf(text))).toBe(length));

test('it is that of cutting the range into the largest aligned blocks from its start', () => {
  fc.assert(
    fc.property(fc.nat(5000), fc.nat(5000), (start, more) => {
      const range = { family: 'IPv4', first: BigInt(start), last: BigInt(start + more) } as const;
      let shortest = 32;
      for (let at = start; at <= start + more;) {
        let size = 1;
        while (at % (size * 2) === 0 && at + size * 2 - 1 <= start + more) size *= 2;
        shortest = Math.min(shortest, 32 - Math.log2(size));
        at += size;
      }
      expect(shortestPrefix(range)).toBe(shortest);
    }),
  );
});
