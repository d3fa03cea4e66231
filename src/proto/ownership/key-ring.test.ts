import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import { createKeyRing, type KeyRing } from './key-ring.ts';

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);
const hmac = (key: Uint8Array | Buffer, ...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((state, part) => state.update(part), createHmac('sha256', key)).digest();

const [a, b, c] = ['secret a', 'secret b', 'secret c'].map(octets) as [Uint8Array, Uint8Array, Uint8Array];
const message = octets('a message');

/** Which of the secrets a message is sealed with. */
const sealedWith = (ring: KeyRing, at: number): readonly string[] =>
  ring.seal(message, seconds(at)).map((packet) => {
    const name = Object.entries({ a, b, c }).find(([, secret]) => createKeyRing(secret).open(packet, seconds(0)).ok);
    return name?.[0] ?? 'none';
  });

/** Which of the secrets are accepted. */
const accepted = (ring: KeyRing, at: number): readonly string[] =>
  Object.entries({ a, b, c })
    .filter(([, secret]) => ring.open(createKeyRing(secret).seal(message, seconds(0))[0]!, seconds(at)).ok)
    .map(([name]) => name);

test('a sealed message is key id, message and HMAC-SHA-256 over both, with keys derived from the secret', () => {
  const id = hmac(a, 'metallb-ts beacon 1 id').subarray(0, 4);
  const key = hmac(a, 'metallb-ts beacon 1');
  const authenticator = hmac(key, id, message).subarray(0, 16);
  const [packet] = createKeyRing(a).seal(message, seconds(0));
  expect(packet!.toHex()).toBe(Buffer.concat([id, message, authenticator]).toString('hex'));
});

test('a message of any length and content survives seal and open', () => {
  const ring = createKeyRing(a);
  const other = createKeyRing(a.slice());
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 1380 }), (sent) => {
      const packets = ring.seal(sent, seconds(0));
      expect(packets.length).toBe(1);
      expect(other.open(packets[0]!, seconds(0))).toEqual({ ok: true, value: sent });
    }),
  );
});

test('a message is opened wherever in a larger buffer it lies', () => {
  const [packet] = createKeyRing(a).seal(message, seconds(0));
  const buffer = new Uint8Array(100).fill(0xee);
  buffer.set(packet!, 7);
  expect(createKeyRing(a).open(buffer.subarray(7, 7 + packet!.length), seconds(0))).toEqual({
    ok: true,
    value: message,
  });
});

test('a change of any octet is noticed', () => {
  const ring = createKeyRing(a);
  const [packet] = ring.seal(message, seconds(0));
  for (let at = 0; at < packet!.length; at++) {
    const changed = packet!.slice();
    changed[at]! ^= 1;
    expect(ring.open(changed, seconds(0))).toEqual({ ok: false, error: at < 4 ? 'unknownKey' : 'forged' });
  }
});

test('octets that are too few or too many for a message are refused', () => {
  const ring = createKeyRing(a);
  const [longest] = ring.seal(new Uint8Array(1380), seconds(0));
  expect(longest!.length).toBe(1400);
  const lengths = [0, 3, 4, 19, 20, 1401];
  for (const length of lengths)
    expect(ring.open(new Uint8Array(length), seconds(0)), `${length}`).toEqual({ ok: false, error: 'malformed' });
  const [packet] = ring.seal(message, seconds(0));
  for (let length = 21; length < packet!.length; length++)
    expect(ring.open(packet!.subarray(0, length), seconds(0))).toEqual({ ok: false, error: 'forged' });
});

test('a new key is accepted at once, used beside the old for three minutes, and alone after ten', () => {
  const ring = createKeyRing(a);
  expect([sealedWith(ring, 0), accepted(ring, 0)]).toEqual([['a'], ['a']]);
  expect(ring.replace(b, seconds(100))).toBe(true);
  expect([sealedWith(ring, 100), accepted(ring, 100)]).toEqual([
    ['b', 'a'],
    ['a', 'b'],
  ]);
  expect([sealedWith(ring, 279.999), accepted(ring, 279.999)]).toEqual([
    ['b', 'a'],
    ['a', 'b'],
  ]);
  expect([sealedWith(ring, 280), accepted(ring, 699.999)]).toEqual([['b'], ['a', 'b']]);
  expect([sealedWith(ring, 700), accepted(ring, 700)]).toEqual([['b'], ['b']]);
});

test('the secret in use again, or an empty one, changes nothing', () => {
  const ring = createKeyRing(a);
  expect(ring.replace(a.slice(), seconds(0))).toBe(false);
  expect(ring.replace(new Uint8Array(), seconds(0))).toBe(false);
  expect([sealedWith(ring, 1), accepted(ring, 1)]).toEqual([['a'], ['a']]);
  expect(() => createKeyRing(new Uint8Array())).toThrow('an empty secret is no key');
});

test('of keys that follow each other quickly, the one that all have and the newest are used', () => {
  const ring = createKeyRing(a);
  ring.replace(b, seconds(0));
  ring.replace(c, seconds(60));
  expect([sealedWith(ring, 60), accepted(ring, 60)]).toEqual([
    ['c', 'a'],
    ['a', 'b', 'c'],
  ]);
  expect(sealedWith(ring, 180)).toEqual(['c', 'b']);
  expect(sealedWith(ring, 240)).toEqual(['c']);
  expect(accepted(ring, 599)).toEqual(['a', 'b', 'c']);
  expect(accepted(ring, 600)).toEqual(['b', 'c']);
  expect(accepted(ring, 660)).toEqual(['c']);
});

test('a key that comes back is known to all already', () => {
  const ring = createKeyRing(a);
  ring.replace(b, seconds(0));
  ring.replace(a, seconds(10));
  expect([sealedWith(ring, 10), accepted(ring, 10)]).toEqual([['a'], ['a', 'b']]);
  expect(accepted(ring, 610)).toEqual(['a']);
  expect(accepted(ring, 1e6)).toEqual(['a']);
});

test('a secret that changes all the time leaves four keys', () => {
  const ring = createKeyRing(a);
  for (let at = 1; at <= 10; at++) ring.replace(octets(`secret ${at}`), seconds(at));
  const isAccepted = (secret: string): boolean =>
    ring.open(createKeyRing(octets(secret)).seal(message, seconds(0))[0]!, seconds(10)).ok;
  expect([6, 7, 10].map((at) => isAccepted(`secret ${at}`))).toEqual([false, true, true]);
  expect(ring.seal(message, seconds(10)).length).toBe(1);
});
