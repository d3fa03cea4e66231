import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clip } from './clip.ts';

test.each([
  ['short', 5, 'short'],
  ['longer', 5, 'lo…'],
  ['ääää', 8, 'ääää'],
  ['äääää', 8, 'ää…'],
  ['a😀😀', 8, 'a😀…'],
])('%s in %d octets is %s', (text, octets, expected) => expect(clip(text, octets)).toBe(expected));

test('what is cut is a beginning and never too long', () =>
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 3, max: 40 }), (text, octets) => {
      const clipped = clip(text, octets);
      expect(Buffer.byteLength(clipped)).toBeLessThanOrEqual(octets);
      expect(text.startsWith(clipped === text ? text : clipped.slice(0, -1))).toBe(true);
    }),
  ));
