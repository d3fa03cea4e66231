import type { Mac } from '../../lib/mac.ts';
import { type Millis, seconds } from '../../lib/time.ts';

/** As many requests a second an interface takes from whomever they come. */
const freeForAll = 50_000;

/** As many more each source may send once that is used up; no honest host comes near. */
const perSourceLimit = 50_000;

/** Requests a second that an interface takes in all, because sources can be invented. */
const perInterfaceLimit = 200_000;

/** Requests are counted per window of this length. */
const windowLength = seconds(1);

/** Sources whose MACs hash alike share a counter, so that memory does not grow with what a flood invents. */
const counterBits = 12;

/** Says whether a request of `source` is still within the limits, and counts it. */
export type RateLimit = (source: Mac, now: Millis) => boolean;

/**
 * Makes the limit of one interface. Only in a flood does it look at sources at all. A secret `seed` below 2³² keeps
 * others from choosing whom they share a counter with.
 */
export const createRateLimit = (seed: number): RateLimit => {
  const perSource = new Uint32Array(2 ** counterBits);
  let windowEnd = -Infinity;
  let total = 0;
  return (source, now) => {
    if (now >= windowEnd) {
      if (total > freeForAll) perSource.fill(0);
      total = 0;
      windowEnd = now + windowLength;
    }
    if (total >= perInterfaceLimit) return false;
    total += 1;
    if (total <= freeForAll) return true;
    const hash =
      Math.imul((source % 0x1_0000_0000) ^ seed, 0x9e37_79b1) ^ Math.imul(source / 0x1_0000_0000, 0x85eb_ca6b);
    const index = hash >>> (32 - counterBits);
    if (perSource[index]! >= perSourceLimit) {
      total -= 1; // what is refused takes nothing from others
      return false;
    }
    perSource[index]! += 1;
    return true;
  };
};
