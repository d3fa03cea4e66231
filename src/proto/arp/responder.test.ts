import fc from 'fast-check';
import { expect, test } from 'vitest';
import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { type ArpFrame, encodeArpFrame } from './packet.ts';
import { answerArp, type ArpTable, gratuitousArp } from './responder.ts';

const ours = 0x02420a000001 as Mac;
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

test('a broadcast request is answered to its sender', () => {
  expect(answerArp(request, table)).toEqual({ type: 'reply', frame: reply });
});

test('a request to our own MAC is answered', () => {
  expect(answerArp({ ...request, destination: ours }, table)).toEqual({ type: 'reply', frame: reply });
});

test('a probe, whose sender address is zero, is answered', () => {
  expect(answerArp({ ...request, packet: { ...request.packet, senderIp: 0 } }, table)).toEqual({
    type: 'reply',
    frame: { ...reply, packet: { ...reply.packet, targetIp: 0 } },
  });
});

test('a router that asks with its virtual MAC is answered at the MAC that sent the frame', () => {
  const virtual = 0x00005e000101 as Mac;
  expect(answerArp({ ...request, packet: { ...request.packet, senderMac: virtual } }, table)).toEqual({
    type: 'reply',
    frame: { ...reply, packet: { ...reply.packet, targetMac: virtual } },
  });
});

const rows: readonly (readonly [string, string, Partial<ArpFrame>, Partial<ArpFrame['packet']>])[] = [
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
  expect(answerArp({ ...request, ...header, packet: { ...request.packet, ...packet } }, table)).toEqual({
    type: 'drop',
    reason,
  });
});

test('whatever comes, an answer goes to the source of the frame, from us, for an address of ours', () => {
  const mac = fc.constantFrom(ours, client, stranger, group, zeroMac, broadcastMac);
  const ip = fc.constantFrom(0, address, address + 1, clientIp);
  const frame = fc.record({
    destination: mac,
    source: mac,
    packet: fc.record({
      operation: fc.constantFrom(0, 1, 2, 9),
      senderMac: mac,
      senderIp: ip,
      targetMac: mac,
      targetIp: ip,
    }),
  });
  fc.assert(
    fc.property(frame, (received) => {
      const verdict = answerArp(received, table);
      if (verdict.type === 'drop') return;
      expect(verdict.frame).toMatchObject({
        destination: received.source,
        source: ours,
        packet: { operation: 2, senderMac: ours, senderIp: address },
      });
      expect([client, stranger]).toContain(verdict.frame.destination);
    }),
    { numRuns: 2000 },
  );
});

test('an announcement is a request without and a reply with the target hardware address', () => {
  expect(gratuitousArp(ours, address).map((frame) => encodeArpFrame(frame).toHex())).toEqual([
    'ffffffffffff02420a0000010806' + '0001080006040001' + '02420a000001c6120107' + '000000000000c6120107',
    'ffffffffffff02420a0000010806' + '0001080006040002' + '02420a000001c6120107' + '02420a000001c6120107',
  ]);
});

test('an announcement of our own never gets an answer', () => {
  const other: ArpTable = { mac: stranger, has: table.has };
  for (const frame of gratuitousArp(ours, address)) {
    expect(answerArp(frame, other)).toEqual({ type: 'drop', reason: 'announcement' });
  }
});
