import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeLinkMessages, encodeLinkDump } from './message.ts';

const hex = (...fields: readonly string[]): Uint8Array => Uint8Array.fromHex(fields.join('').replaceAll(' ', ''));

/** Written out by hand after linux/rtnetlink.h and linux/if_link.h, little-endian. */
const newLink = hex(
  '48000000 1000 0000 00000000 00000000', // length 72, RTM_NEWLINK
  '00 00 0100 07000000 43100100 00000000', // unspecified family, Ethernet, index 7, up broadcast running …
  '0900 0300 65746830 00 000000', // name eth0 and its padding
  '0a00 0100 02420a000001 0000', // address
  '0800 0a00 03000000', // master 3
  '0500 1000 06 000000', // operational state, which nobody asked for
);
const deleteLink = hex('20000000 1100 0000 00000000 00000000', '00 00 0100 07000000 02100000 00000000');
const bridgePortLeaves = hex('20000000 1100 0000 00000000 00000000', '07 00 0100 07000000 02100000 00000000');
const done = hex('14000000 0300 0200 01000000 00000000 00000000');
const busy = hex('14000000 0200 0000 01000000 00000000 f0ffffff');

const concat = (...parts: readonly Uint8Array[]): Uint8Array => hex(...parts.map((part) => part.toHex()));

test('a request for all links is written octet by octet', () => {
  expect(encodeLinkDump(5).toHex()).toBe(
    hex(
      '28000000 1200 0103 05000000 00000000', // length 40, RTM_GETLINK, request and dump, sequence 5
      '00000000 00000000 00000000 00000000', // every link
      '0800 1d00 08000000', // without statistics
    ).toHex(),
  );
});

test('links, their removal and the end of a dump are read from one datagram', () => {
  const link = { index: 7, name: 'eth0', type: 1, flags: 0x11043, mac: 0x02420a000001, master: 3 };
  expect(decodeLinkMessages(concat(newLink, deleteLink, done, busy))).toEqual({
    ok: true,
    value: [
      { type: 'link', link },
      { type: 'linkRemoved', index: 7 },
      { type: 'done', sequence: 1, errno: 0 },
      { type: 'error', sequence: 1, errno: 16 },
    ],
  });
});

test.each([
  ['a bond that has failed over', '03000000', true],
  ['peers to be notified', '04000000', true],
  ['changed features', '02000000', false],
])('a link event is told where it is about other hosts: %s', (_, code, isTold) => {
  const changed = hex(
    '34000000 1000 0000 00000000 00000000', // length 52, RTM_NEWLINK
    '00 00 0100 07000000 43100100 00000000',
    '0900 0300 65746830 00 000000', // name eth0
    '0800 2c00', // event
    code,
  );
  const link = { index: 7, name: 'eth0', type: 1, flags: 0x11043, mac: undefined, master: undefined };
  expect(decodeLinkMessages(changed)).toEqual({
    ok: true,
    value: [{ type: 'link', link }, ...(isTold ? [{ type: 'notifyPeers', index: 7 }] : [])],
  });
});

test.each([
  ['a macvlan', '6d616376 6c616e00', '', 3],
  ['a macvlan of an interface in another namespace', '6d616376 6c616e00', '0800 2500 00000000', undefined],
  ['a VLAN', '766c616e 00000000', '', undefined],
])('the link below says with whom a segment is shared: %s', (_, kind, more, lower) => {
  const length = more === '' ? '44000000' : '4c000000';
  const changed = hex(
    `${length} 1000 0000 00000000 00000000`, // RTM_NEWLINK
    '00 00 0100 07000000 43100100 00000000',
    '0900 0300 6c616e30 00 000000', // name lan0
    '0800 0500 03000000', // link 3
    '1000 1200 0c00 0100', // information: the kind
    kind,
    more,
  );
  const link = { index: 7, name: 'lan0', type: 1, flags: 0x11043, mac: undefined, master: undefined, lower };
  expect(decodeLinkMessages(changed)).toEqual({ ok: true, value: [{ type: 'link', link }] });
});

test('a dump that ends with an error says so', () => {
  const failed = hex('14000000 0300 0200 02000000 00000000 f4ffffff');
  expect(decodeLinkMessages(failed)).toEqual({ ok: true, value: [{ type: 'done', sequence: 2, errno: 12 }] });
});

test('a dump that changes of links have interrupted says so, at whichever message', () => {
  const interrupted = { type: 'interrupted', sequence: 3 };
  const within = hex('20000000 1100 1200 03000000 00000000', '00 00 0100 07000000 02100000 00000000');
  const atEnd = hex('14000000 0300 1200 03000000 00000000 00000000');
  expect(decodeLinkMessages(concat(within, atEnd))).toEqual({
    ok: true,
    value: [interrupted, { type: 'linkRemoved', index: 7 }, interrupted, { type: 'done', sequence: 3, errno: 0 }],
  });
});

test('a port that leaves its bridge is no link that goes', () => {
  expect(decodeLinkMessages(bridgePortLeaves)).toEqual({ ok: true, value: [] });
});

test('a link without a master or a hardware address of six octets has neither', () => {
  const tunnel = hex(
    '34000000 1000 0000 00000000 00000000',
    '00 00 0003 09000000 c1000000 00000000',
    '0800 0100 0a000001', // an address of four octets
    '0a00 0300 74756e6c30 00 0000',
  );
  const link = { index: 9, name: 'tunl0', type: 0x300, flags: 0xc1, mac: undefined, master: undefined };
  expect(decodeLinkMessages(tunnel)).toEqual({ ok: true, value: [{ type: 'link', link }] });
});

test('every truncation is refused', () => {
  for (let n = 1; n < newLink.length; n++)
    expect(decodeLinkMessages(newLink.subarray(0, n)).ok, `${n} octets`).toBe(false);
});

test.each([
  ['a message shorter than its header', 0, '0f000000'],
  ['a message longer than the datagram', 0, '49000000'],
  ['an attribute shorter than its header', 32, '0300'],
  ['an attribute longer than the message', 32, 'ff00'],
])('%s is refused', (_, offset, octets) => {
  const broken = newLink.slice();
  broken.set(hex(octets), offset);
  expect(decodeLinkMessages(broken).ok).toBe(false);
});

test('no octets make the decoder throw or run for ever', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(newLink.length - 1), fc.nat(255), (noise, offset, value) => {
      decodeLinkMessages(noise);
      const broken = newLink.slice();
      broken[offset] = value;
      decodeLinkMessages(broken);
    }),
  );
});
