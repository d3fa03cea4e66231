import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ip, ipFromNumber } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { decodeNdpFrame, encodeNdpFrame, type NdpFrame } from './packet.ts';
import { ndpFault } from './validate.ts';

const hex = (...fields: readonly string[]): Uint8Array => Uint8Array.fromHex(fields.join('').replaceAll(' ', ''));

/** A solicitation, written out by hand after RFC 4861 section 4.3. */
const solicitation = hex(
  '3333ff123456', // Ethernet destination
  '02420a000002', // Ethernet source
  '86dd', // EtherType
  '60000000', // version 6, traffic class, flow label
  '0020 3a ff', // payload length, next header ICMPv6, hop limit
  'fe80000000000000 00420afffe000002', // source fe80::42:aff:fe00:2
  'ff02000000000000 00000001ff123456', // destination ff02::1:ff12:3456
  '87 00 cf09', // type, code, checksum
  '00000000', // reserved
  '20010db800010002 0000000000123456', // target 2001:db8:1:2::12:3456
  '01 01 02420a000002', // option: source link-layer address
);
const decodedSolicitation: NdpFrame = {
  destination: 0x3333ff123456 as Mac,
  source: 0x02420a000002 as Mac,
  sourceIp: 'fe80::42:aff:fe00:2' as Ip,
  destinationIp: 'ff02::1:ff12:3456' as Ip,
  packet: {
    type: 'solicitation',
    target: '2001:db8:1:2::12:3456' as Ip,
    options: [{ type: 1, value: hex('02420a000002') }],
  },
};

/** Duplicate address detection by Linux 6, as tcpdump has seen it: with a nonce (RFC 7527), and the answer of the owner. */
const linuxProbe = hex(
  '3333ff00000a 02420a000002 86dd 60000000 0020 3a ff',
  '0000000000000000 0000000000000000 ff02000000000000 00000001ff00000a',
  '87 00 dca6 00000000 20010db800000000 000000000000000a 0e01 93e796c8377b',
);
const linuxAnswer = hex(
  '333300000001 02420a000001 86dd 60000000 0020 3a ff',
  '20010db800000000 000000000000000a ff02000000000000 0000000000000001',
  '88 00 eed6 20000000 20010db800000000 000000000000000a 0201 02420a000001',
);

const ip = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }).map((value) => ipFromNumber('IPv6', value));
const unicast = fc.bigInt({ min: 1n, max: 0xfe00n << 112n }).map((value) => ipFromNumber('IPv6', value));
const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff }) as fc.Arbitrary<Mac>;
const option = fc.record({
  type: fc.nat(255),
  value: fc.integer({ min: 1, max: 3 }).chain((n) => fc.uint8Array({ minLength: 8 * n - 2, maxLength: 8 * n - 2 })),
});
const options = fc.array(option, { maxLength: 4 });
const packet = fc.oneof(
  fc.record({ type: fc.constant('solicitation' as const), target: unicast, options }),
  fc.record({
    type: fc.constant('advertisement' as const),
    target: unicast,
    options,
    isRouter: fc.boolean(),
    isSolicited: fc.constant(false),
    isOverride: fc.boolean(),
  }),
);
const ndpFrame: fc.Arbitrary<NdpFrame> = fc.record({
  destination: mac,
  source: mac,
  sourceIp: unicast,
  destinationIp: ip,
  packet,
});

test('a solicitation is read field by field', () => {
  expect(decodeNdpFrame(solicitation)).toEqual({ ok: true, value: decodedSolicitation });
});

test('a solicitation is written octet by octet', () => {
  expect(encodeNdpFrame(decodedSolicitation).toHex()).toBe(solicitation.toHex());
});

test('an advertisement with every flag is read and written', () => {
  const octets = hex(
    '02420a000002 02420a000001 86dd 60000000 0020 3a ff',
    'fe80000000000000 00420afffe000001 fe80000000000000 00420afffe000002',
    '88 00 17b3',
    'e0000000', // router, solicited, override
    '20010db800010002 0000000000123456 0201 02420a000001',
  );
  const decoded = decodeNdpFrame(octets);
  expect(decoded.ok && decoded.value.packet).toMatchObject({ isRouter: true, isSolicited: true, isOverride: true });
  expect(decoded.ok && encodeNdpFrame(decoded.value).toHex()).toBe(octets.toHex());
});

test('what Linux sends is read, and written as Linux does', () => {
  for (const octets of [linuxProbe, linuxAnswer]) {
    const decoded = decodeNdpFrame(octets);
    expect(decoded.ok && encodeNdpFrame(decoded.value).toHex()).toBe(octets.toHex());
  }
});

test('octets behind the packet are padding', () => {
  const padded = new Uint8Array(100).fill(0xee);
  padded.set(solicitation);
  expect(decodeNdpFrame(padded)).toEqual({ ok: true, value: decodedSolicitation });
});

test('traffic class, flow label and reserved fields are ignored', () => {
  const octets = solicitation.slice();
  octets.set([0x6f, 0xff, 0xff, 0xff], 14);
  octets.set(hex('ce09 01000000'), 56); // one more in a reserved field, one less in the checksum
  expect(decodeNdpFrame(octets)).toEqual({ ok: true, value: decodedSolicitation });
});

test('every truncation is refused', () => {
  for (let n = 0; n < solicitation.length; n++)
    expect(decodeNdpFrame(solicitation.subarray(0, n)).ok, `${n} octets`).toBe(false);
});

/** Each row breaks one thing; where others are looked for after the checksum, that is set right. */
const rows: (readonly [name: string, offset: number, octets: string, message: string, checksum?: string])[] = [
  ['the EtherType of IPv4', 12, '0800', 'etherType is 2048, not 34525'],
  ['version 4', 14, '40', 'version is 4, not 6'],
  ['a hop-by-hop header', 20, '00', 'nextHeader is 0, not 58'],
  ['a hop limit of 254', 21, 'fe', 'hopLimit is 254, not 255'],
  ['a payload length beyond its end', 18, '0028', 'payload length is 40, but 32 octets follow'],
  ['a payload length that cuts the target', 18, '0010', 'payload length is 16'],
  ['a payload length that cuts the option', 18, '001c', 'payload length is 28'],
  ['code 1', 55, '01', 'code is 1, not 0'],
  ['a wrong checksum', 56, 'cf0a', 'checksumError is 65534, not 0'],
  ['a checksum of 0', 56, '0000', 'checksumError is 53001, not 0'],
  ['an option without length', 78, '0100', 'option 1 has 0 octets of 8', 'cf0a'],
  ['an option beyond the end', 78, '0102', 'option 1 has 16 octets of 8', 'cf08'],
  ['a group as its target', 62, 'ff01', 'target ff01:db8:1:2::12:3456 is a group', 'f008'],
  ['type 133', 54, '85', 'type is 133', 'd109'],
];

test.each(rows.map((row) => ({ name: row[0], row })))('a frame with $name is refused', ({ row }) => {
  const [, offset, octets, message, checksum] = row;
  const broken = solicitation.slice();
  broken.set(hex(octets), offset);
  if (checksum !== undefined) broken.set(hex(checksum), 56);
  const result = decodeNdpFrame(broken);
  expect(!result.ok && result.error.message).toBe(`NDP: ${message}`);
});

test('a solicitation of nobody is refused unless it goes to a solicited-node group and tells no link-layer address', () => {
  const probe: NdpFrame = {
    ...decodedSolicitation,
    sourceIp: '::' as Ip,
    packet: { ...decodedSolicitation.packet, options: [] },
  };
  const isTaken = (frame: NdpFrame): boolean => decodeNdpFrame(encodeNdpFrame(frame)).ok;
  expect(isTaken(probe)).toBe(true);
  for (const group of ['ff02::1', 'ff02::1:ff:3456', 'ff02::2:ff12:3456', '2001:db8:1:2::12:3456'])
    expect(isTaken({ ...probe, destinationIp: group as Ip }), group).toBe(false);
  expect(isTaken({ ...probe, packet: decodedSolicitation.packet })).toBe(false);
});

test('a solicited advertisement to a group is refused', () => {
  const decoded = decodeNdpFrame(linuxAnswer);
  if (!decoded.ok || decoded.value.packet.type !== 'advertisement') throw new Error('no advertisement');
  const packet = { ...decoded.value.packet, isSolicited: true };
  const result = decodeNdpFrame(encodeNdpFrame({ ...decoded.value, packet }));
  expect(!result.ok && result.error.message).toBe('NDP: a solicited advertisement to a group');
});

test('a frame survives encode and decode', () => {
  fc.assert(
    fc.property(ndpFrame, (frame) => {
      expect(decodeNdpFrame(encodeNdpFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test('no octets make the decoder throw, and the check without decoding finds the same faults', () => {
  const mutations = fc
    .tuple(
      fc.constantFrom(solicitation, linuxProbe, linuxAnswer),
      fc.array(fc.tuple(fc.nat(85), fc.nat(255)), { maxLength: 3 }),
      fc.integer({ min: 70, max: 86 }),
    )
    .map(([octets, changes, length]) => {
      const bytes = octets.slice();
      for (const [offset, value] of changes) bytes[offset] = value;
      return bytes.slice(0, length);
    });
  const checked = ndpFrame.map(encodeNdpFrame);
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), mutations, checked), (bytes) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      expect(ndpFault(view, bytes.length) === undefined).toBe(decodeNdpFrame(bytes).ok);
    }),
    { numRuns: 3000 },
  );
});
