import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32 } from './checksum.ts';
import { joinMessages, splitCompound } from './compound.ts';
import { deriveKey, nonceLength } from './encryption.ts';
import { decompressLzw } from './lzw.ts';
import { encodeMessage } from './message.ts';
import { encodeMap } from './msgpack.ts';
import { type Opening, openPacket, sealPacket } from './packet.ts';

const hex = (...parts: readonly string[]): Uint8Array => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
const key = deriveKey(Buffer.from('ABCDEFGHIJKLMNOPQRSTUV'));
const other = deriveKey(Buffer.from('VUTSRQPONMLKJIHGFEDCBA'));
const nonce = Uint8Array.from({ length: nonceLength }, (_, index) => index);
const clear: Opening = { keys: [], acceptsClear: true };
const locked: Opening = { keys: [key], acceptsClear: false };
const ack = (sequence: number): Uint8Array => encodeMessage({ type: 'ack', sequence });

describe('compression', () => {
  // `compressPayload` (v0.5.1) of 40 times "metallb ", without its msgpack; captured once.
  const captured = hex(
    '00db94a113860d1b3120041234885061c18309073e6c289161c485101d5ad498b162478c14415e9c3872a3c7902439a234',
    '295265c98f294fbe5c099365cc96325deaccc913a7cf9b406d0aad093120',
  );

  test('what the library compressed is decompressed', () => {
    expect(Buffer.from(decompressLzw(captured, 320)).toString()).toBe('metallb '.repeat(40));
    expect(() => decompressLzw(captured, 319)).toThrow('more than 319 octets');
    for (let n = 0; n < captured.length - 1; n++)
      expect(() => decompressLzw(captured.subarray(0, n), 320)).toThrow('cut off');
  });

  test.each([
    ['nothing', '00 03 02', ''], // clear code 256 and end code 257 in 9 bits each
    ['one octet', '00 83 04 04', '41'],
  ])('%s is decompressed', (_, octets, plain) => {
    expect(Buffer.from(decompressLzw(hex(octets), 100)).toString('hex')).toBe(plain);
  });

  test('more than the limit is refused', () => {
    expect(() => decompressLzw(hex('00 83 04 04'), 0)).toThrow('more than 0 octets');
  });

  test('random octets end in octets or in an error', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        const packet = Buffer.concat([
          encodeMap(
            [
              ['Algo', 0],
              ['Buf', octets],
            ],
            9,
          ),
        ]);
        expect(openPacket(packet, clear).messages.length).toBeLessThanOrEqual(1);
      }),
    ));

  test('a compressed message is read, and what is no message is a problem', () => {
    const wrap = (octets: Uint8Array): Uint8Array =>
      encodeMap(
        [
          ['Algo', 0],
          ['Buf', octets],
        ],
        9,
      );
    // A nack of sequence 5 in codes of 9 bits, by hand: clear, 0b, 81, a5, "SeqNo", 05, end.
    const codes = [256, 0x0b, 0x81, 0xa5, 0x53, 0x65, 0x71, 0x4e, 0x6f, 0x05, 257];
    const bits = codes.map((code) => code.toString(2).padStart(9, '0').split('').toReversed().join('')).join('');
    const octets = bits.match(/.{1,8}/g)!.map((octet) => Number.parseInt(octet.split('').toReversed().join(''), 2));
    expect(openPacket(wrap(Uint8Array.from(octets)), clear).messages).toEqual([{ type: 'nack', sequence: 5 }]);
    expect(openPacket(wrap(captured), clear)).toMatchObject({ messages: [], problem: { reason: 'malformed' } });
  });
});

describe('compound messages', () => {
  test('are written as the library writes them', () => {
    const octets = hex('07 02 0002 0003 0b01 020304'); // captured
    expect(Buffer.from(joinMessages([Uint8Array.of(11, 1), Uint8Array.of(2, 3, 4)])).equals(octets)).toBe(true);
    expect(splitCompound(octets)).toEqual([Buffer.of(11, 1), Buffer.of(2, 3, 4)]);
  });

  test('lose the parts that are cut off, and no others', () => {
    expect(splitCompound(hex('07 02 0002 0003 0b01 0203'))).toEqual([Buffer.of(11, 1)]);
  });
});

describe('a packet', () => {
  test('has the CRC-32 of IEEE 802.3', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf4_3926); // the check value of the catalogue of CRC algorithms
  });

  test.each([
    ['in clear', undefined, clear],
    ['encrypted', key, locked],
  ])('survives the way %s, with a checksum and without', (_, sending, opening) => {
    for (const hasChecksum of [false, true]) {
      const packet = sealPacket(joinMessages([ack(1), ack(2)]), hasChecksum, sending, nonce);
      expect(openPacket(packet, opening)).toEqual({
        messages: [
          { type: 'ack', sequence: 1 },
          { type: 'ack', sequence: 2 },
        ],
        problem: undefined,
      });
    }
  });

  test('with a wrong checksum is dropped', () => {
    const packet = sealPacket(ack(1), true, undefined, nonce);
    packet[4]! ^= 1;
    expect(openPacket(packet, clear)).toMatchObject({ messages: [], problem: { reason: 'checksum' } });
  });

  test('under another key, or in clear, is refused where there is a key', () => {
    expect(openPacket(sealPacket(ack(1), false, other, nonce), locked).problem?.reason).toBe('key');
    expect(openPacket(ack(1), locked).problem?.reason).toBe('key');
    expect(openPacket(ack(1), { keys: [key], acceptsClear: true }).messages).toHaveLength(1);
  });

  test('keeps its good parts when one is bad', () => {
    const { messages, problem } = openPacket(joinMessages([ack(1), Uint8Array.of(99), ack(3)]), clear);
    expect(messages).toHaveLength(2);
    expect(problem?.reason).toBe('malformed');
  });

  test('that holds itself again and again is given up', () => {
    let packet = ack(1);
    for (let depth = 0; depth < 6; depth++) packet = joinMessages([packet, ack(depth)]);
    const { messages, problem } = openPacket(packet, clear);
    expect(messages.map((message) => message.type === 'ack' && message.sequence)).toEqual([2, 3, 4, 5]);
    expect(problem?.detail).toBe('too much in one packet');
  });

  test('of random octets never throws', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        for (const opening of [clear, locked]) expect(openPacket(octets, opening).messages.length).toBeLessThan(1025);
      }),
    ));
});
