import { type Millis, millis, seconds } from '../../src/lib/time.ts';

/** What has failed is tried again after the first of these, then after twice as long each time. */
const firstRetry = seconds(1);
const longestRetry = seconds(60);

/** What has failed, by key, and when it is tried again. */
export type Retries<Key> = {
  /** Takes note of a failure; true unless the same one was noted last time. */
  readonly failed: (key: Key, error: string, now: Millis) => boolean;
  readonly succeeded: (key: Key) => void;
  /** Forgets all keys but these. */
  readonly keepOnly: (keys: { readonly has: (key: Key) => boolean }) => void;
  /** Whether a key may be tried now. */
  readonly isDue: (key: Key, now: Millis) => boolean;
  /** When the next key may be tried again. */
  readonly nextDeadline: () => Millis;
};

/** Nothing has failed yet. Pure: the time is an argument. */
export const createRetries = <Key>(): Retries<Key> => {
  const failures = new Map<Key, { readonly error: string; readonly delay: Millis; readonly retryAt: Millis }>();
  return {
    failed: (key, error, now) => {
      const last = failures.get(key);
      const delay = millis(last === undefined ? firstRetry : Math.min(longestRetry, 2 * last.delay));
      failures.set(key, { error, delay, retryAt: millis(now + delay) });
      return last?.error !== error;
    },
    succeeded: (key) => {
      failures.delete(key);
    },
    keepOnly: (keys) => {
      for (const key of failures.keys()) if (!keys.has(key)) failures.delete(key);
    },
    isDue: (key, now) => (failures.get(key)?.retryAt ?? now) <= now,
    nextDeadline: () => millis(Math.min(Infinity, ...[...failures.values()].map(({ retryAt }) => retryAt))),
  };
};
