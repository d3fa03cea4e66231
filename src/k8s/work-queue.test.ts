import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fakeClock, type FakeClock } from '../../test/support/fake-clock.ts';
import { millis, seconds } from '../lib/time.ts';
import { ApiError } from './client/api.ts';
import { createWorkQueue, type WorkOutcome, type WorkQueue } from './work-queue.ts';

const done: WorkOutcome = { type: 'done' };

/** A queue whose work ends when the test says so. */
const rig = (concurrency = 1) => {
  const clock: FakeClock = fakeClock();
  const started: string[] = [];
  const errors: (readonly [string, number])[] = [];
  const underWay = new Map<string, PromiseWithResolvers<WorkOutcome>>();
  const queue: WorkQueue<string> = createWorkQueue({
    clock,
    concurrency,
    work: (key) => {
      expect(underWay.has(key), `${key} has two workers`).toBe(false);
      started.push(key);
      const ending = Promise.withResolvers<WorkOutcome>();
      underWay.set(key, ending);
      return ending.promise;
    },
    onError: (key, _, delay) => errors.push([key, delay]),
    random: () => 0.5,
  });
  const settle = (): Promise<void> => clock.advanceAsync(millis(0));
  const end = async (key: string, outcome: WorkOutcome | Error = done): Promise<void> => {
    const ending = underWay.get(key);
    underWay.delete(key);
    if (outcome instanceof Error) ending?.reject(outcome);
    else ending?.resolve(outcome);
    await settle();
  };
  return { clock, queue, started, errors, underWay, settle, end };
};

test('keys are worked on in the order they came', async () => {
  const { queue, started, end, settle } = rig();
  for (const key of ['b', 'a', 'c']) queue.add(key);
  await settle();
  expect(started).toEqual(['b']);
  await end('b');
  await end('a');
  expect(started).toEqual(['b', 'a', 'c']);
});

test('a key that waits is not queued twice', async () => {
  const { queue, started, end, settle } = rig();
  for (const key of ['a', 'b', 'b', 'b']) queue.add(key);
  await settle();
  await end('a');
  await end('b');
  expect(started).toEqual(['a', 'b']);
});

test('a key wanted while it is being worked on is worked on once more, afterwards', async () => {
  const { queue, started, end, settle } = rig(2);
  queue.add('a');
  await settle();
  queue.add('a');
  queue.add('a');
  await settle();
  expect(started).toEqual(['a']);
  await end('a');
  expect(started).toEqual(['a', 'a']);
  await end('a');
  expect(started).toEqual(['a', 'a']);
});

test('as many keys are worked on as there are workers', async () => {
  const { queue, started, end, settle } = rig(2);
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(started).toEqual(['a', 'b']);
  await end('b');
  expect(started).toEqual(['a', 'b', 'c']);
});

test('a failure is tried again, later each time, until it succeeds', async () => {
  const { clock, queue, started, errors, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a', new Error('no'));
  expect(errors).toEqual([['a', 200]]); // 100 + half of (300 - 100)
  await clock.advanceAsync(millis(199));
  expect(started).toHaveLength(1);
  await clock.advanceAsync(millis(1));
  expect(started).toHaveLength(2);
  await end('a', new Error('no'));
  expect(errors[1]).toEqual(['a', 350]); // 100 + half of (600 - 100)
  await clock.advanceAsync(millis(350));
  await end('a');
  await clock.advanceAsync(seconds(60));
  expect(started).toHaveLength(3);
  queue.add('a');
  await settle();
  await end('a', new Error('no'));
  expect(errors[2]).toEqual(['a', 200]); // success began anew
});

test('work may ask to be looked at again', async () => {
  const { clock, queue, started, errors, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a', { type: 'retryAfter', delay: seconds(5) });
  await clock.advanceAsync(millis(4999));
  expect(started).toHaveLength(1);
  await clock.advanceAsync(millis(1));
  expect(started).toHaveLength(2);
  expect(errors).toEqual([]);
});

test('a retry does not come before the API server wants it', async () => {
  const { clock, queue, started, errors, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a', new ApiError(429, 'TooManyRequests', 'too many requests', seconds(7)));
  expect(errors).toEqual([['a', 7000]]);
  await clock.advanceAsync(millis(6999));
  expect(started).toEqual(['a']);
  await clock.advanceAsync(millis(1));
  expect(started).toEqual(['a', 'a']);
});

test('a key that waits for a retry comes at once when it is wanted, and then not again', async () => {
  const { clock, queue, started, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a', new Error('no'));
  queue.add('a');
  await settle();
  expect(started).toHaveLength(2);
  await end('a');
  await clock.advanceAsync(seconds(60));
  expect(started).toHaveLength(2);
  expect(clock.pending()).toBe(0);
});

test('stop starts nothing more, forgets what waits and awaits what is under way', async () => {
  const { clock, queue, started, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a', new Error('no'));
  queue.add('b');
  queue.add('c');
  await settle();
  let isStopped = false;
  const stopped = queue.stop().then(() => (isStopped = true));
  expect(clock.pending()).toBe(0); // no retry of a
  queue.add('d');
  await clock.advanceAsync(seconds(60));
  expect(isStopped).toBe(false);
  await end('b', new Error('no'));
  await stopped;
  expect(started).toEqual(['a', 'b']);
  expect(clock.pending()).toBe(0);
});

test('a queue at rest stops at once', async () => {
  const { queue, started, end, settle } = rig();
  queue.add('a');
  await settle();
  await end('a');
  await queue.stop();
  expect(started).toEqual(['a']);
});

test('every key is worked on after it was last wanted', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('add', 'end'), fc.constantFrom('a', 'b', 'c')), { maxLength: 30 }),
      async (steps) => {
        const { queue, started, underWay, end, settle } = rig(2);
        const owed = new Set<string>();
        let seen = 0;
        const pay = (): void => {
          for (; seen < started.length; seen++) owed.delete(started[seen] ?? '');
        };
        for (const [step, key] of steps) {
          if (step === 'add') {
            queue.add(key);
            owed.add(key);
            await settle();
          } else await end(key);
          pay();
        }
        for (let rounds = 0; underWay.size > 0 && rounds < 20; rounds++) {
          for (const key of underWay.keys()) await end(key);
        }
        pay();
        expect([...owed]).toEqual([]);
      },
    ),
  ));
