import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { broadcastMac, type Mac, zeroMac } from '../../lib/mac.ts';
import { ipv6At } from './address.ts';
import { unsolicitedAdvertisement } from './announcement.ts';
import { decodeNdpFrame, encodeNdpFrame, linkLayerOption, type NdpFrame, ndpFrameLength } from './packet.ts';
import { answeredSource, answerNdp, type NdpDropReason, type NdpTable } from './responder.ts';

const ours = 0xfe420a000001 as Mac;
const client = 0x02420a000002 as Mac;
const stranger = 0x02420a000003 as Mac;
const group = 0x3333ff000007 as Mac;
const address = '2001:db8::7' as Ip;
const other = '2001:db8::8' as Ip;
const clientIp = 'fe80::c' as Ip;
const table: NdpTable = { mac: ours, has: (frame, at) => ipv6At(frame, at) === address };

const solicitation: NdpFrame = {
  destination: group,
  source: client,
  sourceIp: clientIp,
  destinationIp: 'ff02::1:ff00:7' as Ip,
  packet: { type: 'solicitation', target: address, options: [linkLayerOption(1, client)] },
};
const probe: NdpFrame = { ...solicitation, sourceIp: '::' as Ip, packet: { ...solicitation.packet, options: [] } };
const advertisement: NdpFrame = {
  destination: client,
  source: ours,
  sourceIp: address,
  destinationIp: clientIp,
  packet: {
    type: 'advertisement',
    target: address,
    isRouter: false,
    isSolicited: true,
    isOverride: true,
    options: [linkLayerOption(2, ours)],
  },
};

/** What becomes of a frame in a receive buffer that is larger than the frame, as it is in life. */
const answerOctets = (octets: Uint8Array): NdpDropReason | NdpFrame => {
  const buffer = new Uint8Array(192).fill(0xee);
  buffer.set(octets);
  const view = new DataView(buffer.buffer);
  const verdict = answerNdp(view, octets.length, table);
  if (verdict !== 'reply') {
    expect(buffer.subarray(0, octets.length)).toEqual(octets); // what is dropped stays as it was
    return verdict;
  }
  const frame = decodeNdpFrame(buffer.subarray(0, ndpFrameLength));
  if (!frame.ok) throw frame.error;
  expect(answeredSource(view)).toBe(frame.value.destination);
  return frame.value;
};
const answer = (frame: NdpFrame): NdpDropReason | NdpFrame => answerOctets(encodeNdpFrame(frame));

test('a multicast solicitation is answered to its sender, solicited and overriding', () => {
  expect(answer(solicitation)).toEqual(advertisement);
});

test('a unicast probe of a neighbour that knows us is answered', () => {
  expect(answer({ ...solicitation, destination: ours, destinationIp: address })).toEqual(advertisement);
});

test('a solicitation without a link-layer address is answered at the MAC that sent the frame', () => {
  expect(answer({ ...solicitation, packet: { ...solicitation.packet, options: [] } })).toEqual(advertisement);
});

test('a link-layer address of somebody else does not divert the answer', () => {
  const packet = { ...solicitation.packet, options: [linkLayerOption(1, stranger)] };
  expect(answer({ ...solicitation, packet })).toEqual(advertisement);
});

test('duplicate address detection is answered to all nodes, unsolicited', () => {
  expect(answer(probe)).toEqual(unsolicitedAdvertisement(ours, address));
});

test('options that nobody knows are passed over', () => {
  const nonce = { type: 14, value: Uint8Array.of(1, 2, 3, 4, 5, 6) };
  const options = [nonce, linkLayerOption(1, client), { type: 253, value: new Uint8Array(22) }];
  expect(answer({ ...solicitation, packet: { ...solicitation.packet, options } })).toEqual(advertisement);
  expect(answer({ ...probe, packet: { ...probe.packet, options: [nonce] } })).not.toBeTypeOf('string');
});

test('traffic class and flow label of the question do not come back', () => {
  const octets = encodeNdpFrame(solicitation);
  octets.set([0x6a, 0xbc, 0xde, 0xf0], 14);
  expect(answerOctets(octets)).toEqual(advertisement);
  const view = new DataView(octets.buffer);
  const memory = new DataView(new ArrayBuffer(192));
  for (let at = 0; at < octets.length; at++) memory.setUint8(at, view.getUint8(at));
  answerNdp(memory, octets.length, table);
  expect(memory.getUint32(14)).toBe(0x6000_0000);
});

const rows: readonly (readonly [string, NdpDropReason, Partial<NdpFrame>])[] = [
  ['from our own interface', 'ownFrame', { source: ours }],
  ['from a group address', 'source', { source: group }],
  ['from no address', 'source', { source: zeroMac }],
  ['from a multicast address', 'source', { sourceIp: 'ff02::1' as Ip }],
  ['to another host', 'ethernetDestination', { destination: stranger }],
  ['to everybody on Ethernet', 'ethernetDestination', { destination: broadcastMac }],
  ['for an address of somebody else', 'targetAddress', { packet: { ...solicitation.packet, target: other } }],
  ['that is an advertisement', 'messageType', { packet: advertisement.packet }],
];

test.each(rows)('a frame %s is dropped: %s', (_, reason, change) => {
  expect(answer({ ...solicitation, ...change })).toBe(reason);
});

test('a solicitation that has come through a router is dropped', () => {
  const octets = encodeNdpFrame(solicitation);
  octets[21] = 254;
  expect(answerOctets(octets)).toBe('hopLimit');
});

test('a solicitation with a wrong checksum is dropped', () => {
  const octets = encodeNdpFrame(solicitation);
  octets[57]! ^= 1;
  expect(answerOctets(octets)).toBe('checksum');
});

/** The same decision on decoded values, as one would write it without minding what it costs. */
const naiveAnswer = (octets: Uint8Array): 'drop' | NdpFrame => {
  const decoded = decodeNdpFrame(octets);
  if (!decoded.ok || decoded.value.packet.type !== 'solicitation') return 'drop';
  const { destination, source, sourceIp, packet } = decoded.value;
  const text = (mac: Mac): string => mac.toString(16).padStart(12, '0');
  if (source === ours || source === zeroMac || /^.[13579bdf]/.test(text(source)) || sourceIp.startsWith('ff'))
    return 'drop';
  if (destination !== ours && !text(destination).startsWith('3333')) return 'drop';
  if (packet.target !== address) return 'drop';
  if (sourceIp === '::') return unsolicitedAdvertisement(ours, address);
  return { ...advertisement, destination: source, destinationIp: sourceIp };
};

const outcome = (octets: Uint8Array): 'drop' | NdpFrame => {
  const result = answerOctets(octets);
  return typeof result === 'string' ? 'drop' : result;
};

test('the answer in place is the answer that follows from the decoded frame, for frames of every kind', () => {
  const mac = fc.constantFrom(ours, client, client, stranger, group, zeroMac, broadcastMac);
  const ip = fc.constantFrom('::', clientIp, '2001:db8::c', 'ff02::1') as fc.Arbitrary<Ip>;
  const target = fc.constantFrom(address, address, other);
  const options = fc.subarray([linkLayerOption(1, client), linkLayerOption(14, stranger)]);
  const frame = fc.record({
    destination: fc.constantFrom(ours, group, stranger, broadcastMac),
    source: mac,
    sourceIp: ip,
    destinationIp: fc.constantFrom('ff02::1:ff00:7', address, 'ff02::1') as fc.Arbitrary<Ip>,
    packet: fc.record({ type: fc.constant('solicitation' as const), target, options }),
  });
  fc.assert(
    fc.property(frame.map(encodeNdpFrame), (octets) => {
      expect(outcome(octets)).toEqual(naiveAnswer(octets));
    }),
    { numRuns: 3000 },
  );
});

test('the answer in place is the answer that follows from the decoded frame, for broken frames', () => {
  const change = fc.tuple(fc.nat(85), fc.nat(255));
  const broken = fc
    .tuple(
      fc.constantFrom(solicitation, probe).map(encodeNdpFrame),
      fc.array(change, { maxLength: 2 }),
      fc.integer({ min: 60, max: 86 }),
    )
    .map(([octets, changes, length]) => {
      const bytes = octets.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes.slice(0, length);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 120 }), broken), (octets) => {
      expect(outcome(octets)).toEqual(naiveAnswer(octets));
    }),
    { numRuns: 3000 },
  );
});
