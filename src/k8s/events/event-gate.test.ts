import { expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { millis, type Millis, seconds } from '../../lib/time.ts';
import { eventGate } from './event-gate.ts';

test('events wait for a quiet moment, in order', () => {
  const clock = fakeClock();
  let busyUntil: Millis = millis(0);
  const told: number[] = [];
  const gate = eventGate({ clock, busyUntil: () => busyUntil });
  gate.pass(() => told.push(1));
  clock.advance(millis(30));
  busyUntil = clock.now();
  gate.pass(() => told.push(2));
  clock.advance(millis(49));
  expect(told).toEqual([]);
  clock.advance(millis(1));
  expect(told).toEqual([1, 2]);
  expect(clock.pending()).toBe(0);
});

test('writes that never end hold them back for 5 s and no longer', () => {
  const clock = fakeClock();
  const told: number[] = [];
  const gate = eventGate({ clock, busyUntil: () => clock.now() });
  clock.advance(seconds(10));
  gate.pass(() => told.push(1));
  clock.advance(millis(4_999));
  expect(told).toEqual([]);
  clock.advance(millis(1));
  expect(told).toEqual([1]);
});

test('no more than 1,000 are held back', () => {
  const clock = fakeClock();
  const told: number[] = [];
  const gate = eventGate({ clock, busyUntil: () => clock.now() });
  for (let i = 0; i < 999; i++) gate.pass(() => told.push(i));
  expect(told).toEqual([]);
  for (let i = 999; i < 1500; i++) gate.pass(() => told.push(i));
  expect(told).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  clock.advance(seconds(5));
  expect(told).toEqual(Array.from({ length: 1500 }, (_, i) => i));
});

test('at the end all are let through at once', () => {
  const clock = fakeClock();
  const told: number[] = [];
  const gate = eventGate({ clock, busyUntil: () => clock.now() });
  gate.pass(() => told.push(1));
  gate.open();
  clock.advance(seconds(10));
  expect(told).toEqual([1]);
});
