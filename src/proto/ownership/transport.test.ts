import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runBpf } from '../../../test/support/bpf-interpreter.ts';
import type { Mac } from '../../lib/mac.ts';
import { beaconFrameFilter, beaconFrameMessage, beaconGroupMac, encodeBeaconFrame } from './transport.ts';

const source = 0x02420a000001 as Mac;
const message = Uint8Array.of(0xde, 0xad, 0xbe);
const frame = encodeBeaconFrame(beaconGroupMac, source, message);
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

test('a frame is written octet by octet', () => {
  expect(frame.toHex()).toBe('333380001f0b' + '02420a000001' + '88b5' + '0003' + 'deadbe');
});

test('a message comes back from its frame, whatever a driver pads it with', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1400 }), fc.nat(60), (octets, padding) => {
      const padded = new Uint8Array(16 + octets.length + padding).fill(0xee);
      padded.set(encodeBeaconFrame(source, source, octets));
      expect(beaconFrameMessage(viewOf(padded), padded.length)).toEqual(octets);
    }),
  );
});

test('every truncation of a frame has no message', () => {
  const view = viewOf(frame);
  for (let length = 0; length < frame.length; length++)
    expect(beaconFrameMessage(view, length), `${length} octets`).toBeUndefined();
});

test('frames to the interface itself pass, not those of its VLANs, to other hosts or of our own', () => {
  const passes = (packetType: number, interfaceIndex: number): boolean =>
    runBpf(beaconFrameFilter(2), frame, { packetType, interfaceIndex }) >= frame.length;
  expect([0, 1, 2, 3, 4].map((type) => passes(type, 2))).toEqual([true, true, true, false, false]);
  expect(passes(2, 3)).toBe(false);
});
