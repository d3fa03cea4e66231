import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, type Millis, seconds } from '../lib/time.ts';

/** Gives memory back to the system after busy times: V8 alone would keep what a list of objects has needed once. */
export type AtRest = {
  /** Some work was done, such as a change taken in. Costs next to nothing. */
  readonly worked: () => void;
};

/** How long nothing must have happened. */
const quiet: Millis = seconds(2);

/** Work that leaves so much behind that collecting it is worth the pause (50 to 150 ms with 1,000 services). */
const muchWork = 500;

/**
 * Calls `collect` when at least `worthwhile` pieces of work, counted from the last time, are followed by rest. Nothing runs
 * while there is no work.
 */
export const collectAtRest = (clock: Clock, collect: () => void, worthwhile = muchWork): AtRest => {
  let work = 0;
  let seen = 0;
  let isArmed = false;

  const look = (): void => {
    isArmed = false;
    if (work !== seen) {
      arm();
    } else if (work >= worthwhile) {
      work = 0;
      collect();
    }
  };
  const arm = (): void => {
    isArmed = true;
    seen = work;
    clock.after(quiet, look);
  };

  return {
    worked: () => {
      work++;
      if (!isArmed) arm();
    },
  };
};

/** A full collection that also shrinks the heap: what the system asks of V8 when memory runs out. */
export const shrinkHeap = (): void => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: Readonly<Record<string, string>>) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
};
