import { writesEndLimit } from '../src/k8s/leadership/leader-task.ts';
import { seconds } from '../src/lib/time.ts';

/**
 * How long ending may take, in its order: the writes under way of all parts, the events, giving back the lease
 * (`src/k8s/leadership/leader-election.ts`). An API server that does not answer must not make of an end in good order a failure.
 */
export const endLimits = {
  writes: writesEndLimit,
  events: seconds(1),
  /** All of it; after that the program fails. */
  all: seconds(6),
};
