import { expect, test } from 'vitest';
import { millis, seconds } from '../src/lib/time.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import { repetitionBrake } from './repetition-brake.ts';

const rig = () => {
  const clock = fakeClock();
  const quarrels: (readonly string[])[] = [];
  const brake = repetitionBrake(clock);
  const a = { object: 'a', content: '1' };
  const b = { object: 'b', content: '1' };
  /** How long the writes have to wait; 0: they are made. */
  const write = (...writes: (typeof a)[]): number => {
    const begun = brake.begin(writes);
    if (begun.quarrels.length > 0) quarrels.push(begun.quarrels);
    if (begun.wait === 0) brake.count(writes);
    return begun.wait;
  };
  return { clock, quarrels, a, b, write, brake };
};

test('the same is written three times at once, then every 5 s, and that is told once', () => {
  const { clock, quarrels, a, write } = rig();
  expect([write(a), write(a), write(a), write(a)]).toEqual([0, 0, 0, 5000]);
  clock.advance(seconds(2));
  expect(write(a)).toBe(3000);
  clock.advance(seconds(3));
  expect([write(a), write(a)]).toEqual([0, 5000]);
  expect(quarrels).toEqual([['a']]);
});

test('something else is written at once', () => {
  const { quarrels, a, write } = rig();
  for (let i = 0; i < 3; i++) write(a);
  expect(write({ ...a, content: '2' })).toBe(0);
  expect(quarrels).toEqual([]);
});

test('each object is counted by itself, with whatever else it is written', () => {
  const { quarrels, a, b, write } = rig();
  expect([write(a), write(a, b), write(a, b)]).toEqual([0, 0, 0]);
  expect(write(b)).toBe(0);
  expect(write(b, a)).toBe(5000);
  expect(quarrels).toEqual([['b', 'a']]);
});

test('what fails does not count, and is not peace either', () => {
  const { clock, a, write, brake } = rig();
  for (let i = 0; i < 10; i++) expect(brake.begin([a]).wait).toBe(0);
  for (let i = 0; i < 3; i++) write(a);
  clock.advance(seconds(14));
  expect(brake.begin([a]).wait).toBe(0);
  clock.advance(seconds(4));
  expect(write(a)).toBe(1000);
});

test('after 15 s of peace all is as at first', () => {
  const { clock, quarrels, a, write } = rig();
  for (let quarrel = 0; quarrel < 2; quarrel++) {
    expect([write(a), write(a), write(a), write(a)]).toEqual([0, 0, 0, 5000]);
    clock.advance(millis(15_000));
  }
  expect(quarrels).toEqual([['a'], ['a']]);
});
