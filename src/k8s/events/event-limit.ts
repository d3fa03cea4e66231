import { seconds, type Millis } from '../../lib/time.ts';

/** Events one object may cause at once, and how long until it may cause one more; both as in client-go. */
const burst = 25;
const refillEvery: Millis = seconds(300);

/** How many objects are remembered; the one without an event for the longest time is forgotten first. */
const mostObjects = 4096;

/** Keeps one object from filling the API server with events: a token bucket for each. */
export class EventLimit {
  readonly #buckets = new Map<string, { tokens: number; at: Millis }>();

  /** Whether the object may cause an event now; if so, it counts. */
  take(object: string, now: Millis): boolean {
    const bucket = this.#buckets.get(object) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillEvery);
    const isAllowed = tokens >= 1;
    this.#buckets.delete(object);
    this.#buckets.set(object, { tokens: isAllowed ? tokens - 1 : tokens, at: now });
    forgetOldest(this.#buckets, mostObjects);
    return isAllowed;
  }
}

/** Removes the first entries of a map, which are those set first, until `limit` are left. */
export const forgetOldest = (map: Map<string, unknown>, limit: number): void => {
  for (const key of map.keys()) {
    if (map.size <= limit) return;
    map.delete(key);
  }
};
