import { expect, test } from 'vitest';
import { fakeClock } from '../test/support/fake-clock.ts';
import { seconds } from '../src/lib/time.ts';
import { fullCollection, restCollector } from './collect-at-rest.ts';

test('memory is collected once when a burst is over, and never for a little work', () => {
  const clock = fakeClock();
  let collections = 0;
  const collector = restCollector(clock, () => collections++);
  for (let i = 0; i < 99; i++) collector.worked();
  clock.advance(seconds(60));
  expect(collections).toBe(0);
  for (let i = 0; i < 20; i++) {
    collector.worked();
    clock.advance(seconds(1));
  }
  expect(collections).toBe(0);
  clock.advance(seconds(60));
  expect(collections).toBe(1);
  expect(clock.pending()).toBe(0);
});

test('the collection works without a flag on the command line', () => expect(fullCollection()).not.toThrow());
