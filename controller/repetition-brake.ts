import { type Clock, millis, type Millis, seconds } from '../src/lib/time.ts';

/** A write as far as it can repeat: where, and what is written there. */
export type RepeatableWrite = { readonly object: string; readonly content: string };

/** Slows down writes that are made again and again, because somebody else keeps undoing them. */
export type RepetitionBrake = {
  /**
   * Says how long the next writes have to wait; 0: not at all, and they count as begun. `quarrels`: the objects that
   * somebody fights us for. Each is named once, until there was peace for a while.
   */
  readonly begin: (writes: readonly RepeatableWrite[]) => {
    readonly wait: Millis;
    readonly quarrels: readonly string[];
  };
  /** Counts writes that were begun and made. */
  readonly count: (writes: readonly RepeatableWrite[]) => void;
};

/** The same written again and again: what it is, how often it was made in a row, when it was begun last. */
type Repetition = { readonly content: string; times: number; lastAt: Millis; isTold: boolean };

/** This often the same is written at once; then somebody else writes there, too. */
const mostAtOnce = 3;
/** Between two writes of the same in a quarrel. */
const quarrelDelay = seconds(5);
/** No such write for this long is peace. */
const peaceAfter = seconds(15);

/** Makes it. Objects that are at peace cost nothing. */
export const repetitionBrake = (clock: Pick<Clock, 'now'>): RepetitionBrake => {
  /** In the order of the last beginning. */
  const repetitions = new Map<string, Repetition>();

  const forgetPeaceful = (now: Millis): void => {
    for (const [object, { lastAt }] of repetitions) {
      if (now < lastAt + peaceAfter) break;
      repetitions.delete(object);
    }
  };

  return {
    begin: (writes) => {
      const now = clock.now();
      forgetPeaceful(now);
      const begun = writes.map(({ object, content }): readonly [string, Repetition] => {
        const last = repetitions.get(object);
        return [object, last?.content === content ? last : { content, times: 0, lastAt: now, isTold: false }];
      });
      const repeated = begun.filter(([, { times }]) => times >= mostAtOnce);
      const quarrels = repeated.flatMap(([object, { isTold }]) => (isTold ? [] : object));
      for (const [, repetition] of repeated) repetition.isTold = true;
      const wait = Math.max(0, ...repeated.map(([, { lastAt }]) => lastAt + quarrelDelay - now));
      if (wait > 0) return { wait: millis(wait), quarrels };
      for (const [object, repetition] of begun) {
        repetition.lastAt = now;
        repetitions.delete(object);
        repetitions.set(object, repetition);
      }
      return { wait: millis(0), quarrels };
    },
    count: (writes) => {
      for (const { object } of writes) {
        const repetition = repetitions.get(object);
        if (repetition !== undefined) repetition.times++;
      }
    },
  };
};
