import { expect, test } from 'vitest';
import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import { createRateLimit } from './rate-limit.ts';

const mac = (value: number): Mac => (0x02420a000000 + value) as Mac;
const passed = (count: number, ask: (turn: number) => boolean): number =>
  Array.from({ length: count }, (_, turn) => ask(turn)).filter(Boolean).length;

test('a host that asks 50,000 times a second is served, and twice that where nobody else asks', () => {
  const within = createRateLimit(0x1234_5678);
  // One second, a request every 20 µs, and in the next one as many as there can be.
  expect(passed(50_000, (turn) => within(mac(1), millis(turn * 0.02)))).toBe(50_000);
  expect(passed(300_000, () => within(mac(1), millis(1000)))).toBe(100_000);
});

test('one source that asks too much takes nothing from another', () => {
  const within = createRateLimit(0x1234_5678);
  passed(300_000, () => within(mac(1), millis(0)));
  expect(passed(60_000, () => within(mac(2), millis(500)))).toBe(50_000);
});

test('invented sources share the limit of the interface, and a new second starts afresh', () => {
  const within = createRateLimit(0x1234_5678);
  expect(passed(300_000, (turn) => within(mac(turn), millis(0)))).toBe(200_000);
  expect(within(mac(1), millis(999))).toBe(false);
  expect(passed(300_000, () => within(mac(1), millis(1000)))).toBe(100_000);
});
