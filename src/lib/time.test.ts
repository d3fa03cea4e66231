import { expect, test } from 'vitest';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { millis, seconds, sleep } from './time.ts';

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
