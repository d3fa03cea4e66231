import { expect, test } from 'vitest';
import { seconds } from '../../lib/time.ts';
import { heldFor, type LeaseRecord, nextRecord } from './lease.ts';

const before: LeaseRecord = {
  holder: 'a_1',
  durationSeconds: 15,
  acquireTime: '2026-11-21T10:00:00.000000Z',
  renewTime: '2026-11-21T10:05:00.000000Z',
  transitions: 7,
};
const time = '2026-11-21T10:05:01.000000Z';
const writer = { identity: 'b_2', durationSeconds: 4, time };

test('the first holder makes a lease that never changed hands', () => {
  expect(nextRecord('acquire', undefined, writer)).toEqual({
    holder: 'b_2',
    durationSeconds: 4,
    acquireTime: time,
    renewTime: time,
    transitions: 0,
  });
});

test.each([
  ['acquire', { holder: 'b_2', durationSeconds: 4, acquireTime: time, renewTime: time, transitions: 8 }],
  ['renew', { ...before, durationSeconds: 4, renewTime: time }],
  ['release', { ...before, holder: '', durationSeconds: 1, renewTime: time }],
] as const)('%s writes what client-go would', (change, expected) => {
  expect(nextRecord(change, before, writer)).toEqual(expected);
});

test('a renewal changes the record also when the wall clock stands still', () => {
  const once = nextRecord('renew', { ...before, renewTime: time }, writer);
  expect(once.renewTime).toBe('2026-11-21T10:05:01.000001Z');
  expect(nextRecord('renew', once, { ...writer, time: once.renewTime }).renewTime).toBe(time);
});

test.each([
  [4, 4],
  [1, 4],
  [0, 4],
  [15, 15],
  [86_400, 60],
])('a lease of %d s keeps others out for %d s', (durationSeconds, expected) => {
  expect(heldFor({ ...before, durationSeconds }, seconds(4))).toBe(seconds(expected));
});
