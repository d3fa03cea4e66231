/**
 * Which sequence numbers of a sender have been seen: each counts once, and one that is 32 or more behind the highest not at
 * all. So a recorded message counts for nothing, while messages that overtake each other do.
 */
export type ReplayWindow = {
  /** True if the number is new; it is not any more. */
  readonly accept: (sequence: number) => boolean;
};

const width = 32;

/** Makes the window of one sender's epoch as heard on one interface. */
export const createReplayWindow = (): ReplayWindow => {
  let highest = -1;
  /** Bit n: `highest - n` has been seen. */
  let seen = 0;
  return {
    accept: (sequence) => {
      if (sequence > highest) {
        const ahead = sequence - highest;
        seen = highest < 0 || ahead >= width ? 1 : (seen << ahead) | 1;
        highest = sequence;
        return true;
      }
      const behind = highest - sequence;
      if (behind >= width || (seen & (1 << behind)) !== 0) return false;
      seen |= 1 << behind;
      return true;
    },
  };
};
