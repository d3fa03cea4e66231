import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { nodeStates, type Versions } from './iana.ts';
import {
  decodePacketMessage,
  decodeStreamMessage,
  encodeMessage,
  encodePushPull,
  isMarked,
  type NodeState,
  ownMark,
  type PacketMessage,
  type PushPull,
} from './message.ts';
import { octetsOf } from './msgpack.ts';

const hex = (...parts: readonly string[]): Uint8Array => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
const ip = (text: string): Ip => text as Ip;
const versions: Versions = [1, 5, 2, 0, 0, 0];
const vsn = 'a356736e a6010502000000';

/** What the library's own `encode` (v0.5.1) made of each message; captured once. */
const captured: readonly (readonly [PacketMessage, Uint8Array])[] = [
  [
    {
      type: 'ping',
      sequence: 1_234_567,
      node: 'n2',
      source: { address: ip('192.0.2.1'), port: 7946, node: 'n1' },
    },
    hex(
      '00 85',
      'a44e6f6465 a26e32', // Node
      'a55365714e6f ce0012d687', // SeqNo
      'aa536f7572636541646472 a4c0000201', // SourceAddr
      'aa536f757263654e6f6465 a26e31', // SourceNode
      'aa536f75726365506f7274 cd1f0a', // SourcePort
    ),
  ],
  [
    { type: 'ping', sequence: 200, node: 'n2', source: undefined },
    hex('00 82', 'a44e6f6465 a26e32', 'a55365714e6f ccc8'),
  ],
  [
    {
      type: 'indirectPing',
      sequence: 70_000,
      target: ip('2001:db8::9'),
      port: 7946,
      node: 'n3',
      wantsNack: true,
      source: { address: ip('192.0.2.1'), port: 7946, node: 'n1' },
    },
    hex(
      '01 88',
      'a44e61636b c3', // Nack
      'a44e6f6465 a26e33', // Node
      'a4506f7274 cd1f0a', // Port
      'a55365714e6f ce00011170', // SeqNo
      'aa536f7572636541646472 a4c0000201', // SourceAddr
      'aa536f757263654e6f6465 a26e31', // SourceNode
      'aa536f75726365506f7274 cd1f0a', // SourcePort
      'a6546172676574 b020010db8000000000000000000000009', // Target
    ),
  ],
  [{ type: 'ack', sequence: 5 }, hex('02 82', 'a75061796c6f6164 c0', 'a55365714e6f 05')],
  [{ type: 'nack', sequence: 300 }, hex('0b 81', 'a55365714e6f cd012c')],
  [
    { type: 'suspect', incarnation: 3, node: 'n2', from: 'n1' },
    hex('03 83', 'a446726f6d a26e31', 'ab496e6361726e6174696f6e 03', 'a44e6f6465 a26e32'),
  ],
  [
    { type: 'dead', incarnation: 0xffff_ffff, node: 'n2', from: 'n2' },
    hex('05 83', 'a446726f6d a26e32', 'ab496e6361726e6174696f6e ceffffffff', 'a44e6f6465 a26e32'),
  ],
  [
    {
      type: 'alive',
      incarnation: 2,
      node: 'n2',
      address: ip('192.0.2.1'),
      port: 7946,
      meta: octetsOf('metallb-ts/1'),
      versions,
    },
    hex(
      '04 86',
      'a441646472 a4c0000201', // Addr
      'ab496e6361726e6174696f6e 02', // Incarnation
      'a44d657461 ac6d6574616c6c622d74732f31', // Meta
      'a44e6f6465 a26e32', // Node
      'a4506f7274 cd1f0a', // Port
      vsn,
    ),
  ],
  [
    {
      type: 'alive',
      incarnation: 2,
      node: 'a-node-whose-name-has-more-than-thirty-one-octets',
      address: ip('2001:db8::9'),
      port: 7946,
      meta: new Uint8Array(),
      versions,
    },
    hex(
      '04 86',
      'a441646472 b020010db8000000000000000000000009',
      'ab496e6361726e6174696f6e 02',
      'a44d657461 c0', // no metadata is nil
      'a44e6f6465 da0031 612d6e6f64652d77686f73652d6e616d652d6861732d6d6f72652d7468616e2d7468697274792d6f6e652d6f6374657473',
      'a4506f7274 cd1f0a',
      vsn,
    ),
  ],
];

const pushPull: PushPull = {
  type: 'pushPull',
  isJoin: true,
  nodes: [
    {
      node: 'n1',
      address: ip('192.0.2.1'),
      port: 7946,
      meta: new Uint8Array(),
      incarnation: 1,
      state: 'alive',
      versions,
    },
    {
      node: 'n2',
      address: ip('2001:db8::9'),
      port: 7946,
      meta: octetsOf('m'),
      incarnation: 300,
      state: 'left',
      versions,
    },
  ],
};

/** Captured in the same way. */
const capturedPushPull = hex(
  '06',
  '83 a44a6f696e c3 a54e6f646573 02 ac5573657253746174654c656e 00',
  '87 a441646472 a4c0000201 ab496e6361726e6174696f6e 01 a44d657461 c0 a44e616d65 a26e31',
  `a4506f7274 cd1f0a a55374617465 00 ${vsn}`,
  '87 a441646472 b020010db8000000000000000000000009 ab496e6361726e6174696f6e cd012c a44d657461 a16d a44e616d65 a26e32',
  `a4506f7274 cd1f0a a55374617465 03 ${vsn}`,
);

describe('messages of packets', () => {
  test.each(captured)('%o is written as the library writes it', (message, octets) => {
    if (message.type === 'user') throw new Error('no message of the application is written');
    expect(Buffer.from(encodeMessage(message)).toString('hex')).toBe(Buffer.from(octets).toString('hex'));
  });

  test.each(captured)('%o is read', (message, octets) => {
    expect(decodePacketMessage(octets)).toEqual({ ok: true, value: message });
  });

  test('every truncation is refused', () => {
    for (const [message, octets] of captured) {
      for (let n = 0; n < octets.length; n++) {
        expect(decodePacketMessage(octets.subarray(0, n)).ok, `${message.type}, ${n} octets`).toBe(false);
      }
    }
  });

  test('the newer forms of text and octets are read, and keys that are unknown are skipped', () => {
    const octets = hex(
      '03 85',
      'a446726f6d d9026e31', // From as str8
      'd90b496e6361726e6174696f6e cf0000000000000003', // a key as str8, an integer of 64 bits
      'a44e6f6465 c4026e32', // Node as bin8
      'a14d 82 a161 91 81a162 c2 a163 cb4000000000000000', // M: a map with an array, a map and a float inside
      'a145 d6 01 00000000', // E: an extension
    );
    const suspect = { type: 'suspect', incarnation: 3, node: 'n2', from: 'n1' };
    expect(decodePacketMessage(octets)).toEqual({ ok: true, value: suspect });
  });

  test.each([
    ['an empty name', '03 83 a446726f6d a26e31 ab496e6361726e6174696f6e 03 a44e6f6465 a0'],
    ['no name', '03 82 a446726f6d a26e31 ab496e6361726e6174696f6e 03'],
    ['a number for a name', '03 83 a446726f6d a26e31 ab496e6361726e6174696f6e 03 a44e6f6465 07'],
    ['a name that is no UTF-8', '03 83 a446726f6d a26e31 ab496e6361726e6174696f6e 03 a44e6f6465 a2ff32'],
    ['a negative incarnation', '03 83 a446726f6d a26e31 ab496e6361726e6174696f6e ff a44e6f6465 a26e32'],
    [
      'an incarnation of 33 bits',
      '03 83 a446726f6d a26e31 ab496e6361726e6174696f6e cf0000000100000000 a44e6f6465 a26e32',
    ],
    ['a text for a number', '0b 81 a55365714e6f a131'],
    ['an array in place of a map', '0b 91 05'],
    ['a number as a key', '0b 81 05 05'],
    ['an address of 5 octets', '04 82 a441646472 a5c000020101 a44e6f6465 a26e32'],
    ['a port of 17 bits', '04 83 a441646472 a4c0000201 a44e6f6465 a26e32 a4506f7274 ce00010000'],
    [
      'metadata that is too long',
      `04 83 a441646472 a4c0000201 a44e6f6465 a26e32 a44d657461 da0201 ${'00'.repeat(513)}`,
    ],
    ['a type that no packet has', '06 80'],
    ['an octet that is no msgpack', '0b 81 a55365714e6f c1'],
    ['maps that promise more than there can be', '0b df ffffffff'],
  ])('%s is refused', (_, octets) => {
    expect(decodePacketMessage(hex(octets)).ok).toBe(false);
  });

  test('random octets never throw', () =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 13 }), fc.uint8Array({ maxLength: 80 }), (type, body) => {
        const octets = Uint8Array.of(type, ...body);
        expect(typeof decodePacketMessage(octets).ok).toBe('boolean');
        expect(typeof decodeStreamMessage(octets).ok).toBe('boolean');
      }),
    ));

  test('a message with one octet changed never throws', () =>
    fc.assert(
      fc.property(fc.constantFrom(...captured), fc.nat(), fc.nat(255), ([, octets], at, value) => {
        const broken = Uint8Array.from(octets);
        broken[at % broken.length] = value;
        expect(typeof decodePacketMessage(broken).ok).toBe('boolean');
      }),
    ));
});

describe('a push/pull', () => {
  test('is written as the library writes it', () => {
    expect(Buffer.from(encodePushPull(pushPull)).toString('hex')).toBe(Buffer.from(capturedPushPull).toString('hex'));
  });

  test('is read', () => {
    expect(decodeStreamMessage(capturedPushPull)).toEqual({ ok: true, value: pushPull });
  });

  test('every truncation is refused', () => {
    for (let n = 0; n < capturedPushPull.length; n++) {
      expect(decodeStreamMessage(capturedPushPull.subarray(0, n)).ok, `${n} octets`).toBe(false);
    }
  });

  test('more than 10,000 nodes are refused before they are read', () => {
    const octets = hex('06 83 a44a6f696e c3 a54e6f646573 cd2711 ac5573657253746174654c656e 00');
    expect(decodeStreamMessage(octets)).toMatchObject({ ok: false, error: { message: /10001 nodes/ } });
  });

  const node: fc.Arbitrary<NodeState> = fc.record({
    node: fc.string({ minLength: 1, maxLength: 60 }),
    address: fc.constantFrom(ip('10.0.0.1'), ip('255.255.255.255'), ip('fe80::1'), ip('2001:db8:1:2:3:4:5:6')),
    port: fc.nat(0xffff),
    meta: fc.uint8Array({ maxLength: 512 }),
    incarnation: fc.nat(0xffff_ffff),
    state: fc.constantFrom(...nodeStates),
    versions: fc.tuple(...Array.from({ length: 6 }, () => fc.nat(255))) as unknown as fc.Arbitrary<Versions>,
  });

  test('survives writing and reading', () =>
    fc.assert(
      fc.property(fc.boolean(), fc.array(node, { maxLength: 8 }), (isJoin, nodes) => {
        const message: PushPull = { type: 'pushPull', isJoin, nodes };
        expect(decodeStreamMessage(encodePushPull(message))).toEqual({ ok: true, value: message });
      }),
    ));
});

test('an error is written and read as the library does', () => {
  const text = 'Encryption is configured but remote state is not encrypted';
  const octets = hex('0d 81 a54572726f72 da003a', Buffer.from(text).toString('hex')); // captured
  expect(Buffer.from(encodeMessage({ type: 'error', text })).equals(octets)).toBe(true);
  expect(decodeStreamMessage(octets)).toEqual({ ok: true, value: { type: 'error', text } });
});

test('our mark is known in every version, and nothing else is', () => {
  expect(
    [ownMark, octetsOf('metallb-ts/22'), octetsOf(''), octetsOf('metallb'), octetsOf('consul/1')].map(isMarked),
  ).toEqual([true, true, false, false, false]);
});
