import fc from 'fast-check';
import { expect, test } from 'vitest';
import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { gratuitousArp } from './announcement.ts';
import { type ArpFrame, arpFrameLength, decodeArpFrame, encodeArpFrame } from './packet.ts';
import { answerArp, answeredAddressAt, answeredSource, type ArpDropReason, type ArpTable } from './responder.ts';

const ours = 0xfe420a000001 as Mac;
const client = 0x02420a000002 as Mac;
const stranger = 0x02420a000003 as Mac;
const group = 0x01005e000001 as Mac;
const address = 0xc6120107;
const clientIp = 0xc61200fe;
const table: ArpTable = { mac: ours, has: (ip) => ip === address };

const request: ArpFrame = {
  destination: broadcastMac,
  source: client,
  packet: { operation: 1, senderMac: client, senderIp: clientIp, targetMac: zeroMac, targetIp: address },
};
const reply: ArpFrame = {
  destination: client,
  source: ours,
  packet: { operation: 2, senderMac: ours, senderIp: address, targetMac: client, targetIp: clientIp },
};

/** What becomes of a frame in a receive buffer that is larger than the frame, as it is in life. */
const answerOctets = (octets: Uint8Array, arp: ArpTable = table): ArpDropReason | ArpFrame => {
  const buffer = new Uint8Array(128).fill(0xee);
  buffer.set(octets);
  const view = new DataView(buffer.buffer);
  const verdict = answerArp(view, octets.length, arp);
  if (verdict !== 'reply') {
    expect(buffer.subarray(0, octets.length)).toEqual(octets); // what is dropped stays as it was
    return verdict;
  }
  const frame = decodeArpFrame(buffer.subarray(0, arpFrameLength));
  if (!frame.ok) throw frame.error;
  expect([view.getUint32(answeredAddressAt), answeredSource(view)]).toEqual([
    frame.value.packet.senderIp,
    frame.value.destination,
  ]);
  return frame.value;
};
const answer = (frame: ArpFrame, arp?: ArpTable): ArpDropReason | ArpFrame => answerOctets(encodeArpFrame(frame), arp);

test('a broadcast request is answered to its sender', () => {
  expect(answer(request)).toEqual(reply);
});

test('a request to our own MAC is answered', () => {
  expect(answer({ ...request, destination: ours })).toEqual(reply);
});

test('a request with padding behind it is answered', () => {
  const padded = new Uint8Array(60);
  padded.set(encodeArpFrame(request));
  expect(answerOctets(padded)).toEqual(reply);
});

test('a probe, whose sender address is zero, is answered', () => {
  expect(answer({ ...request, packet: { ...request.packet, senderIp: 0 } })).toEqual({
    ...reply,
    packet: { ...reply.packet, targetIp: 0 },
  });
});

test('a router that asks with its virtual MAC is answered at the MAC that sent the frame', () => {
  const virtual = 0x00005e000101 as Mac;
  expect(answer({ ...request, packet: { ...request.packet, senderMac: virtual } })).toEqual({
    ...reply,
    packet: { ...reply.packet, targetMac: virtual },
  });
});

const rows: readonly (readonly [string, ArpDropReason, Partial<ArpFrame>, Partial<ArpFrame['packet']>])[] = [
  ['from our own interface', 'ownFrame', { source: ours }, {}],
  ['that names our MAC as its sender', 'ownFrame', {}, { senderMac: ours }],
  ['from a group address', 'source', { source: group }, {}],
  ['from no address', 'source', { source: zeroMac }, {}],
  ['whose packet names a group address as its sender', 'source', {}, { senderMac: broadcastMac }],
  ['to another host', 'ethernetDestination', { destination: stranger }, {}],
  ['to a group', 'ethernetDestination', { destination: group }, {}],
  ['for an address of somebody else', 'targetAddress', {}, { targetIp: address + 1 }],
  ['that is gratuitous', 'announcement', {}, { senderIp: address }],
  ['of another address that is gratuitous', 'announcement', {}, { senderIp: 7, targetIp: 7 }],
  ['of a host that uses our address and asks for another', 'announcement', {}, { senderIp: address, targetIp: 9 }],
  ['that is a reply', 'operation', {}, { operation: 2 }],
  ['of an unknown operation', 'operation', {}, { operation: 9 }],
];

test.each(rows)('a frame %s is dropped: %s', (_, reason, header, packet) => {
  expect(answer({ ...request, ...header, packet: { ...request.packet, ...packet } })).toBe(reason);
});

/** The same decision on decoded values, as one would write it without minding what it costs. */
const naiveAnswer = (octets: Uint8Array): ArpDropReason | ArpFrame => {
  const decoded = decodeArpFrame(octets);
  if (!decoded.ok) return 'malformed';
  const { destination, source, packet } = decoded.value;
  const isHost = (mac: Mac): boolean => mac !== zeroMac && !/^.[13579bdf]/.test(mac.toString(16).padStart(12, '0'));
  if (source === ours || packet.senderMac === ours) return 'ownFrame';
  if (!isHost(source) || !isHost(packet.senderMac)) return 'source';
  if (destination !== ours && destination !== broadcastMac) return 'ethernetDestination';
  if (packet.senderIp === packet.targetIp || packet.senderIp === address) return 'announcement';
  if (packet.operation !== 1) return 'operation';
  if (packet.targetIp !== address) return 'targetAddress';
  const targetMac = packet.senderMac;
  const answered = { operation: 2, senderMac: ours, senderIp: address, targetMac, targetIp: packet.senderIp };
  return { destination: source, source: ours, packet: answered };
};

test('the answer in place is the answer that follows from the decoded frame, for frames of every kind', () => {
  const mac = fc.constantFrom(ours, client, stranger, group, zeroMac, broadcastMac);
  const ip = fc.constantFrom(0, address, address + 1, clientIp);
  const operation = fc.constantFrom(1, 1, 2, 0, 9);
  const packet = fc.record({ operation, senderMac: mac, senderIp: ip, targetMac: mac, targetIp: ip });
  const frame = fc.record({ destination: mac, source: mac, packet }).map(encodeArpFrame);
  fc.assert(
    fc.property(frame, (octets) => {
      expect(answerOctets(octets)).toEqual(naiveAnswer(octets));
    }),
    { numRuns: 3000 },
  );
});

test('the answer in place is the answer that follows from the decoded frame, for broken frames', () => {
  const change = fc.tuple(fc.nat(41), fc.nat(255));
  const broken = fc
    .tuple(fc.array(change, { maxLength: 3 }), fc.integer({ min: 36, max: 42 }))
    .map(([changes, length]) => {
      const octets = encodeArpFrame(request);
      for (const [at, value] of changes) octets[at] = value;
      return octets.subarray(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), broken), (octets) => {
      expect(answerOctets(octets)).toEqual(naiveAnswer(octets));
    }),
    { numRuns: 3000 },
  );
});

test('an announcement of a neighbour gets no answer', () => {
  for (const frame of gratuitousArp(client, address)) expect(answer(frame)).toBe('announcement');
});
