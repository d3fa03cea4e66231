import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, type Millis, seconds } from '../src/lib/time.ts';

/** Gives memory back when a burst of work is over: V8 collects only when it needs room, and at rest it never does. */
export type RestCollector = {
  /** Work was done. */
  readonly worked: () => void;
};

/** No work for this long is rest. */
const restAfter: Millis = seconds(5);
/** Less work than this leaves too little behind to be worth a collection. */
const leastWork = 100;

export const restCollector = (clock: Clock, collect: () => void): RestCollector => {
  let work = 0;
  let lastAt = clock.now();
  let isArmed = false;
  const arm = (delay: number): void => {
    isArmed = true;
    clock.after(delay as Millis, () => {
      const rest = lastAt + restAfter - clock.now();
      if (rest > 0) {
        arm(rest);
        return;
      }
      isArmed = false;
      work = 0;
      collect();
    });
  };
  return {
    worked: () => {
      work++;
      lastAt = clock.now();
      if (!isArmed && work >= leastWork) arm(restAfter);
    },
  };
};

/** V8's full collection, about 20 ms; a program has it only with a flag, which may be set while it runs. */
export const fullCollection = (): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
};
