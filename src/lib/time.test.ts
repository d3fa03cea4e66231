import { expect, test } from 'vitest';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { millis, seconds, sleep, untilAborted, within } from './time.ts';

test('sleep ends when its time is over', async () => {
  const clock = fakeClock();
  let isOver = false;
  void sleep(clock, seconds(1), new AbortController().signal).then(() => (isOver = true));
  await clock.advanceAsync(millis(999));
  expect(isOver).toBe(false);
  await clock.advanceAsync(millis(1));
  expect(isOver).toBe(true);
});

test('sleep ends at once when the signal aborts, and leaves no timer', async () => {
  const clock = fakeClock();
  const ending = new AbortController();
  const sleeping = sleep(clock, seconds(1), ending.signal);
  ending.abort();
  await sleeping;
  expect(clock.pending()).toBe(0);
  await sleep(clock, seconds(1), ending.signal);
  expect(clock.pending()).toBe(0);
});

test('timers of the fake clock go off in the order they are due, and at their time', () => {
  const clock = fakeClock();
  const seen: (readonly [string, number])[] = [];
  const arm = (name: string, delay: number): (() => void) =>
    clock.after(millis(delay), () => seen.push([name, clock.now()]));
  arm('b', 20);
  arm('a', 10);
  arm('c', 20);
  arm('never', 15)();
  clock.after(millis(10), () => arm('d', 5));
  clock.advance(millis(30));
  expect(seen).toEqual([
    ['a', 10],
    ['d', 15],
    ['b', 20],
    ['c', 20],
  ]);
  expect(clock.now()).toBe(30);
});

test('a wait for the end is over when the signal aborts, and at once after that', async () => {
  const ending = new AbortController();
  let isOver = false;
  const waiting = untilAborted(ending.signal).then(() => (isOver = true));
  await Promise.resolve();
  expect(isOver).toBe(false);
  ending.abort();
  await waiting;
  await untilAborted(ending.signal);
});

test('what takes longer than its limit is left behind', async () => {
  const clock = fakeClock();
  let isOver = false;
  void within(clock, seconds(2), new Promise(() => {})).then(() => (isOver = true));
  await clock.advanceAsync(millis(1999));
  expect(isOver).toBe(false);
  await clock.advanceAsync(millis(1));
  expect(isOver).toBe(true);
});

test('what ends within its limit leaves no timer, whether it succeeds or fails', async () => {
  const clock = fakeClock();
  await within(clock, seconds(2), Promise.resolve());
  await expect(within(clock, seconds(2), Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(clock.pending()).toBe(0);
});
