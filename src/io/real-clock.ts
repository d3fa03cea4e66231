import { millis, type Clock } from '../lib/time.ts';

/** Node allows timers of at most 2³¹ - 1 ms; a longer one would fire at once. */
const longestDelay = 2 ** 31 - 1;

/** The clock of the process. */
export const realClock: Clock = {
  now: () => millis(performance.now()),
  after: (delay, action) => {
    const timer = setTimeout(action, Math.min(delay, longestDelay));
    return () => clearTimeout(timer);
  },
};
