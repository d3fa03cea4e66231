import { millis, type Millis } from '../../lib/time.ts';
import { ApiError } from './api.ts';

/** Bounds of the waits between attempts. */
export type BackoffBounds = { readonly first: Millis; readonly longest: Millis };

/**
 * The wait after one more failure: decorrelated jitter, anywhere between the shortest wait and three times the last,
 * so that clients that failed together do not come back together. `random` is in [0, 1).
 */
export const nextDelay = ({ first, longest }: BackoffBounds, last: Millis | undefined, random: number): Millis => {
  const upper = 3 * (last ?? first);
  return millis(Math.min(longest, first + random * (upper - first)));
};

/** The wait that was chosen after a failure, or the longer one that the API server asked for. */
export const atLeastAsked = (delay: Millis, error: unknown): Millis =>
  millis(Math.max(delay, error instanceof ApiError ? (error.retryAfter ?? 0) : 0));
