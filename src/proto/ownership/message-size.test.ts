import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ip } from '../../../test/support/ownership-rig.ts';
import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import type { Beacon, Claim } from './message.ts';
import { cutClaims, roomForChanges, roomForNames } from './message-size.ts';
import { decodeOwnershipMessage, encodeOwnershipMessage } from './packet.ts';

const claim = fc.record({
  key: fc
    .nat(60_000)
    .map((n) => ip(n % 2 === 0 ? `192.0.${n >> 8}.${n & 255}` : `2001:db8::1:${(n + 1).toString(16)}`)),
  number: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  state: fc.constantFrom('held', 'probing', 'released'),
  successor: fc.constant(undefined),
  revision: fc.constantFrom(0, 123_456_789_012),
}) satisfies fc.Arbitrary<Claim>;

test('all claims are in the pieces, in order', () =>
  fc.assert(
    fc.property(fc.array(claim), (claims) => {
      expect(cutClaims(claims, 200).flat()).toEqual(claims);
    }),
  ));

test('no claims are one empty piece', () => expect(cutClaims([], 200)).toEqual([[]]));

test('a beacon with as many names and changes as there is room for arrives whole', () =>
  fc.assert(
    fc.property(
      fc.array(claim, { minLength: 80, maxLength: 200 }),
      fc.integer({ min: 0, max: 256 }),
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 1, max: 63 }),
      (claims, wanted, interfaceCount, nameLength) => {
        const interfaces = Array.from({ length: interfaceCount }, (_, index) => ({
          name: `enp${index}s0f0np${index % 10}`,
          mac: (index + 1) as Mac,
        }));
        const hears = Array.from({ length: Math.min(wanted, roomForNames(interfaces)) }, (_, index) => index);
        const changes = cutClaims(claims, roomForChanges(interfaces, hears.length))[0]!;
        const beacon: Beacon = {
          type: 'beacon',
          interval: millis(50),
          isOwner: true,
          isListening: false,
          isLeaving: false,
          isMainAwake: true,
          digest: 1,
          mac: 1 as Mac,
          ipv4: ip('192.0.2.1'),
          ipv6: ip('fe80::1'),
          interfaces,
          isCopy: false,
          hears,
          hearsCopies: [],
          changes,
        };
        const message = { node: 'n'.repeat(nameLength), epoch: 1n, sequence: 1, ...beacon };
        expect(decodeOwnershipMessage(encodeOwnershipMessage(message))).toEqual({ ok: true, value: message });
      },
    ),
  ));
