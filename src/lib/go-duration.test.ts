import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './go-duration.ts';
import { millis } from './time.ts';

test.each([
  ['300ms', 300],
  ['1m30s', 90_000],
  ['1.5h', 5_400_000],
  ['.5s', 500],
  ['-2s', -2000],
  ['+2s', 2000],
  ['0', 0],
  ['5us', 0.005],
  ['5µs', 0.005],
  ['1h2m3s4ms', 3_723_004],
])('the duration %s is %d ms', (text, wanted) => {
  expect(parseDuration(text)).toEqual({ ok: true, value: wanted });
});

test.each(['', '1', 's', '1 s', '1s2', '1x', '--1s', '1..5s', 'infinity', '3000000h'])('%j is no duration', (text) => {
  expect(parseDuration(text).ok).toBe(false);
});

test.each([
  [0, '0s'],
  [0.000001, '1ns'],
  [0.0015, '1.5µs'],
  [300, '300ms'],
  [2500, '2.5s'],
  [90_000, '1m30s'],
  [60_000, '1m0s'],
  [3_600_000, '1h0m0s'],
  [-3_723_004, '-1h2m3.004s'],
  [10_000 / 3, '3.333333333s'],
])('%d ms are written %s', (value, text) => expect(formatDuration(millis(value))).toBe(text));

test('what is written is read as the same duration', () =>
  fc.assert(
    fc.property(fc.integer({ min: -1e12, max: 1e12 }), (micros) => {
      const parsed = parseDuration(formatDuration(millis(micros / 1000)));
      expect(parsed.ok && Math.round(parsed.value * 1000)).toBe(micros);
    }),
  ));
