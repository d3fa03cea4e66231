import { expect, test } from 'vitest';
import { seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { addressWaits } from './address-waits.ts';

test('a wait lasts from the first plan without an address until it is there, and is observed once', () => {
  const clock = fakeClock();
  const observed: number[] = [];
  const { begin, end, forget } = addressWaits(clock, (wait) => observed.push(wait));
  begin('default/web');
  begin('default/gone');
  clock.advance(seconds(2));
  begin('default/web');
  forget('default/gone');
  clock.advance(seconds(1));
  for (const service of ['default/web', 'default/web', 'default/gone', 'default/never']) end(service);
  expect(observed).toEqual([3]);
});
