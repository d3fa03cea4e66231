import { expect, test } from 'vitest';
import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import { createRateLimit } from './rate-limit.ts';

const mac = (value: number): Mac => (0x02420a000000 + value) as Mac;
const passed = (count: number, ask: (turn: number) => boolean): number =>
  Array.from({ length: count }, (_, turn) => ask(turn)).filter(Boolean).length;

test('a host that asks 50,000 times a second is served, what it asks beyond that is not', () => {
  const within = createRateLimit(0x1234_5678);
  // One second, a request every 20 µs.
  expect(passed(50_000, (turn) => within(mac(1), millis(turn * 0.02)))).toBe(50_000);
  expect(passed(20_000, () => within(mac(1), millis(1000)))).toBe(5000);
});

test('one source that asks too much takes nothing from another', () => {
  const within = createRateLimit(0x1234_5678);
  passed(20_000, () => within(mac(1), millis(0)));
  expect(within(mac(2), millis(0))).toBe(true);
});

test('invented sources share the limit of the interface, and a new window starts afresh', () => {
  const within = createRateLimit(0x1234_5678);
  expect(passed(200_000, (turn) => within(mac(turn), millis(0)))).toBe(10_000);
  expect(within(mac(1), millis(99))).toBe(false);
  expect(within(mac(1), millis(100))).toBe(true);
});
