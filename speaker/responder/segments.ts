import { isDeepStrictEqual } from 'node:util';
import { type Millis, seconds } from '../../src/lib/time.ts';

/** Two interfaces of which nothing has shown for so long that they are on one segment are on two. */
const evidenceLifetime = seconds(5);

/**
 * Which interfaces of this node are on one segment: of those only one is to answer for an address. What shows it is a
 * message that was sent on one of them and came in on the other, or one of a peer that came in on both; or the kernel
 * says so.
 */
export type Segments = {
  /** Takes all interfaces that are on the segment of another one for good, and of which; true if that is new. */
  readonly setLowers: (lowers: ReadonlyMap<number, number>) => boolean;
  /** Takes note that two interfaces, by their indexes, reach each other; true if that is new. */
  readonly join: (a: number, b: number, now: Millis) => boolean;
  /** Forgets what is too old, and interfaces that are not among those given; true if that changed anything. */
  readonly prune: (interfaces: ReadonlySet<number>, now: Millis) => boolean;
  /** A number that stands for the segment of an interface: the lowest index of those on it. */
  readonly segmentOf: (index: number) => number;
};

/** Knows nothing yet: every interface has a segment of its own. Pure: the time is an argument. */
export const createSegments = (): Segments => {
  /** By the lower index and the higher one, when it was last seen that they reach each other. */
  const evidence = new Map<string, { readonly low: number; readonly high: number; seenAt: Millis }>();
  let lowers: ReadonlyMap<number, number> = new Map();
  /** Only of interfaces that do not stand for their segment. */
  let lowest = new Map<number, number>();

  const segmentOf = (index: number): number => lowest.get(index) ?? index;
  const rebuild = (): void => {
    lowest = new Map();
    const seen = evidence.values().map(({ low, high }) => [low, high] as const);
    for (const [low, high] of [...lowers, ...seen]) {
      const [from, to] = [segmentOf(low), segmentOf(high)].toSorted((a, b) => b - a) as [number, number];
      if (from === to) continue;
      for (const [index, segment] of lowest) if (segment === from) lowest.set(index, to);
      lowest.set(from, to);
    }
  };

  return {
    setLowers: (now) => {
      if (isDeepStrictEqual(now, lowers)) return false;
      lowers = now;
      rebuild();
      return true;
    },
    join: (a, b, now) => {
      if (a === b) return false;
      const low = Math.min(a, b);
      const high = Math.max(a, b);
      const key = `${low} ${high}`;
      const known = evidence.get(key);
      if (known !== undefined) {
        known.seenAt = now;
        return false;
      }
      evidence.set(key, { low, high, seenAt: now });
      rebuild();
      return true;
    },
    prune: (interfaces, now) => {
      let isChanged = false;
      for (const [key, { low, high, seenAt }] of evidence) {
        if (now < seenAt + evidenceLifetime && interfaces.has(low) && interfaces.has(high)) continue;
        evidence.delete(key);
        isChanged = true;
      }
      if (isChanged) rebuild();
      return isChanged;
    },
    segmentOf,
  };
};
