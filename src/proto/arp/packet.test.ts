import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Mac } from '../../lib/mac.ts';
import { type ArpFrame, decodeArpFrame, encodeArpFrame } from './packet.ts';

const hex = (...fields: readonly string[]): Uint8Array => Uint8Array.fromHex(fields.join('').replaceAll(' ', ''));

/** Written out by hand after RFC 826. */
const golden = hex(
  '02420a000002', // Ethernet destination
  '02420a000001', // Ethernet source
  '0806', // EtherType
  '0001', // hardware type Ethernet
  '0800', // protocol type IPv4
  '06 04', // lengths of the two kinds of address
  '0002', // operation: reply
  'de420a000011', // sender hardware address
  'c6120107', // sender protocol address 198.18.1.7
  '02420a000022', // target hardware address
  '0a000002', // target protocol address 10.0.0.2
);
const decoded: ArpFrame = {
  destination: 0x02420a000002 as Mac,
  source: 0x02420a000001 as Mac,
  packet: {
    operation: 2,
    senderMac: 0xde420a000011 as Mac,
    senderIp: 0xc6120107,
    targetMac: 0x02420a000022 as Mac,
    targetIp: 0x0a000002,
  },
};

const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff }) as fc.Arbitrary<Mac>;
const ip = fc.integer({ min: 0, max: 0xffff_ffff });
const arpFrame: fc.Arbitrary<ArpFrame> = fc.record({
  destination: mac,
  source: mac,
  packet: fc.record({
    operation: fc.integer({ min: 0, max: 0xffff }),
    senderMac: mac,
    senderIp: ip,
    targetMac: mac,
    targetIp: ip,
  }),
});

test('a reply is read field by field', () => {
  expect(decodeArpFrame(golden)).toEqual({ ok: true, value: decoded });
});

test('a reply is written octet by octet', () => {
  expect(encodeArpFrame(decoded).toHex()).toBe(golden.toHex());
});

test('octets behind the packet are padding', () => {
  const padded = new Uint8Array(60).fill(0xee);
  padded.set(golden);
  expect(decodeArpFrame(padded)).toEqual({ ok: true, value: decoded });
});

test('every truncation is refused', () => {
  for (let n = 0; n < golden.length; n++) expect(decodeArpFrame(golden.subarray(0, n)).ok, `${n} octets`).toBe(false);
});

test.each([
  ['the EtherType of IPv4', 12, '0800', 'etherType is 2048, not 2054'],
  ['a VLAN tag', 12, '8100', 'etherType is 33024, not 2054'],
  ['the hardware type IEEE 802', 14, '0006', 'hardwareType is 6, not 1'],
  ['the protocol type IPv6', 16, '86dd', 'protocolType is 34525, not 2048'],
  ['hardware addresses of 8 octets', 18, '08', 'hardwareLength is 8, not 6'],
  ['protocol addresses of 16 octets', 19, '10', 'protocolLength is 16, not 4'],
])('a frame with %s is refused', (_, offset, octets, message) => {
  const broken = golden.slice();
  broken.set(hex(octets), offset);
  const result = decodeArpFrame(broken);
  expect(!result.ok && result.error.message).toBe(`ARP: ${message}`);
});

test('a frame survives encode and decode', () => {
  fc.assert(
    fc.property(arpFrame, (frame) => {
      expect(decodeArpFrame(encodeArpFrame(frame))).toEqual({ ok: true, value: frame });
    }),
  );
});

test('no octets make the decoder throw, and what decodes encodes to the same octets', () => {
  const mutations = fc.array(fc.tuple(fc.nat(41), fc.nat(255)), { maxLength: 4 }).map((changes) => {
    const bytes = golden.slice();
    for (const [offset, value] of changes) bytes[offset] = value;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), mutations), (bytes) => {
      const result = decodeArpFrame(bytes);
      if (result.ok) expect(encodeArpFrame(result.value).toHex()).toBe(bytes.subarray(0, 42).toHex());
    }),
  );
});
