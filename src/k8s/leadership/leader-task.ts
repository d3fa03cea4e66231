import { isNotLeader } from './fenced-api.ts';
import type { Leadership } from './leader-election.ts';
import { createWorkQueue, type WorkOutcome } from '../work-queue.ts';
import { type Clock, type Millis, seconds, within } from '../../lib/time.ts';

export type LeaderTaskOptions = {
  readonly clock: Clock;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
  /** Does what there is to do, from current state, through an API that refuses writes while another replica works. */
  readonly work: () => Promise<WorkOutcome>;
  /** Told of every failure; `delay` is when the work is tried again. */
  readonly onError: (error: unknown, delay: Millis) => void;
};

/** Work that has its effect only while this replica leads. */
export type LeaderTask = {
  /** There may be something to do: it is done now, or when this replica leads. */
  readonly touch: () => void;
  /** Starts nothing more; settles when the work under way has ended, or has taken too long. */
  readonly stop: () => Promise<void>;
};

/** How long the write under way may take when its task ends: an API server that does not answer must not keep us. */
export const writesEndLimit = seconds(2);

/** A leader without the time for a write has it again as soon as its lease is renewed, which changes nothing else. */
const renewalDelay = seconds(1);

/** Makes the task, which follows the leadership until it is stopped. */
export const createLeaderTask = ({ clock, leadership, work, onError }: LeaderTaskOptions): LeaderTask => {
  const queue = createWorkQueue<'work'>({
    clock,
    work: async () => {
      try {
        return await work();
      } catch (error) {
        if (!isNotLeader(error)) throw error;
        return leadership.isLeader() ? { type: 'retryAfter', delay: renewalDelay } : { type: 'done' };
      }
    },
    onError: (_, error, delay) => onError(error, delay),
    concurrency: 1,
  });
  const touch = (): void => queue.add('work');
  const stopFollowing = leadership.onChange(({ isLeader }) => {
    if (isLeader) touch();
  });
  return {
    touch,
    stop: async () => {
      stopFollowing();
      await within(clock, writesEndLimit, queue.stop());
    },
  };
};
