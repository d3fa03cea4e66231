import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Peers } from './peers.ts';
import { beaconInterval, silentIntervals, startListening } from './timing.ts';

/** Whether this speaker only listens: it has just started, or slept, or was cut off, and others may own what it did. */
export type Listening = {
  readonly isOn: () => boolean;
  /** Listens until all claims are known, for at most a second or three intervals of the slowest owner. */
  readonly start: () => void;
  /** Listens for three intervals of the slowest owner: every one of them speaks meanwhile. */
  readonly restart: () => void;
  /** More is known: what `start` began may be over. */
  readonly check: () => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

/** Makes the listening of one machine; `onOver` follows when it may act. */
export const createListening = (
  context: Context,
  peers: Peers,
  isEverythingKnown: () => boolean,
  onOver: () => void,
): Listening => {
  let until: Millis | undefined;
  let startedAt: Millis | undefined;
  let isStart = true;

  const threeIntervals = (): number => {
    let slowest: number = beaconInterval(true, peers.owners() + 1);
    for (const { isOwner, hearings } of peers.all()) {
      if (isOwner) for (const { interval, isHeard } of hearings) if (isHeard) slowest = Math.max(slowest, interval);
    }
    return silentIntervals * slowest;
  };

  const end = (): void => {
    until = undefined;
    isStart = false;
    onOver();
  };

  return {
    isOn: () => until !== undefined || isStart,
    start: () => {
      startedAt = context.now();
      until = millis(startedAt + startListening);
    },
    restart: () => {
      // A start that is under way takes longer.
      until = millis(Math.max(until ?? 0, context.now() + threeIntervals()));
    },
    check: () => {
      if (isStart && until !== undefined && isEverythingKnown()) end();
    },
    timerDue: () => {
      if (until === undefined || until > context.now()) return;
      // Owners whose interval is long may have been found meanwhile.
      const needed = isStart && startedAt !== undefined ? millis(startedAt + threeIntervals()) : until;
      if (needed > context.now()) until = needed;
      else end();
    },
    nextDeadline: () => until,
  };
};
