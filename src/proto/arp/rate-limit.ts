import type { Mac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';

/** Requests a second that one source may send; no honest host comes near. */
export const perSourceLimit = 50_000;

/** Requests a second that one interface takes, because sources can be invented. */
export const perInterfaceLimit = 100_000;

/** Limits are kept per window of this length, so that what a flood may pile up is small. */
const windowLength = millis(100);

/** Says whether a request of `source` is still within the limits, and counts it. */
export type RateLimit = (source: Mac, now: Millis) => boolean;

/**
 * Makes the limit of one interface. Memory is bounded by the limit of the interface: a window that is full notes no
 * further source.
 */
export const createRateLimit = (): RateLimit => {
  const perSource = new Map<Mac, number>();
  let windowEnd = -Infinity;
  let total = 0;
  return (source, now) => {
    if (now >= windowEnd) {
      perSource.clear();
      total = 0;
      windowEnd = now + windowLength;
    }
    if (total >= (perInterfaceLimit * windowLength) / 1000) return false;
    const count = perSource.get(source) ?? 0;
    if (count >= (perSourceLimit * windowLength) / 1000) return false;
    perSource.set(source, count + 1);
    total += 1;
    return true;
  };
};
