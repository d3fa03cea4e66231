import { expect, test } from 'vitest';
import { millis } from '../../src/lib/time.ts';
import { createInspections } from './inspections.ts';

/** Turns at every deadline until `end`; says when what was found. `received` says how many frames had come by then. */
const run = (received: (now: number) => number | undefined, end: number, begins: readonly number[] = [0]) => {
  let now = 0;
  const inspections = createInspections(() => received(now));
  const found: [at: number, hasFrames: boolean][] = [];
  const waiting = [...begins];
  for (;;) {
    const next = Math.min(inspections.nextDeadline(), waiting[0] ?? Infinity);
    if (next > end) return found;
    now = next;
    if (waiting[0] === now) inspections.begin(2, millis(waiting.shift()!));
    for (const { hasFrames } of inspections.turn(millis(now))) found.push([now, hasFrames]);
  }
};

test('the first frame is told of at once, and ends the inspection', () => {
  expect(run((now) => (now < 250 ? 7 : now), 10_000)).toEqual([[260, true]]);
});

test('an interface without frames is told of after a second, once, and the first frame after that at once', () => {
  expect(run((now) => (now < 3000 ? 7 : 8), 10_000)).toEqual([
    [1000, false],
    [3000, true],
  ]);
});

test('a new question about the same interface begins anew', () => {
  expect(run(() => 7, 5000, [0, 500])).toEqual([[1500, false]]);
});

test('an interface that has gone has no frames', () => {
  expect(run(() => undefined, 5000)).toEqual([[1000, false]]);
});
