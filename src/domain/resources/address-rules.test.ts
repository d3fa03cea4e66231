import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAddressRange } from '../../lib/address-range.ts';
import { addressRules, cidrPattern, rangeEndPattern, rangeStartPattern } from './address-rules.ts';

/** What the rules say, evaluated here as the API server does there: both engines read these patterns alike. */
const isAccepted = (text: string): boolean =>
  text.includes('-')
    ? new RegExp(rangeStartPattern).test(text) && new RegExp(rangeEndPattern).test(text) && sameFamily(text)
    : new RegExp(cidrPattern).test(text);

const sameFamily = (text: string): boolean => {
  const pattern = /matches\(r'(?<pattern>.*)'\)/.exec(addressRules[3]!.rule)?.groups?.['pattern'];
  return new RegExp(pattern!).test(text);
};

const octet = fc.oneof(fc.nat(255), fc.nat(999));
const ipv4 = fc.tuple(octet, octet, octet, octet).map((octets) => octets.join('.'));
const group = fc.oneof(
  fc.nat(0xffff).map((value) => value.toString(16)),
  fc.constantFrom('', '0', 'ABCD', '0001', '12345', 'g'),
);
const ipv6 = fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(':'));
const goodIpv6 = fc.ipV6().filter((text) => !text.includes('.'));
const address = fc.oneof(ipv4, ipv6, goodIpv6, fc.ipV4());
const cidr = fc.tuple(address, fc.oneof(fc.nat(32), fc.nat(140))).map(([ip, length]) => `${ip}/${length}`);
const dash = fc.constantFrom('-', ' - ', '-  ', '--');
const range = fc.tuple(address, dash, address).map((parts) => parts.join(''));
const goodRange = fc.oneof(
  fc.tuple(fc.ipV4(), dash, fc.ipV4()).map((parts) => parts.join('')),
  fc.tuple(goodIpv6, dash, goodIpv6).map((parts) => parts.join('')),
);

test('the API server accepts what the parser accepts, apart from what only code can see', () => {
  fc.assert(
    fc.property(fc.oneof(cidr, range, goodRange, fc.string()), (text) => {
      const parsed = parseAddressRange(text);
      const onlyCodeSees = !parsed.ok && /is after the end IP|holds the IPv4-mapped/.test(parsed.error);
      expect([text, isAccepted(text)]).toEqual([text, parsed.ok || onlyCodeSees]);
    }),
    { numRuns: 5000 },
  );
});

test('every rule shows the entry it refuses', () => {
  for (const { message, messageExpression } of addressRules) {
    expect(messageExpression).toContain(`"' + self + '"`);
    expect(messageExpression).toContain(message.slice(0, message.indexOf(':')));
  }
});
