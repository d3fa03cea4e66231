import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import { type Millis, millis, seconds } from '../../lib/time.ts';

/**
 * When one interface announces its addresses. An address is announced at once and again 50 ms, 250 ms, 1 s, 2 s and 5 s
 * later, because a broadcast may be lost and clients differ in when they listen; after that at a low rate for ever, for
 * clients and switches that forget. Pure: time and randomness are arguments.
 */
export type Announcer<Address> = {
  /** Starts the series of an address anew. */
  readonly announce: (address: Address, now: Millis) => void;
  /** Ends the announcements of an address. */
  readonly withdraw: (address: Address) => void;
  /** The next address whose announcement is due, each call another; undefined when none is left for now. */
  readonly takeDue: (now: Millis) => Address | undefined;
  /** When `takeDue` has something to give. */
  readonly nextDeadline: () => Millis | undefined;
};

/** When the announcements of the series are due, counted from the first. */
const series = [0, 50, 250, 1000, 2000, 5000].map(millis);

/** The shortest time between two refreshes of an address; the longest is twice that. */
const refreshInterval = seconds(30);

/** Refreshes are due at whole multiples of this, so that one waking serves many of them. */
const refreshSlot = seconds(1);

/** How many refreshes a second an interface sends at most; with more than 1,500 addresses the interval grows. */
const refreshRate = 50;

/** Makes the announcer of one interface. `random` gives numbers in [0, 1) and spreads the refreshes. */
export const createAnnouncer = <Address>(random: () => number): Announcer<Address> => {
  /** For each address the start of its series and the position in it. */
  const progress = new Map<Address, { start: Millis; position: number }>();
  const deadlines = createDeadlineQueue<Address>();

  const nextRefresh = (now: Millis): Millis => {
    const interval = Math.max(refreshInterval, (progress.size / refreshRate) * 1000);
    const due = now + interval + random() * (interval - refreshSlot);
    return millis(Math.ceil(due / refreshSlot) * refreshSlot);
  };

  return {
    announce: (address, now) => {
      progress.set(address, { start: now, position: 0 });
      deadlines.set(address, now);
    },
    withdraw: (address) => {
      progress.delete(address);
      deadlines.delete(address);
    },
    takeDue: (now) => {
      const address = deadlines.takeDue(now);
      if (address === undefined) return undefined;
      const state = progress.get(address)!;
      if (state.position === 0) state.start = now; // the series counts from when the first was really sent
      const isPast = (offset: Millis | undefined): boolean => offset !== undefined && state.start + offset <= now;
      // A turn that comes late makes up for all it missed with one announcement.
      while (isPast(series[state.position])) state.position += 1;
      const offset = series[state.position];
      deadlines.set(address, offset === undefined ? nextRefresh(now) : millis(state.start + offset));
      return address;
    },
    nextDeadline: deadlines.next,
  };
};
