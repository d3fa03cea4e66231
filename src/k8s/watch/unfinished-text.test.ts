import { expect, test } from 'vitest';
import { asBuffer, UnfinishedText } from './unfinished-text.ts';

test('a character may lie in two chunks', () => {
  const octets = new TextEncoder().encode('aé€b');
  for (let cut = 0; cut <= octets.length; cut++) {
    const text = new UnfinishedText();
    text.add(octets.subarray(0, cut));
    expect(text.complete(octets.subarray(cut))).toBe('aé€b');
  }
});

test('the next text begins empty', () => {
  const text = new UnfinishedText();
  text.add(Buffer.from('a'));
  expect([text.complete(Buffer.from('b')), text.complete(Buffer.from('c'))]).toEqual(['ab', 'c']);
});

test('a part of other octets is seen as a buffer without a copy', () => {
  const octets = Uint8Array.of(0x61, 0x62, 0x63);
  const buffer = asBuffer(octets.subarray(1));
  octets[1] = 0x78;
  expect(buffer.toString()).toBe('xc');
});
