import { millis, seconds, type Clock, type Millis } from '../lib/time.ts';
import { atLeastAsked, nextDelay, type BackoffBounds } from './client/backoff.ts';

/** What came of one piece of work: nothing more to do, or look again after a time. A rejection is retried with back-off, and not sooner than the API server asked. */
export type WorkOutcome = { readonly type: 'done' } | { readonly type: 'retryAfter'; readonly delay: Millis };

export type WorkQueueOptions<Key extends string> = {
  readonly clock: Clock;
  /** Does the work for one key, from current state: the key says only which object. */
  readonly work: (key: Key) => Promise<WorkOutcome>;
  /** Told of every rejection; `delay` is when it is tried again. */
  readonly onError: (key: Key, error: unknown, delay: Millis) => void;
  /** How many keys are worked on at the same time. */
  readonly concurrency: number;
  /** First and longest wait after a rejection. Default: 100 ms and 30 s. */
  readonly backoff?: BackoffBounds;
  /** Jitter: a number in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
};

/** Keys that want work: each waits once, is worked on by one worker at a time, in the order they came. */
export type WorkQueue<Key extends string> = {
  /** Wants work for a key; a key that waits already, for its turn or for a retry, is not queued twice but comes now. */
  readonly add: (key: Key) => void;
  /** How many keys want work: they wait for their turn or for a retry, or are being worked on. */
  readonly depth: () => number;
  /** Starts no more work; settles when the work under way has ended. */
  readonly stop: () => Promise<void>;
};

const defaultBackoff: BackoffBounds = { first: millis(100), longest: seconds(30) };

/** Makes the queue. Work starts in the next microtask, so that what is added together is counted once. */
export const createWorkQueue = <Key extends string>(options: WorkQueueOptions<Key>): WorkQueue<Key> => {
  const { clock, work, onError, concurrency, backoff = defaultBackoff, random = Math.random } = options;
  /** In the order of their coming: a Set gives its members so. */
  const waiting = new Set<Key>();
  const working = new Set<Key>();
  /** Wanted again while being worked on. */
  const again = new Set<Key>();
  /** How to cancel the timer of a key that waits for a retry. */
  const retries = new Map<Key, () => void>();
  /** The last wait of a key that has failed. */
  const delays = new Map<Key, Millis>();
  /** Resolved when the last work under way has ended after a stop. */
  const ended = Promise.withResolvers<void>();
  let isStopped = false;
  let isStarting = false;

  const enqueue = (key: Key): void => {
    waiting.add(key);
    if (isStarting) return;
    isStarting = true;
    queueMicrotask(() => {
      isStarting = false;
      startMore();
    });
  };

  const add = (key: Key): void => {
    if (isStopped || waiting.has(key)) return;
    retries.get(key)?.();
    retries.delete(key);
    if (working.has(key)) again.add(key);
    else enqueue(key);
  };

  const startMore = (): void => {
    for (const key of waiting) {
      if (isStopped || working.size >= concurrency) return;
      waiting.delete(key);
      working.add(key);
      void runOne(key);
    }
  };

  const retry = (key: Key, delay: Millis): void => {
    const cancel = clock.after(delay, () => {
      retries.delete(key);
      enqueue(key);
    });
    retries.set(key, cancel);
  };

  const runOne = async (key: Key): Promise<void> => {
    let delay: Millis | undefined;
    try {
      const outcome = await work(key);
      delays.delete(key);
      if (outcome.type === 'retryAfter') delay = outcome.delay;
    } catch (error) {
      const chosen = nextDelay(backoff, delays.get(key), random());
      delays.set(key, chosen);
      delay = atLeastAsked(chosen, error);
      onError(key, error, delay);
    }
    working.delete(key);
    if (again.delete(key)) {
      if (!isStopped) enqueue(key);
    } else if (delay !== undefined && !isStopped) retry(key, delay);
    startMore();
    if (isStopped && working.size === 0) ended.resolve();
  };

  return {
    add,
    depth: () => waiting.size + retries.size + working.size,
    stop: async () => {
      isStopped = true;
      for (const cancel of retries.values()) cancel();
      retries.clear();
      waiting.clear();
      if (working.size > 0) await ended.promise;
    },
  };
};
