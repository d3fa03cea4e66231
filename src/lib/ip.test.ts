import fc from 'fast-check';
import { expect, test } from 'vitest';
import { familyOf, ipFromNumber, ipToNumber, parseIp } from './ip.ts';

const canonical = (text: string): string | undefined => {
  const ip = parseIp(text);
  return ip.ok ? ip.value : undefined;
};

test('an address is kept in its canonical form', () => {
  expect(canonical('192.0.2.1')).toBe('192.0.2.1');
  expect(canonical('2001:DB8:0:0::1')).toBe('2001:db8::1');
  expect(canonical('::ffff:192.0.2.1')).toBe('192.0.2.1');
});

test.each(['', ' 192.0.2.1', '192.0.2', '192.0.2.256', '192.0.2.1/24', '2001:db8::1/64', 'fe80::1%eth0', 'example'])(
  'parseIp refuses %j',
  (text) => expect(canonical(text)).toBeUndefined(),
);

test('every address survives the way through its number', () => {
  fc.assert(fc.property(fc.bigInt(0n, (1n << 32n) - 1n), (value) => ipToNumber(ipFromNumber('IPv4', value)) === value));
  // ::ffff:0:0/96 is left out: those are IPv4 addresses here.
  fc.assert(
    fc.property(fc.bigInt(1n << 64n, (1n << 128n) - 1n), (value) => {
      const ip = ipFromNumber('IPv6', value);
      expect(ipToNumber(ip)).toBe(value);
      expect(canonical(ip)).toBe(ip);
      expect(familyOf(ip)).toBe('IPv6');
    }),
  );
});
