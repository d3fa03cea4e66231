import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { broadcastMac, type Mac } from '../../lib/mac.ts';
import { ipv6At } from './address.ts';
import { ndpProbe, ndpSolicitation, unsolicitedAdvertisement } from './announcement.ts';
import { encodeNdpFrame, linkLayerOption, type NdpFrame } from './packet.ts';
import { ndpSighting } from './sighting.ts';

const ours = 0x02420a000001 as Mac;
const stranger = 0x02420a000002 as Mac;
const proxy = 0x02420a000003 as Mac;
const address = '2001:db8::7' as Ip;
const sender = { mac: stranger, ip: 'fe80::2' as Ip };

/** What is sighted, with the address itself instead of its place. */
const sighted = (frame: NdpFrame, change?: (octets: Uint8Array) => void): unknown => {
  const octets = encodeNdpFrame(frame);
  change?.(octets);
  const view = new DataView(octets.buffer, 0, octets.length);
  const sighting = ndpSighting(view, octets.length, ours);
  return sighting && [sighting.kind, sighting.mac, ipv6At(view, sighting.addressAt)];
};
const claim = unsolicitedAdvertisement(stranger, address);
const withOptions = (options: NdpFrame['packet']['options']): NdpFrame => ({
  ...claim,
  packet: { ...claim.packet, options },
});

test('an advertisement claims its target for the link-layer address that others learn from it', () => {
  expect(sighted(claim)).toEqual(['claim', stranger, address]);
  expect(sighted(withOptions([linkLayerOption(14, stranger), linkLayerOption(2, proxy)]))).toEqual([
    'claim',
    proxy,
    address,
  ]);
});

test('an advertisement that tells no link-layer address claims its target for whoever sent the frame', () => {
  expect(sighted(withOptions([]))).toEqual(['claim', stranger, address]);
});

test('a solicitation of nobody probes its target', () => {
  expect(sighted(ndpProbe(stranger, address))).toEqual(['probe', stranger, address]);
});

test.each([
  ['a solicitation of somebody', ndpSolicitation(sender, address, undefined)],
  ['our own advertisement', { ...claim, source: ours }],
  ['an advertisement for our MAC', withOptions([linkLayerOption(2, ours)])],
  ['an advertisement for a group', withOptions([linkLayerOption(2, broadcastMac)])],
  ['our own probe', ndpProbe(ours, address)],
])('%s says nothing', (_, frame) => {
  expect(sighted(frame)).toBeUndefined();
});

test('what RFC 4861 has us discard says nothing', () => {
  const damages = [
    (octets: Uint8Array) => (octets[21] = 254), // hop limit
    (octets: Uint8Array) => (octets[56]! ^= 1), // checksum
    (octets: Uint8Array) => (octets[55] = 1), // code
    (octets: Uint8Array) => (octets[79] = 0), // length of the option
    (octets: Uint8Array) => (octets[58]! |= 0x40), // solicited, to a group
  ];
  for (const damage of damages) expect(sighted(claim, damage)).toBeUndefined();
});
