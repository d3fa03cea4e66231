import { expect, test } from 'vitest';
import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { arpProbe, arpRequest, gratuitousArp } from './announcement.ts';
import { type ArpFrame, encodeArpFrame } from './packet.ts';
import { arpSighting } from './sighting.ts';

const ours = 0x02420a000001 as Mac;
const stranger = 0x02420a000002 as Mac;
const address = 0xc6120107;
const client = 0xc61200fe;

/** What is sighted, with the address itself instead of its place. */
const sighted = (frame: ArpFrame, change?: (octets: Uint8Array) => void): unknown => {
  const octets = encodeArpFrame(frame);
  change?.(octets);
  const view = new DataView(octets.buffer, 0, octets.length);
  const sighting = arpSighting(view, octets.length, ours);
  return sighting && [sighting.kind, sighting.mac, view.getUint32(sighting.addressAt)];
};
const reply: ArpFrame = {
  destination: ours,
  source: stranger,
  packet: { operation: 2, senderMac: stranger, senderIp: address, targetMac: ours, targetIp: 0 },
};

test('replies, requests and announcements claim the address of their sender', () => {
  expect(sighted(reply)).toEqual(['claim', stranger, address]);
  expect(sighted(arpRequest(stranger, address, client, broadcastMac))).toEqual(['claim', stranger, address]);
  for (const frame of gratuitousArp(stranger, address)) expect(sighted(frame)).toEqual(['claim', stranger, address]);
});

test('a request without a sender address probes its target', () => {
  expect(sighted(arpProbe(stranger, address))).toEqual(['probe', stranger, address]);
});

test('the hardware address is the one that others learn, not the one of the frame', () => {
  const virtual = 0x00005e000101 as Mac;
  expect(sighted({ ...reply, packet: { ...reply.packet, senderMac: virtual } })).toEqual(['claim', virtual, address]);
});

test.each([
  ['of our own interface', { ...reply, source: ours }],
  ['that names our MAC', { ...reply, packet: { ...reply.packet, senderMac: ours } }],
  ['that names a group as its sender', { ...reply, packet: { ...reply.packet, senderMac: broadcastMac } }],
  ['that names nobody as its sender', { ...reply, packet: { ...reply.packet, senderMac: zeroMac } }],
  ['of an unknown operation', { ...reply, packet: { ...reply.packet, operation: 8 } }],
  ['that is a reply of nobody', { ...reply, packet: { ...reply.packet, senderIp: 0 } }],
])('a frame %s says nothing', (_, frame) => {
  expect(sighted(frame)).toBeUndefined();
});

test('what is no ARP for IPv4 over Ethernet says nothing', () => {
  for (const at of [12, 14, 16, 18, 19]) expect(sighted(reply, (octets) => (octets[at]! ^= 1))).toBeUndefined();
  const short = encodeArpFrame(reply).subarray(0, 41);
  expect(arpSighting(new DataView(short.buffer), short.length, ours)).toBeUndefined();
});
