import type { Change } from '../../src/k8s/watch/reflector.ts';
import { createWorkQueue, type WorkOutcome, type WorkQueueOptions } from '../../src/k8s/work-queue.ts';
import { type PoolStatusOptions, poolStatusWriter } from './pool-status-writer.ts';
import type { PoolView } from './pool-view.ts';

export type PoolStatusesOptions = PoolStatusOptions & {
  /** Done around each piece of work. */
  readonly measured: (work: () => Promise<WorkOutcome>) => Promise<WorkOutcome>;
  readonly onError: WorkQueueOptions<string>['onError'];
};

/** Keeps the counters in the status of every `IPAddressPool` current. */
export type PoolStatuses = {
  readonly onPool: (change: Change<PoolView>) => void;
  /** The counters of a pool may have changed. A pool of the old ConfigMap is no object and has no status. */
  readonly touch: (pool: string) => void;
  /** How many pools are to be written. */
  readonly depth: () => number;
  /** Starts no more writes; settles when those under way have ended. */
  readonly stop: () => Promise<void>;
};

const writesAtOnce = 4;

/** Begins with the pools that there are; nothing is written before one is touched. */
export const poolStatuses = (options: PoolStatusesOptions, pools: Iterable<PoolView>): PoolStatuses => {
  const { clock, measured, onError } = options;
  const writer = poolStatusWriter(options);
  const queue = createWorkQueue<string>({
    clock,
    work: async (pool) => measured(async () => writer.work(pool)),
    onError,
    concurrency: writesAtOnce,
  });
  const objects = new Set<string>();
  const take = ({ resource, counters }: PoolView): void => {
    objects.add(resource.metadata.name);
    writer.observe(resource.metadata.name, counters);
  };
  const touch = (pool: string): void => {
    if (!objects.has(pool)) return;
    writer.touch(pool);
    queue.add(pool);
  };
  for (const pool of pools) take(pool);

  return {
    onPool: (change) => {
      if (change.type === 'deleted') {
        const { name } = change.before.resource.metadata;
        objects.delete(name);
        writer.observe(name, undefined);
      } else {
        take(change.now);
        // Whoever edited the counters sees them put right.
        touch(change.now.resource.metadata.name);
      }
    },
    touch,
    depth: queue.depth,
    stop: queue.stop,
  };
};
