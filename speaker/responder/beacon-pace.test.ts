import { expect, test } from 'vitest';
import { millis } from '../../src/lib/time.ts';
import { createBeaconPace } from './beacon-pace.ts';

/** How often beacons that come at these times wake somebody, and how long each waits at most. */
const run = (arrivals: readonly number[]): { readonly wakes: number; readonly longestWait: number } => {
  const pace = createBeaconPace();
  const waiting = [...arrivals];
  let wakes = 0;
  let longestWait = 0;
  for (let now = waiting[0]; now !== undefined;) {
    const come = waiting.splice(0, waiting.filter((at) => at <= now!).length);
    wakes += 1;
    for (const at of come) longestWait = Math.max(longestWait, now - at);
    pace.read(come.length > 0, millis(now));
    const quietUntil = pace.quietUntil();
    now = quietUntil > now ? quietUntil : waiting[0];
  }
  return { wakes, longestWait };
};
const every = (interval: number, count: number): number[] => Array.from({ length: count }, (_, n) => n * interval);

test('beacons that come now and then wake at once, and nothing wakes in vain', () => {
  expect(run(every(50, 100))).toEqual({ wakes: 100, longestWait: 0 });
  expect(run(every(21, 100))).toEqual({ wakes: 100, longestWait: 0 });
});

test('a thousand a second wake fifty times a second, and none waits for longer than 20 ms', () => {
  const { wakes, longestWait } = run(every(1, 1000));
  expect(wakes).toBeLessThan(55);
  expect(longestWait).toBeLessThanOrEqual(20);
});
