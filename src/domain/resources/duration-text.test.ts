import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDuration } from '../../lib/go-duration.ts';
import { durationPattern } from './duration-text.ts';

const number = fc.constantFrom('0', '1', '90', '1.5', '.5', '1.', '.', '');
const unit = fc.constantFrom('ns', 'us', '\u00b5s', '\u03bcs', 'ms', 's', 'm', 'h', '', ' s', 'd');
const parts = fc.array(
  fc.tuple(number, unit).map((pair) => pair.join('')),
  { minLength: 1, maxLength: 3 },
);
const sign = fc.constantFrom('', '', '+', '-', '++');
const text = fc.oneof(
  fc.tuple(sign, parts).map(([first, rest]) => first + rest.join('')),
  fc.string({ maxLength: 5 }),
);

test('the API server accepts the durations that are read, apart from negative ones', () => {
  fc.assert(
    fc.property(text, (duration) => {
      const isRead = parseDuration(duration).ok && !duration.startsWith('-');
      expect([duration, new RegExp(durationPattern).test(duration)]).toEqual([duration, isRead]);
    }),
    { numRuns: 5000 },
  );
});
