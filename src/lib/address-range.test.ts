import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AddressRange, formatRange, parseAddressRange } from './address-range.ts';
import { familyBits, type IpFamily, ipFromNumber } from './ip.ts';

/** The range of a text that must be good, as `first-last`. */
const parsed = (text: string): string => {
  const range = parseAddressRange(text);
  if (!range.ok) throw new Error(range.error);
  return `${ipFromNumber(range.value.family, range.value.first)}-${ipFromNumber(range.value.family, range.value.last)}`;
};

test.each([
  ['192.0.2.0/24', '192.0.2.0-192.0.2.255'],
  ['192.0.2.7/32', '192.0.2.7-192.0.2.7'],
  ['0.0.0.0/0', '0.0.0.0-255.255.255.255'],
  ['2001:db8::/64', '2001:db8::-2001:db8::ffff:ffff:ffff:ffff'],
  ['2001:DB8:0:0::a/127', '2001:db8::a-2001:db8::b'],
  ['64:ff9b::192.0.2.0/120', '64:ff9b::c000:200-64:ff9b::c000:2ff'],
])('the CIDR %s is %s', (text, range) => expect(parsed(text)).toBe(range));

test('host bits of a CIDR are dropped', () => expect(parsed('198.51.100.10/24')).toBe('198.51.100.0-198.51.100.255'));

test.each([
  ['192.0.2.10-192.0.2.20', '192.0.2.10-192.0.2.20'],
  ['192.0.2.10 - 192.0.2.20', '192.0.2.10-192.0.2.20'],
  ['\t192.0.2.10  -192.0.2.10 ', '192.0.2.10-192.0.2.10'],
  ['192.0.2.250-192.0.3.5', '192.0.2.250-192.0.3.5'],
  ['2001:db8::1-2001:db8::1:0', '2001:db8::1-2001:db8::1:0'],
])('the range %j is %s', (text, range) => expect(parsed(text)).toBe(range));

test.each([
  ['::ffff:192.0.2.0/120', '192.0.2.0-192.0.2.255'],
  ['::ffff:192.0.2.1-192.0.2.9', '192.0.2.1-192.0.2.9'],
])('the IPv4-mapped %s is IPv4', (text, range) => expect(parsed(text)).toBe(range));

const invalidCidr = (text: string): [string, string] => [text, `invalid CIDR "${text}"`];

test.each<[string, string]>([
  ...['', '/', 'example', '192.0.2.0/', '192.0.2.0/33', '192.0.2.0/033', '192.0.2.0/024', '192.0.2.0/+8'].map(
    invalidCidr,
  ),
  ...['192.0.2/24', '192.0.2.256/24', '192.0.02.0/24', ' 192.0.2.0/24', '192.0.2.0/24 ', '192.0.2.0/24/24'].map(
    invalidCidr,
  ),
  ...['2001:db8::/129', '2001:db8::1::/64', 'fe80::1%eth0/64', '2001:db8::g/64', '1:2:3:4:5:6:7::8/64'].map(
    invalidCidr,
  ),
  ['192.0.2.1', 'invalid CIDR "192.0.2.1": it has no prefix length (the address alone is "192.0.2.1/32")'],
  ['2001:db8::1', 'invalid CIDR "2001:db8::1": it has no prefix length (the address alone is "2001:db8::1/128")'],
  ['-', 'invalid IP range "-": invalid start IP ""'],
  ['192.0.2-192.0.2.9', 'invalid IP range "192.0.2-192.0.2.9": invalid start IP "192.0.2"'],
  ['192.0.2.1-9', 'invalid IP range "192.0.2.1-9": invalid end IP "9"'],
  [
    '192.0.2.1-192.0.2.2-192.0.2.3',
    'invalid IP range "192.0.2.1-192.0.2.2-192.0.2.3": invalid end IP "192.0.2.2-192.0.2.3"',
  ],
  ['2001:db8::1-2001:db8::/64', 'invalid IP range "2001:db8::1-2001:db8::/64": invalid end IP "2001:db8::/64"'],
  [
    '192.0.2.9-192.0.2.1',
    'invalid IP range "192.0.2.9-192.0.2.1": start IP "192.0.2.9" is after the end IP "192.0.2.1"',
  ],
  [
    '192.0.2.1-2001:db8::1',
    'invalid IP range "192.0.2.1-2001:db8::1": start IP "192.0.2.1" and end IP "2001:db8::1" are of different families',
  ],
  ['::/0', 'invalid CIDR "::/0": it holds the IPv4-mapped addresses (::ffff:0:0/96), which are no IPv6 addresses'],
  [
    '::1-1::',
    'invalid IP range "::1-1::": it holds the IPv4-mapped addresses (::ffff:0:0/96), which are no IPv6 addresses',
  ],
])('%j is refused', (text, error) => expect(parseAddressRange(text)).toEqual({ ok: false, error }));

/** Ranges close to each other; IPv6 ones lie beyond the IPv4-mapped block. */
const nearbyRange = fc
  .tuple(fc.constantFrom<IpFamily>('IPv4', 'IPv6'), fc.bigInt(0n, 40n), fc.bigInt(0n, 12n))
  .map(([family, start, more]): AddressRange => {
    const first = (family === 'IPv4' ? 0xc000_0200n : 0x2001_0db8n << 96n) + start;
    return { family, first, last: first + more };
  });

test('a range survives the way through its text', () => {
  fc.assert(
    fc.property(nearbyRange, (range) => {
      const text = formatRange(range);
      const entry = text.includes('-') ? text : `${text}/${familyBits[range.family]}`;
      expect(parseAddressRange(entry)).toEqual({ ok: true, value: range });
    }),
  );
});

test('any text gives a range in its right order, or an error that quotes the text', () => {
  const lookalike = fc.string({ unit: fc.constantFrom('0', '1', '29', 'a', 'f', ':', '::', '.', '/', '-', ' ', '%') });
  fc.assert(
    fc.property(fc.oneof(fc.string(), lookalike), (text) => {
      const range = parseAddressRange(text);
      expect(range.ok ? range.value.first <= range.value.last : range.error.includes(`"${text}"`)).toBe(true);
    }),
  );
});
