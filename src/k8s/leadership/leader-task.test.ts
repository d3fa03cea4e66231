import { expect, test } from 'vitest';
import { NotLeader } from './fenced-api.ts';
import type { WorkOutcome } from '../work-queue.ts';
import { millis, seconds } from '../../lib/time.ts';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { fakeLeadership } from '../../../test/support/leadership.ts';
import { createLeaderTask } from './leader-task.ts';

/** A task that does what the test says, and the times at which it did it. */
const rig = (isLeader: boolean, work: () => Promise<WorkOutcome>) => {
  const clock = fakeClock();
  const leadership = fakeLeadership(isLeader);
  const times: number[] = [];
  const errors: unknown[] = [];
  const task = createLeaderTask({
    clock,
    leadership,
    work: async () => {
      times.push(clock.now());
      return work();
    },
    onError: (error) => errors.push(error),
  });
  return { clock, leadership, times, errors, task, settle: async () => clock.advanceAsync(millis(0)) };
};

const done = async (): Promise<WorkOutcome> => Promise.resolve({ type: 'done' });
const refused = async (): Promise<WorkOutcome> => Promise.reject(new NotLeader('no'));

test('what is refused because another leads is done when we lead, and not tried before', async () => {
  const { clock, leadership, times, errors, task } = rig(false, refused);
  task.touch();
  await clock.advanceAsync(seconds(60));
  leadership.set(true);
  leadership.set(false);
  await clock.advanceAsync(seconds(60));
  expect(times).toEqual([0, 60_000]);
  expect(errors).toEqual([]);
});

test('a leader whose lease is short of time tries again though nothing changes', async () => {
  const { clock, times, task } = rig(true, refused);
  task.touch();
  await clock.advanceAsync(seconds(2));
  expect(times).toEqual([0, 1000, 2000]);
});

test('another failure is told and tried again', async () => {
  const { clock, times, errors, task } = rig(true, async () => Promise.reject(new Error('no')));
  task.touch();
  await clock.advanceAsync(seconds(1));
  expect(times.length).toBeGreaterThan(1);
  expect(errors).toHaveLength(times.length);
});

test('stopping waits for the work under way, but no longer than 2 s, and then nobody is told', async () => {
  const { clock, leadership, times, task, settle } = rig(true, async () => new Promise(() => {}));
  task.touch();
  await settle();
  let isStopped = false;
  void task.stop().then(() => (isStopped = true));
  await clock.advanceAsync(millis(1999));
  expect(isStopped).toBe(false);
  await clock.advanceAsync(millis(1));
  expect(isStopped).toBe(true);
  expect(leadership.listeners()).toBe(0);
  expect(times).toEqual([0]);
});

test('without work under way it stops at once', async () => {
  const { clock, task, settle } = rig(true, done);
  task.touch();
  await settle();
  await task.stop();
  expect(clock.pending()).toBe(0);
});
