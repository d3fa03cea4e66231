import type { Clock, Millis } from '../lib/time.ts';

/** What came of one piece of work: nothing more to do, or look again after a time. A rejection is retried with back-off. */
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
  readonly backoff?: { readonly first: Millis; readonly longest: Millis };
  /** Told how many keys wait, after each change. */
  readonly onDepth?: (depth: number) => void;
  readonly random?: () => number;
};

/** Keys that want work: each waits once, is worked on by one worker at a time, in the order they came. */
export type WorkQueue<Key extends string> = {
  /** Wants work for a key; a key that waits already, for its turn or for a retry, is not queued twice but comes now. */
  readonly add: (key: Key) => void;
  /** Keys that wait for a worker; those waiting for a retry are not counted. */
  readonly depth: () => number;
  /** Settles when no key waits for a worker and none is being worked on. */
  readonly idle: () => Promise<void>;
  /** Starts no more work; settles when the work under way has ended. */
  readonly stop: () => Promise<void>;
};
