import { beforeEach, expect, test } from 'vitest';
import { fakeClock, type FakeClock } from '../../test/support/fake-clock.ts';
import { millis, seconds } from '../lib/time.ts';
import { type AtRest, collectAtRest, shrinkHeap } from './collect-at-rest.ts';

let clock: FakeClock;
let collected: number;
let rest: AtRest;
const work = (pieces: number): void => {
  for (let piece = 0; piece < pieces; piece++) rest.worked();
};

beforeEach(() => {
  clock = fakeClock();
  collected = 0;
  rest = collectAtRest(clock, () => collected++);
});

test('much work is followed by one collection, two seconds after the last piece', () => {
  work(600);
  clock.advance(millis(1500));
  work(1);
  clock.advance(millis(1999));
  expect(collected).toBe(0);
  clock.advance(seconds(2));
  expect(collected).toBe(1);
  clock.advance(seconds(100));
  expect(collected).toBe(1);
});

test('little work is not worth a collection, and adds up', () => {
  work(499);
  clock.advance(seconds(100));
  expect(collected).toBe(0);
  work(1);
  clock.advance(seconds(100));
  expect(collected).toBe(1);
});

test('how much work is worth it can be said', () => {
  rest = collectAtRest(clock, () => collected++, 3);
  work(2);
  clock.advance(seconds(100));
  expect(collected).toBe(0);
  work(1);
  clock.advance(seconds(100));
  expect(collected).toBe(1);
});

test('work that never rests is not interrupted', () => {
  for (let second = 0; second < 60; second++) {
    work(100);
    clock.advance(seconds(1));
  }
  expect(collected).toBe(0);
});

test('nothing waits while there is no work', () => {
  expect(clock.pending()).toBe(0);
  work(1000);
  clock.advance(seconds(10));
  expect(clock.pending()).toBe(0);
});

test('the heap can be shrunk', () => {
  expect(shrinkHeap).not.toThrow();
});
