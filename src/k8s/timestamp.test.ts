import { expect, test } from 'vitest';
import { timestamp } from './timestamp.ts';

test('a time is written in whole seconds, whatever fraction it has', () => {
  expect(timestamp(Date.UTC(2026, 10, 21, 14, 20, 59, 999))).toBe('2026-11-21T14:20:59Z');
});
