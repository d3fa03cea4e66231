import { type Clock, millis, type Millis, seconds } from '../../src/lib/time.ts';

/** A write as far as it can repeat: where, and what is written there. */
export type RepeatableWrite = { readonly object: string; readonly content: string };

/** Slows down writes that are made again and again, because somebody else keeps undoing them. */
export type RepetitionBrake = {
  /** How long the next ones have to wait; 0: not at all. */
  readonly waitFor: (writes: readonly RepeatableWrite[]) => Millis;
  /** Takes note of writes that were made. */
  readonly note: (writes: readonly RepeatableWrite[]) => void;
};

type Repetition = { readonly content: string; times: number; lastAt: Millis; isTold: boolean };

/** This often the same is written at once. */
const mostAtOnce = 3;
/** Between two writes of the same in a quarrel. */
const quarrelDelay = seconds(5);
/** No such write for this long is peace. */
const peaceAfter = seconds(15);

/** Makes it. `onQuarrel` is told of an object once, until there was peace for a while. */
export const repetitionBrake = (
  clock: Pick<Clock, 'now'>,
  onQuarrel: (objects: readonly string[]) => void,
): RepetitionBrake => {
  const repetitions = new Map<string, Repetition>();

  /** What was written there last, if it was the same, and not long ago. */
  const repeated = ({ object, content }: RepeatableWrite): Repetition | undefined => {
    const last = repetitions.get(object);
    return last?.content === content && clock.now() < last.lastAt + peaceAfter ? last : undefined;
  };

  return {
    waitFor: (writes) => {
      const untold: string[] = [];
      let wait = 0;
      for (const write of writes) {
        const repetition = repeated(write);
        if (repetition === undefined || repetition.times < mostAtOnce) continue;
        if (!repetition.isTold) untold.push(write.object);
        repetition.isTold = true;
        wait = Math.max(wait, repetition.lastAt + quarrelDelay - clock.now());
      }
      if (untold.length > 0) onQuarrel(untold);
      return millis(wait);
    },
    note: (writes) => {
      for (const write of writes) {
        const { times, isTold } = repeated(write) ?? { times: 0, isTold: false };
        const { object, content } = write;
        repetitions.set(object, { content, times: times + 1, lastAt: clock.now(), isTold });
      }
    },
  };
};
