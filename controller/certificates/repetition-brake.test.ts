import { expect, test } from 'vitest';
import { seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { repetitionBrake } from './repetition-brake.ts';

const rig = () => {
  const clock = fakeClock();
  const quarrels: (readonly string[])[] = [];
  const brake = repetitionBrake(clock, (objects) => quarrels.push(objects));
  const a = { object: 'a', content: '1' };
  const b = { object: 'b', content: '1' };
  const write = (times: number, ...writes: (typeof a)[]): void => {
    for (let i = 0; i < times; i++) brake.note(writes);
  };
  return { clock, quarrels, a, b, write, ...brake };
};

test('the same is written three times at once, then every 5 s, and that is told once', () => {
  const { clock, quarrels, a, write, waitFor } = rig();
  write(2, a);
  expect(waitFor([a])).toBe(0);
  write(1, a);
  expect(waitFor([a])).toBe(5000);
  clock.advance(seconds(2));
  expect(waitFor([a])).toBe(3000);
  clock.advance(seconds(3));
  expect(waitFor([a])).toBe(0);
  write(1, a);
  expect(waitFor([a])).toBe(5000);
  expect(quarrels).toEqual([['a']]);
});

test('something else is written at once', () => {
  const { quarrels, a, write, waitFor } = rig();
  write(3, a);
  expect(waitFor([{ ...a, content: '2' }])).toBe(0);
  expect(quarrels).toEqual([]);
});

test('each object is counted by itself, with whatever else it is written', () => {
  const { quarrels, a, b, write, waitFor } = rig();
  write(1, a);
  write(2, a, b);
  expect(waitFor([b])).toBe(0);
  expect(waitFor([b, a])).toBe(5000);
  expect(quarrels).toEqual([['a']]);
});

test('after 15 s of peace all is as at first', () => {
  const { clock, quarrels, a, write, waitFor } = rig();
  write(3, a);
  waitFor([a]);
  clock.advance(seconds(15));
  expect(waitFor([a])).toBe(0);
  write(3, a);
  expect(waitFor([a])).toBe(5000);
  expect(quarrels).toEqual([['a'], ['a']]);
});
