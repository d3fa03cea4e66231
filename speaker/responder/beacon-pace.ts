import { type Millis, millis } from '../../src/lib/time.ts';

/**
 * So long beacons may wait for each other where they come densely. Question and answer of a diagnosis may each wait so
 * long, and must fit into its 60 ms.
 */
const pause = millis(20);

/**
 * Decides when to be woken by beacons. In a large cluster hundreds come a second, and to be woken for each takes longer
 * than to read it; where they come one soon after the other, the next ones are left to gather for a moment. What is due
 * is done in time all the same, and with it they are read.
 */
export type BeaconPace = {
  /** Takes note that beacons have been read, and whether there were any. */
  readonly read: (isAny: boolean, now: Millis) => void;
  /** Until when beacons are to wake nobody; in the past where they are to. */
  readonly quietUntil: () => Millis;
};

/** Begins without a pause. Pure: the time is an argument. */
export const createBeaconPace = (): BeaconPace => {
  let readAt = millis(-Infinity);
  let quietUntil = millis(-Infinity);
  return {
    read: (isAny, now) => {
      if (!isAny) return;
      if (now - readAt <= pause) quietUntil = millis(now + pause);
      readAt = now;
    },
    quietUntil: () => quietUntil,
  };
};
