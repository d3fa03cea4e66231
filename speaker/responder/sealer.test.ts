import { expect, test } from 'vitest';
import { millis, seconds } from '../../src/lib/time.ts';
import type { OwnershipMessage } from '../../src/proto/ownership/message.ts';
import { createSealer } from './sealer.ts';

const at = millis(0);
const key = (text: string): Uint8Array => new TextEncoder().encode(text);
const message: OwnershipMessage = { node: 'n1', epoch: 7n, sequence: 1, type: 'challenge', nonce: 9n };

test('what one speaker seals, another with the same key opens', () => {
  const [datagram] = createSealer(key('secret')).seal(message, at);
  expect(createSealer(key('secret')).open(datagram!, at)).toEqual(message);
});

test('another key is unknown; what was changed or is no message is bad', () => {
  const sealer = createSealer(key('secret'));
  const datagram = sealer.seal(message, at)[0]!;
  expect(createSealer(key('another')).open(datagram, at)).toBe('unknownKey');
  expect(sealer.open(datagram.slice(0, -1), at)).toBe('bad');
  expect(
    sealer.open(
      datagram.map((octet, index) => (index === 10 ? octet ^ 1 : octet)),
      at,
    ),
  ).toBe('bad');
  expect(sealer.open(Uint8Array.of(), at)).toBe('bad');
});

test('a new key is taken beside the old one, and messages go out under both until all have it', () => {
  const sealer = createSealer(key('old'));
  sealer.replaceKey(key('new'), at);
  const opened = (secret: string, now = at) =>
    sealer.seal(message, now).map((datagram) => createSealer(key(secret)).open(datagram, at));
  expect([opened('old'), opened('new')].map((all) => all.filter((each) => each !== 'unknownKey').length)).toEqual([
    1, 1,
  ]);
  expect(opened('new', seconds(180))).toEqual([message]);
});
