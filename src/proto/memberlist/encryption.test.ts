import { describe, expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import {
  acceptedKeys,
  deriveKey,
  keyRing,
  type MemberlistKey,
  nonceLength,
  open,
  seal,
  sendingKey,
  withKey,
} from './encryption.ts';
import { encodeMessage } from './message.ts';

const hex = (...parts: readonly string[]): Uint8Array => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
const key = deriveKey(Buffer.from('ABCDEFGHIJKLMNOPQRSTUV'));
const other = deriveKey(Buffer.from('VUTSRQPONMLKJIHGFEDCBA'));
const nonce = Uint8Array.from({ length: nonceLength }, (_, index) => index);
const ack = (sequence: number): Uint8Array => encodeMessage({ type: 'ack', sequence });

describe('encryption', () => {
  test('the key is the secret followed by the hash of nothing, not a hash of the secret', () => {
    const text = '4142434445464748494a4b4c4d4e4f50515253545556 e3b0c44298fc1c149afb';
    expect(key.export()).toEqual(Buffer.from(hex(text)));
  });

  test('a secret of 32 octets or more gives its first 32, a blank at the end included', () => {
    expect(deriveKey(Buffer.from('0123456789abcdef0123456789abcdefgh')).export().toString()).toBe(
      '0123456789abcdef0123456789abcdef',
    );
    expect(deriveKey(Buffer.from('short\n')).export().subarray(0, 7)).toEqual(Buffer.from('short\n\xe3', 'latin1'));
  });

  test('what the library encrypted is opened', () => {
    // Captured from the library (v0.5.1) with the key above: version 1, and version 0 with additional data.
    const newer = hex('01 cb8c440ba9a43a283758a152 e200 cf67b7ec5d164e8b1a73b36b22614dda');
    const older = hex('00 93ba8e7f88ccaba544b4037b 7a76eb6d441472b97213e8e82b9c93f2 0326fb7dd9193c4002e57bb9a3c34841');
    expect(open([key], newer)).toEqual(Buffer.from([2, 0x81]));
    expect(open([other, key], older, hex('0a 0000002d'))).toEqual(Buffer.from([2, 0x81]));
  });

  test('another key, another header, a changed octet and every truncation are refused', () => {
    const sealed = seal(key, ack(7), nonce, Uint8Array.of(10));
    expect(open([key], sealed, Uint8Array.of(10))).toEqual(Buffer.from(ack(7)));
    expect(open([other], sealed, Uint8Array.of(10))).toBeUndefined();
    expect(open([key], sealed)).toBeUndefined();
    for (let n = 0; n < sealed.length; n++) {
      expect(open([key], sealed.subarray(0, n), Uint8Array.of(10)), `${n} octets`).toBeUndefined();
      const broken = Uint8Array.from(sealed);
      broken[n]! ^= 0x41;
      expect(open([key], broken, Uint8Array.of(10)), `octet ${n} changed`).toBeUndefined();
    }
  });
});

describe('a key ring', () => {
  test('a new key is accepted at once, sent with after 3 minutes, and alone after 10', () => {
    const [first, second] = ['first', 'second'].map((secret) => deriveKey(Buffer.from(secret))) as [
      MemberlistKey,
      MemberlistKey,
    ];
    const ring = withKey(keyRing(first), second, seconds(100));
    const state = (at: number) => {
      const { keys, acceptsClear } = acceptedKeys(ring, seconds(at));
      return [
        sendingKey(ring, seconds(at)) === first ? 1 : 2,
        keys.map((key) => (key === first ? 1 : 2)),
        acceptsClear,
      ];
    };
    expect([100, 279, 280, 699, 700].map(state)).toEqual([
      [1, [2, 1], false],
      [1, [2, 1], false],
      [2, [2, 1], false],
      [2, [2, 1], false],
      [2, [2], false],
    ]);
    expect(withKey(ring, deriveKey(Buffer.from('second')), seconds(200))).toBe(ring);
  });

  test('where nothing was encrypted, clear text is accepted for 10 minutes after the first key', () => {
    const key = deriveKey(Buffer.from('first'));
    const ring = withKey(keyRing(undefined), key, seconds(0));
    expect([sendingKey(ring, seconds(1)), sendingKey(ring, seconds(180))]).toEqual([undefined, key]);
    expect([599, 600].map((at) => acceptedKeys(ring, seconds(at)).acceptsClear)).toEqual([true, false]);
  });

  test('of keys that change again and again, the last few are kept', () => {
    let ring = keyRing(deriveKey(Buffer.from('0')));
    for (let i = 1; i <= 20; i++) ring = withKey(ring, deriveKey(Buffer.from(`${i}`)), seconds(i));
    expect(acceptedKeys(ring, seconds(21)).keys).toHaveLength(4);
  });
});
