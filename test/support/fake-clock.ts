import { millis, type Clock, type Millis } from '../../src/lib/time.ts';

/** A clock for tests: time stands still until it is told to move. */
export type FakeClock = Clock & {
  /** Moves `delay` ahead, jumping from timer to timer; what a timer's action arms is served as well. */
  readonly advance: (delay: Millis) => void;
  /** As `advance`, and lets promises settle after each timer. */
  readonly advanceAsync: (delay: Millis) => Promise<void>;
  /** Lets `delay` pass as in a process that is stopped: no timer runs, and those that fall due are late. */
  readonly standStill: (delay: Millis) => void;
  /** Timers that wait. */
  readonly pending: () => number;
};

/** Makes a clock that starts at 0 ms. */
export const fakeClock = (): FakeClock => {
  type Timer = { readonly due: number; readonly action: () => void };
  const timers = new Set<Timer>();
  let time = 0;

  /** The timer that is due first, the one armed first among equals. */
  const takeDue = (limit: number): Timer | undefined => {
    let next: Timer | undefined;
    for (const timer of timers) {
      if (timer.due <= limit && (next === undefined || timer.due < next.due)) next = timer;
    }
    if (next !== undefined) timers.delete(next);
    return next;
  };

  const step = (limit: number): boolean => {
    const timer = takeDue(limit);
    time = timer === undefined ? limit : Math.max(time, timer.due);
    timer?.action();
    return timer !== undefined;
  };

  return {
    now: () => millis(time),
    after: (delay, action) => {
      const timer: Timer = { due: time + Math.max(0, delay), action };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    advance: (delay) => {
      const limit = time + delay;
      while (step(limit));
    },
    advanceAsync: async (delay) => {
      const limit = time + delay;
      await settle();
      while (step(limit)) await settle();
      await settle();
    },
    standStill: (delay) => {
      time += delay;
    },
    pending: () => timers.size,
  };
};

/** Lets every promise that can settle without a timer do so. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};
