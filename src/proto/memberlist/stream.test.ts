import { describe, expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { deriveKey, encryptionOverhead, nonceLength } from './encryption.ts';
import { limits, ownVersions } from './iana.ts';
import { encodeMessage, encodePushPull, type NodeState } from './message.ts';
import { encodeMap } from './msgpack.ts';
import type { Opening } from './packet.ts';
import { createStreamFramer, openStream, sealStream } from './stream.ts';

const key = deriveKey(Buffer.from('ABCDEFGHIJKLMNOPQRSTUV'));
const nonce = new Uint8Array(nonceLength);
const clear: Opening = { keys: [], acceptsClear: true };
const locked: Opening = { keys: [key], acceptsClear: false };

const nodes = Array.from({ length: 20 }, (_, index): NodeState => ({
  node: `n${index}`,
  address: `10.0.0.${index}` as Ip,
  port: 7946,
  meta: Uint8Array.of(index),
  incarnation: index,
  state: 'alive',
  versions: ownVersions,
}));
const pushPull = encodePushPull({ type: 'pushPull', isJoin: false, nodes });

/** Feeds octets in chunks of `size`; gives the message and how many octets it took. */
const feed = (octets: Uint8Array, size: number, acceptsClear: boolean): { message: Uint8Array; taken: number } => {
  const framer = createStreamFramer(acceptsClear);
  for (let at = 0; at < octets.length; at += size) {
    const step = framer.push(octets.subarray(at, at + size));
    if (!step.ok) throw step.error;
    if (step.value !== undefined) return { message: step.value, taken: at + size };
  }
  throw new Error('no whole message');
};

describe('a stream', () => {
  const messages = [
    ['a push/pull in clear', pushPull, true],
    ['an encrypted push/pull', sealStream(pushPull, key, nonce), false],
    ['a ping', encodeMessage({ type: 'ping', sequence: 7, node: 'n2', source: undefined }), true],
    ['an empty push/pull', encodePushPull({ type: 'pushPull', isJoin: true, nodes: [] }), true],
  ] as const;

  test.each(messages)('gives %s once its last octet is there, however it is cut', (_, octets, acceptsClear) => {
    const followed = Buffer.concat([octets, Buffer.from('more')]);
    for (const size of [1, 2, 3, 7, 64, octets.length, followed.length]) {
      const { message, taken } = feed(followed, size, acceptsClear);
      expect(Buffer.from(message).equals(octets), `chunks of ${size}`).toBe(true);
      expect(taken - octets.length, `chunks of ${size}`).toBeLessThan(size);
    }
  });

  test('gives nothing while one octet is missing', () => {
    for (const [name, octets, acceptsClear] of messages) {
      expect(() => feed(octets.subarray(0, -1), 5, acceptsClear), name).toThrow('no whole message');
    }
  });

  test('waits for the state of the application that a push/pull announces', () => {
    const header = encodeMap(
      [
        ['Join', true],
        ['Nodes', 0],
        ['UserStateLen', 3],
      ],
      6,
    );
    expect(() => feed(Buffer.concat([header, Buffer.of(1, 2)]), 1, true)).toThrow('no whole message');
    expect(feed(Buffer.concat([header, Buffer.of(1, 2, 3)]), 1, true).message).toHaveLength(header.length + 3);
  });

  test('is given up when its message is too long, before that is there', () => {
    const tooLong = Buffer.from([10, 0, 0, 0, 0]);
    tooLong.writeUInt32BE(limits.stream, 1);
    expect(() => feed(tooLong, 5, false)).toThrow(`more than ${limits.stream} octets`);
    expect(() => feed(Buffer.of(6, 0x83, 0xc1), 1, true)).toThrow('no msgpack');
  });

  test('of ours is read back, encrypted and in clear', () => {
    for (const [sealed, opening] of [
      [sealStream(pushPull, undefined, nonce), clear],
      [sealStream(pushPull, key, nonce), locked],
    ] as const) {
      expect(openStream(sealed, opening)).toEqual({
        ok: true,
        value: { type: 'pushPull', isJoin: false, nodes },
      });
    }
  });

  test('has the type and the length in front, which are authenticated', () => {
    const sealed = sealStream(pushPull, key, nonce);
    expect([sealed[0], Buffer.from(sealed).readUInt32BE(1)]).toEqual([10, pushPull.length + encryptionOverhead]);
    const broken = Uint8Array.from(sealed);
    broken[4]! ^= 1;
    expect(openStream(broken, locked)).toEqual({ ok: false, error: 'No installed keys could decrypt the message' });
  });

  test('is refused in the words of the library when one side encrypts and the other does not', () => {
    expect(openStream(feed(pushPull, 1, false).message, locked)).toEqual({
      ok: false,
      error: 'Encryption is configured but remote state is not encrypted',
    });
    expect(openStream(sealStream(pushPull, key, nonce), clear)).toEqual({
      ok: false,
      error: 'Remote state is encrypted and encryption is not configured',
    });
  });

  test('may be compressed', () => {
    // LZW by hand, in codes of 9 bits: clear 256, a nack's octets 0d 81 a5 "Error" a1 "x", end 257.
    const codes = [256, 0x0d, 0x81, 0xa5, 0x45, 0x72, 0x72, 0x6f, 0x72, 0xa1, 0x78, 257];
    const bits = codes.map((code) => code.toString(2).padStart(9, '0').split('').toReversed().join('')).join('');
    const octets = bits.match(/.{1,8}/g)!.map((octet) => Number.parseInt(octet.split('').toReversed().join(''), 2));
    const compressed = encodeMap(
      [
        ['Algo', 0],
        ['Buf', Uint8Array.from(octets)],
      ],
      9,
    );
    expect(openStream(feed(compressed, 1, true).message, clear)).toEqual({
      ok: true,
      value: { type: 'error', text: 'x' },
    });
  });
});
