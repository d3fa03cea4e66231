import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeAddressMessages, encodeAddressDump } from './address.ts';

const hex = (...fields: readonly string[]): Uint8Array => Uint8Array.fromHex(fields.join('').replaceAll(' ', ''));

/** Written out by hand after linux/rtnetlink.h and linux/if_addr.h, little-endian. */
const newIpv4 = hex(
  '38000000 1400 0000 00000000 00000000', // length 56, RTM_NEWADDR
  '02 18 80 00 07000000', // IPv4, 24 bits, permanent, everywhere, interface 7
  '0800 0100 c61200fe', // the far end of a point-to-point link
  '0800 0200 c6120001', // 198.18.0.1
  '0800 0300 65746830', // label eth0
  '0800 0800 80000000', // flags
);
const ipv6 = (type: string, flags: string, scope: string): Uint8Array =>
  hex(
    '34000000', // length 52
    type,
    '0000 00000000 00000000',
    '0a 40 80', // IPv6, 64 bits, the flags that eight bits hold
    scope,
    '07000000',
    '1400 0100 fe80000000000000 00420afffe000001',
    '0800 0800', // all flags
    flags,
  );
const [RTM_NEWADDR, RTM_DELADDR] = ['1400', '1500'];

const linkLocal = { interface: 7, ip: 'fe80::42:aff:fe00:1', prefixLength: 64, isLinkLocal: true };

test('a request for all addresses is written octet by octet', () => {
  expect(encodeAddressDump(5).toHex()).toBe(
    hex('18000000 1600 0103 05000000 00000000', '0000000000000000').toHex(), // RTM_GETADDR, of every family
  );
});

test('an address of IPv4 is the near end', () => {
  expect(decodeAddressMessages(newIpv4)).toEqual({
    ok: true,
    value: [{ type: 'address', address: { interface: 7, ip: '198.18.0.1', prefixLength: 24, isLinkLocal: false } }],
  });
});

test.each([
  ['that is permanent', RTM_NEWADDR, '80000000', 'address'],
  ['that may be used while it is looked for', RTM_NEWADDR, 'c4000000', 'address'],
  ['that is deprecated', RTM_NEWADDR, 'a0000000', 'address'],
  ['that is looked for', RTM_NEWADDR, 'c0000000', 'addressRemoved'],
  ['that another host has', RTM_NEWADDR, '88000000', 'addressRemoved'],
  ['that another host has, though it might have been used', RTM_NEWADDR, 'cc000000', 'addressRemoved'],
  ['that goes', RTM_DELADDR, '80000000', 'addressRemoved'],
])('an address of IPv6 %s', (_, type, flags, what) => {
  expect(decodeAddressMessages(ipv6(type, flags, 'fd'))).toEqual({
    ok: true,
    value: [{ type: what, address: linkLocal }],
  });
});

test('the end of a dump and what spoils it are told; families and messages of others are not', () => {
  const done = hex('14000000 0300 1200 01000000 00000000 00000000');
  const decnet = hex('20000000 1400 0000 00000000 00000000', '0c 08 80 00 07000000', '0600 0100 0a05 0000');
  const link = hex('20000000 1100 0000 00000000 00000000', '00 00 0100 07000000 02100000 00000000');
  expect(decodeAddressMessages(hex(decnet.toHex(), link.toHex(), done.toHex()))).toEqual({
    ok: true,
    value: [
      { type: 'interrupted', sequence: 1 },
      { type: 'done', sequence: 1, errno: 0 },
    ],
  });
});

test('every truncation is refused', () => {
  for (const whole of [newIpv4, ipv6(RTM_NEWADDR, '80000000', '00')])
    for (let n = 1; n < whole.length; n++)
      expect(decodeAddressMessages(whole.subarray(0, n)).ok, `${n} octets`).toBe(false);
});

test('an address shorter than its family has them is refused', () => {
  const short = hex('1c000000 1400 0000 00000000 00000000', '02 18 80 00 07000000', '0400 0200');
  expect(decodeAddressMessages(short).ok).toBe(false);
});

test('no octets make the decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(newIpv4.length - 1), fc.nat(255), (noise, offset, value) => {
      decodeAddressMessages(noise);
      const broken = newIpv4.slice();
      broken[offset] = value;
      decodeAddressMessages(broken);
    }),
  );
});
