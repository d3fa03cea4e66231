import fc from 'fast-check';
import { Address6 } from 'ip-address';
import { expect, test } from 'vitest';
import { ipv6FromNumber, ipv6ToNumber } from './ipv6-text.ts';

test.each([
  ['::', 0n],
  ['::1', 1n],
  ['1::', 1n << 112n],
  ['2001:db8::', 0x20010db8n << 96n],
  ['::ffff:c000:201', 0xffff_c000_0201n],
  ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
  // One zero group stands as it is, and of two runs of the same length the first is compressed (RFC 5952 section 4.2).
  ['2001:db8:0:1:1:1:1:1', 0x2001_0db8_0000_0001_0001_0001_0001_0001n],
  ['2001:db8::1:0:0:1', 0x2001_0db8_0000_0000_0001_0000_0000_0001n],
  ['1:0:0:2::', 0x0001_0000_0000_0002_0000_0000_0000_0000n],
  ['::2:0:0:0', 0x0000_0000_0000_0000_0002_0000_0000_0000n],
  ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', (1n << 128n) - 1n],
])('%s is the canonical text of its number', (text, value) => {
  expect([ipv6ToNumber(text), ipv6FromNumber(value)]).toEqual([value, text]);
});

/** Groups of which many are zero. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff), fc.nat(0xf)), {
  minLength: 8,
  maxLength: 8,
});

test('text and number agree with those of a general parser', () => {
  fc.assert(
    fc.property(groups, (groups) => {
      const value = groups.reduce((number, group) => (number << 16n) | BigInt(group), 0n);
      const text = Address6.fromBigInt(value).correctForm();
      expect([ipv6FromNumber(value), ipv6ToNumber(text)]).toEqual([text, value]);
    }),
    { numRuns: 2000 },
  );
});
