import { type Millis, millis, seconds } from '../../../src/lib/time.ts';

const initial = seconds(10);
const ceiling = seconds(300);
/** A container that ran this long before it ended starts over with the shortest delay. */
const forgottenAfter = seconds(600);

/** How long to wait before the next start of a container that keeps ending; `undefined` before its first restart. */
export type BackOff = Millis | undefined;

/** What follows the end of a container: the wait before it is started again, and the back-off to remember. */
export type NextStart = { readonly wait: Millis; readonly backOff: BackOff };

/**
 * The kubelet's rule for restarts: the first is immediate, then 10 s, doubled each time up to 5 min, and forgotten
 * after 10 min of good running.
 */
export const nextStart = (backOff: BackOff, ranFor: Millis): NextStart => {
  if (backOff === undefined || ranFor >= forgottenAfter) return { wait: millis(0), backOff: initial };
  return { wait: backOff, backOff: millis(Math.min(backOff * 2, ceiling)) };
};

/** The delay as the kubelet prints it: `10s`, `1m20s`, `5m0s` (Go's time.Duration). */
export const formatBackOff = (delay: Millis): string => {
  const total = Math.round(delay / 1000);
  return total < 60 ? `${total}s` : `${Math.floor(total / 60)}m${total % 60}s`;
};
