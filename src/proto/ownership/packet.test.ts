import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ip, ipFromNumber, ipv4FromNumber } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import { longestMessage } from './iana.ts';
import type { Beacon, Claim, OwnershipBody, OwnershipMessage } from './message.ts';
import { claimsParts, decodeOwnershipMessage, encodeOwnershipMessage } from './packet.ts';

const hex = (...fields: readonly string[]): Uint8Array => Uint8Array.fromHex(fields.join('').replaceAll(' ', ''));
const ip = (text: string): Ip => text as Ip;

const sender = { node: 'n1', epoch: 0x0123456789abcdefn, sequence: 0x01_0203_0405 };
const header = (code: string): string =>
  [
    '01', // version
    code,
    '0123456789abcdef', // epoch
    '000102030405', // sequence
    '02 6e31', // name n1
  ].join('');

const beacon: Beacon = {
  type: 'beacon',
  interval: millis(62.5),
  isOwner: true,
  isListening: false,
  isLeaving: true,
  isMainAwake: true,
  isCopy: false,
  digest: 0xdeadbeef,
  mac: 0x02420a000001 as Mac,
  ipv4: ip('198.18.0.1'),
  ipv6: ip('fe80::42:aff:fe00:1'),
  interfaces: [
    { name: 'eth0', mac: 0x02420a000001 as Mac },
    { name: 'ü', mac: 0x02420a000002 as Mac },
  ],
  hears: [0x11223344, 0xffffffff],
  hearsCopies: [0x55667788],
  changes: [
    { key: ip('198.18.1.7'), number: 3, state: 'yielding', successor: 'n2', revision: 0 },
    { key: ip('2001:db8::7'), number: 0xfffffffe, state: 'released', successor: undefined, revision: 4096 },
  ],
};
const beaconOctets = hex(
  header('01'),
  '6d', // owner, leaving, main awake, IPv4, IPv6
  '0000f424', // 62,500 µs
  'deadbeef', // digest
  '02420a000001', // MAC
  'c6120001', // 198.18.0.1
  'fe80000000000000 00420afffe000001',
  '02', // interfaces
  '04 65746830 02420a000001', // eth0
  '02 c3bc 02420a000002', // ü
  '0002 11223344 ffffffff', // hears
  '0001 55667788', // hears copies of
  '02', // changes
  '13 c6120107 00000003 02 6e32', // yielding, with successor
  '2c 20010db8000000000000000000000007 fffffffe 0000000000001000', // released, IPv6, with revision
);

const nonce = 0xfedcba9876543210n;
const golden: readonly (readonly [OwnershipBody, Uint8Array])[] = [
  [beacon, beaconOctets],
  [{ type: 'claimsWanted' }, hex(header('02'))],
  [
    {
      type: 'claims',
      digest: 0x01020304,
      part: 1,
      parts: 3,
      claims: [
        { key: ip('198.18.1.7'), number: 1, state: 'held', successor: undefined, revision: 0 },
        { key: ip('198.18.1.8'), number: 2, state: 'probing', successor: undefined, revision: 0 },
        { key: ip('198.18.1.9'), number: 3, state: 'dropped', successor: undefined, revision: 0 },
      ],
    },
    hex(
      header('03'),
      '01020304 0001 0003', // digest, part 1 of 3
      '0003', // claims
      '01 c6120107 00000001',
      '02 c6120108 00000002',
      '05 c6120109 00000003',
    ),
  ],
  [{ type: 'challenge', nonce }, hex(header('04'), 'fedcba9876543210')],
  [{ type: 'challengeAnswer', nonce }, hex(header('05'), 'fedcba9876543210')],
  [{ type: 'whoHears', sought: 'n3', nonce }, hex(header('06'), '02 6e33', 'fedcba9876543210')],
  [
    { type: 'heard', sought: 'n3', nonce, since: millis(1) },
    hex(header('07'), '02 6e33', 'fedcba9876543210', '000003e8'),
  ],
  [{ type: 'unheard', mac: 0x02420a000001 as Mac }, hex(header('08'), '02420a000001')],
];

const named = golden.map(([body, octets]) => [body.type, body, octets] as const);

test.each(named)('%s: a message is written and read octet by octet', (_, body, octets) => {
  expect(encodeOwnershipMessage({ ...sender, ...body }).toHex()).toBe(octets.toHex());
  expect(decodeOwnershipMessage(octets)).toEqual({ ok: true, value: { ...sender, ...body } });
});

test.each(named)('%s: every truncation, and an octet more, is refused', (_, _body, octets) => {
  for (let n = 0; n < octets.length; n++)
    expect(decodeOwnershipMessage(octets.subarray(0, n)).ok, `${n} octets`).toBe(false);
  const longer = decodeOwnershipMessage(hex(octets.toHex(), '00'));
  expect(!longer.ok && longer.error.message).toBe('ownership: 1 octets behind the message');
});

const at = { flags: 19, interval: 20, interfaces: 54, eth0: 55, hears: 75, hearsCopies: 85, changes: 91, claim: 92 };

test.each([
  ['another version', 0, '02', 'version is 2, not 1'],
  ['an unknown code', 1, '09', 'the code of a message is 9'],
  ['no name', 16, '00', "a node's name has 0 octets"],
  ['too long a name', 16, 'fe', "a node's name has 254 octets"],
  ['a blank in a name', 17, '20', "octet 32 in a node's name"],
  ['an octet in a name that is no ASCII', 18, 'e9', "octet 233 in a node's name"],
  ['an unknown flag', at.flags, 'ed', 'the flags of a beacon are 237'],
  ['the interval 0', at.interval, '00000000', 'the interval of a beacon is 0'],
  ['an interval beyond an hour', at.interval, 'd693a401', 'a duration of 3600000001 microseconds'],
  ['an IPv4-mapped address', at.interfaces - 16, '00000000000000000000ffffc6120001', 'an IPv4-mapped address'],
  ['17 interfaces', at.interfaces, '11', 'a list of 17, at most 16 are allowed'],
  ['an interface without name', at.eth0, '00', "an interface's name has 0 octets"],
  ['an interface with too long a name', at.eth0, '2e', "an interface's name has 46 octets"],
  ["an interface's name that is not UTF-8", at.eth0 + 12, 'c328', "an interface's name is not UTF-8"],
  ['257 hashes', at.hears, '0101', 'a list of 257, at most 256 are allowed'],
  ['257 hashes in two lists', at.hearsCopies, '00ff', 'a list of 255, at most 254 are allowed'],
  ['a claim in no state', at.claim, '10', 'the state of a claim is 0'],
  ['a claim in an unknown state', at.claim, '17', 'the state of a claim is 7'],
  ['a claim with an unknown flag', at.claim, '53', 'the flags of a claim are 83'],
  ['a claim with number 0', at.claim + 5, '00000000', 'the claim of 198.18.1.7 has the number 0'],
  ['revision 0, which is written by no flag', beaconOctets.length - 8, '0000000000000000', 'a revision is 0'],
  ['a revision beyond 2⁵³', beaconOctets.length - 8, '0020000000000000', 'a revision is 9007199254740992'],
])('a beacon with %s is refused', (_, offset, octets, message) => {
  const broken = beaconOctets.slice();
  broken.set(hex(octets), offset);
  const result = decodeOwnershipMessage(broken);
  expect(!result.ok && result.error.message).toBe(`ownership: ${message}`);
});

test.each([
  ['part 3 of 3', 23, '0003 0003'],
  ['part 0 of 0', 23, '0000 0000'],
  ['part 0 of 1025', 23, '0000 0401'],
])('%s of a list of claims is refused', (what, offset, octets) => {
  const broken = golden[2]![1].slice();
  broken.set(hex(octets), offset);
  const result = decodeOwnershipMessage(broken);
  expect(!result.ok && result.error.message).toBe(`ownership: ${what}`);
});

test.each<[string, Partial<OwnershipMessage>]>([
  ['no name', { node: '' }],
  ['a name of 254 octets', { node: 'x'.repeat(254) }],
  ['a name that is not ASCII', { node: 'é' }],
  ['a sequence number beyond 48 bits', { sequence: 2 ** 48 }],
  ['a claim without number', { ...beacon, changes: [{ ...beacon.changes[0]!, number: 0 }] }],
  ['a revision that is no number', { ...beacon, changes: [{ ...beacon.changes[0]!, revision: NaN }] }],
  ['a part that is none', { type: 'claims', digest: 0, part: 1, parts: 1, claims: [] }],
])('a message with %s cannot be made', (_, changes) => {
  expect(() => encodeOwnershipMessage({ ...sender, ...beacon, ...changes } as OwnershipMessage)).toThrow(RangeError);
});

const nodeName = fc.stringMatching(/^[a-z0-9.-]{1,253}$/);
const u32 = fc.nat(0xffff_ffff);
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const mac = fc.nat(0xffff_ffff_ffff) as fc.Arbitrary<Mac>;
const ipv4 = u32.map(ipv4FromNumber);
const ipv6 = fc
  .bigInt({ min: 0n, max: 2n ** 128n - 1n })
  .filter((value) => value >> 32n !== 0xffffn)
  .map((value) => ipFromNumber('IPv6', value));
const duration = fc.integer({ min: 1, max: 3_600_000_000 }).map((value) => millis(value / 1000));
const claim: fc.Arbitrary<Claim> = fc.record({
  key: fc.oneof(ipv4, ipv6),
  number: fc.integer({ min: 1, max: 0xffff_ffff }),
  state: fc.constantFrom('held', 'probing', 'yielding', 'released', 'dropped'),
  successor: fc.option(nodeName, { nil: undefined }),
  revision: fc.maxSafeNat(),
});
const beacons: fc.Arbitrary<Beacon> = fc.record({
  type: fc.constant('beacon'),
  interval: duration,
  isOwner: fc.boolean(),
  isListening: fc.boolean(),
  isLeaving: fc.boolean(),
  isMainAwake: fc.boolean(),
  isCopy: fc.boolean(),
  digest: u32,
  mac,
  ipv4: fc.option(ipv4, { nil: undefined }),
  ipv6: fc.option(ipv6, { nil: undefined }),
  interfaces: fc.array(fc.record({ name: fc.string({ minLength: 1, maxLength: 15 }), mac }), { maxLength: 20 }),
  hears: fc.array(u32, { maxLength: 300 }),
  hearsCopies: fc.array(u32, { maxLength: 300 }),
  changes: fc.array(claim, { maxLength: 300 }),
});
const body: fc.Arbitrary<OwnershipBody> = fc.oneof(
  beacons,
  fc.constant({ type: 'claimsWanted' } as const),
  fc
    .tuple(u32, fc.array(claim, { maxLength: 4 }), fc.nat(1023))
    .map(([digest, claims, part]) => ({ type: 'claims', digest, part, parts: part + 1, claims }) as const),
  fc.record({ type: fc.constantFrom('challenge', 'challengeAnswer'), nonce: u64 }),
  fc.record({ type: fc.constant('whoHears'), sought: nodeName, nonce: u64 }),
  fc.record({ type: fc.constant('heard'), sought: nodeName, nonce: u64, since: duration }),
  fc.record({ type: fc.constant('unheard'), mac }),
);
const message: fc.Arbitrary<OwnershipMessage> = fc
  .tuple(fc.record({ node: nodeName, epoch: u64, sequence: fc.nat(2 ** 48 - 1) }), body)
  .map(([from, what]) => ({ ...from, ...what }));

const decoded = (octets: Uint8Array): OwnershipMessage => {
  const result = decodeOwnershipMessage(octets);
  if (!result.ok) throw result.error;
  return result.value;
};

test('a message survives encode and decode; of a beacon that is too long the ends of its lists are left out', () => {
  fc.assert(
    fc.property(message, (sent) => {
      const octets = encodeOwnershipMessage(sent);
      expect(octets.length).toBeLessThanOrEqual(longestMessage);
      const received = decoded(octets);
      if (sent.type !== 'beacon' || received.type !== 'beacon') {
        expect(received).toEqual(sent);
        return;
      }
      const { interfaces, hears, hearsCopies, changes } = received;
      expect(received).toEqual({
        ...sent,
        interfaces: sent.interfaces.slice(0, 16),
        hears: sent.hears.slice(0, hears.length),
        hearsCopies: sent.hearsCopies.slice(0, hearsCopies.length),
        changes: sent.changes.slice(0, changes.length),
      });
      const isAllThere =
        interfaces.length + hears.length + hearsCopies.length + changes.length ===
        Math.min(16, sent.interfaces.length) +
          Math.min(256, sent.hears.length + sent.hearsCopies.length) +
          Math.min(255, sent.changes.length);
      // The shortest hash has 4 octets, the longest claim 1 + 16 + 4 + 254 + 8.
      if (!isAllThere) expect(octets.length).toBeGreaterThan(longestMessage - 283);
    }),
  );
});

test('hashes and changes share the room that there is', () => {
  const hashes = Array.from({ length: 400 }, (_, index) => index);
  const changes = Array.from({ length: 400 }, (_, index) => ({ ...beacon.changes[0]!, key: ipv4FromNumber(index) }));
  const sent = (rest: Partial<Beacon>): Beacon =>
    decoded(encodeOwnershipMessage({ ...sender, ...beacon, ...rest })) as OwnershipMessage & Beacon;
  const both = sent({ hears: hashes, hearsCopies: [], changes });
  // Each has half of 1,380 octets, less the 80 of the rest; a hash takes 4, such a claim 12.
  expect([both.hears.length, both.changes.length]).toEqual([163, 54]);
  expect(sent({ hears: hashes, hearsCopies: hashes, changes: [] }).hears).toEqual(hashes.slice(0, 256));
  const few = sent({ hears: hashes.slice(0, 3), hearsCopies: hashes.slice(0, 2), changes });
  expect([few.hears.length, few.hearsCopies.length, few.changes.length]).toEqual([3, 2, 106]);
  const copies = sent({ hears: hashes.slice(0, 250), hearsCopies: hashes, changes: [] });
  expect([copies.hears.length, copies.hearsCopies.length]).toEqual([250, 6]);
});

test('claims are put into as few messages as hold them, whatever their sizes', () => {
  fc.assert(
    fc.property(nodeName, fc.array(claim, { maxLength: 200 }), u32, (node, claims, digest) => {
      const parts = claimsParts(node, claims, digest);
      const received = parts.map((part) => decoded(encodeOwnershipMessage({ ...sender, node, ...part })));
      expect(received.flatMap((part) => (part.type === 'claims' ? part.claims : []))).toEqual(claims);
      expect(parts.map(({ part }) => part)).toEqual(parts.map((_, index) => index));
      for (const part of parts) expect([part.parts, part.digest]).toEqual([parts.length, digest]);
      // What is left in a message would not have held the first claim of the next.
      for (const [index, { claims: list }] of parts.slice(1).entries()) {
        const fuller = { ...sender, node, ...parts[index]!, claims: [...parts[index]!.claims, list[0]!] };
        expect(() => encodeOwnershipMessage(fuller)).toThrow('octets of claims');
      }
    }),
  );
});

test('no claims are one part', () => {
  expect(claimsParts('n1', [], 0)).toEqual([{ type: 'claims', digest: 0, part: 0, parts: 1, claims: [] }]);
});

test('no octets make the decoder throw, and what decodes encodes to the same octets', () => {
  const mutated = fc
    .tuple(message, fc.array(fc.tuple(fc.nat(1379), fc.nat(255)), { maxLength: 3 }))
    .map(([sent, changes]) => {
      const octets = encodeOwnershipMessage(sent);
      for (const [offset, value] of changes) octets[offset % octets.length] = value;
      return octets;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutated), (octets) => {
      const result = decodeOwnershipMessage(octets);
      if (result.ok) expect(encodeOwnershipMessage(result.value).toHex()).toBe(octets.toHex());
    }),
    { numRuns: 500 },
  );
});
