import { expect, test } from 'vitest';
import { millis } from '../../src/lib/time.ts';
import { createPatience } from './patience.ts';

/** Lets `chances` pass, `gap` ms apart, with the same luck each time; how often it looked, and for how many ms. */
const spend = (
  chances: number,
  gap: number,
  isFound: boolean,
  patience = createPatience(),
): [looks: number, ms: number] => {
  let looks = 0;
  let time = 0;
  for (let chance = 0; chance < chances; chance++) {
    const look = patience.lookFor(millis(chance * gap));
    if (look === 0) continue;
    looks += 1;
    time += look;
    patience.looked(look, isFound);
  }
  return [looks, time];
};

test('while every look finds a frame, it looks each time', () => {
  expect(spend(1000, 0.02, true)[0]).toBe(1000);
});

test('after vain looks it looks once in 64 times', () => {
  expect(spend(64, 1, false)[0]).toBe(6);
  expect(spend(64_000, 1, false)[0]).toBeLessThan(1010);
});

test('one look that finds something brings it back', () => {
  const patience = createPatience();
  spend(64_000, 1, false, patience);
  while (patience.lookFor(millis(64_000)) === 0);
  patience.looked(millis(0.01), true);
  expect(patience.lookFor(millis(64_000))).toBeGreaterThan(0);
});

test('it spends no more than 5 % of a core in the long run, whatever comes', () => {
  // A chance every 50 µs for 100 s.
  const [, ms] = spend(2_000_000, 0.05, true);
  expect(ms / 100_000).toBeLessThan(0.061);
  expect(ms / 100_000).toBeGreaterThan(0.05);
});
