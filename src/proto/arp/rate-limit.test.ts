import { expect, test } from 'vitest';
import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import { createRateLimit } from './rate-limit.ts';

const mac = (value: number): Mac => (0x02420a000000 + value) as Mac;
const passed = (count: number, ask: (turn: number) => boolean): number =>
  Array.from({ length: count }, (_, turn) => ask(turn)).filter(Boolean).length;

test('a host that asks 100,000 times a second is served, what it asks beyond that is not', () => {
  const within = createRateLimit(0x1234_5678);
  // One second, a request every 10 µs, and then 50,000 at once.
  expect(passed(100_000, (turn) => within(mac(1), millis(turn * 0.01)))).toBe(100_000);
  expect(passed(150_000, () => within(mac(1), millis(1000)))).toBe(100_000);
});

test('one source that asks too much takes nothing from another', () => {
  const within = createRateLimit(0x1234_5678);
  passed(150_000, () => within(mac(1), millis(0)));
  expect(within(mac(2), millis(0))).toBe(true);
});

test('invented sources share the limit of the interface, and a new second starts afresh', () => {
  const within = createRateLimit(0x1234_5678);
  expect(passed(300_000, (turn) => within(mac(turn), millis(0)))).toBe(200_000);
  expect(within(mac(1), millis(999))).toBe(false);
  expect(within(mac(1), millis(1000))).toBe(true);
});
