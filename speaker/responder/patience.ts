import { type Millis, millis } from '../../src/lib/time.ts';

/** Longer than a client takes from one answer to its next question, shorter than the 50 µs of 20,000 requests a second. */
const longestLook = millis(0.02);

/** The share of a core that may go into looking, in the long run. */
const share = 0.05;

/** How much unused share may be saved up. */
const savings = millis(1000);

/** After this many vain looks in a row only one chance in 2^6 is taken. */
const mostVainLooks = 6;

/**
 * Decides whether to look for the next frame for a moment before going to sleep. To be woken takes as long as all the
 * rest of an answer, and a client that has just asked often asks again at once: while it does, looking is worth the
 * while. Otherwise it stops after the first vain looks; a host at rest never looks.
 */
export type Patience = {
  /** How long to look now, after frames have been answered; 0 not to look at all. */
  readonly lookFor: (now: Millis) => Millis;
  /** What came of it: how long the look took, and whether it found a frame. */
  readonly looked: (duration: Millis, isFound: boolean) => void;
};

/** Makes the patience of one thread, with all of its savings. Pure: the time is an argument. */
export const createPatience = (): Patience => {
  let vainLooks = 0;
  /** Chances to let pass before the next look. */
  let toSkip = 0;
  let saved: number = savings;
  let savedAt = millis(0);
  return {
    lookFor: (now) => {
      if (toSkip > 0) {
        toSkip -= 1;
        return millis(0);
      }
      saved = Math.min(savings, saved + (now - savedAt) * share);
      savedAt = now;
      return saved < longestLook ? millis(0) : longestLook;
    },
    looked: (duration, isFound) => {
      saved -= duration;
      vainLooks = isFound ? 0 : Math.min(mostVainLooks, vainLooks + 1);
      toSkip = 2 ** vainLooks - 1;
    },
  };
};
