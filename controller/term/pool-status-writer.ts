import { type AllocationView, type PoolCounters, poolCounters } from '../../src/domain/allocator/allocator.ts';
import { type Api, isNotFound } from '../../src/k8s/client/api.ts';
import { objectPath, resources } from '../../src/k8s/resources.ts';
import type { WorkOutcome } from '../../src/k8s/work-queue.ts';
import { type Clock, millis, type Millis, seconds } from '../../src/lib/time.ts';

export type PoolStatusOptions = {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Clock;
  readonly allocations: Pick<AllocationView, 'usageOf'>;
  readonly metallbNamespace: string;
};

/** Keeps `IPAddressPool.status` in step with the allocator, seldom enough to cost nothing in a burst. */
export type PoolStatusWriter = {
  /** The counters as the API server has them; undefined: the pool has no status, or is gone. */
  readonly observe: (pool: string, counters: WrittenCounters | undefined) => void;
  /** The counters of the pool may have changed. Follow it with queueing the pool. */
  readonly touch: (pool: string) => void;
  /** The work of the queue: writes the counters of one pool if they differ and the time has come. */
  readonly work: (pool: string) => Promise<WorkOutcome>;
};

/** The counters as JSON gives them: numbers above 2⁵³ are rounded, which does not matter for "has it changed". */
export type WrittenCounters = Readonly<Record<keyof PoolCounters, number>>;

/** A burst is one write: the first change waits a little for those that come with it. */
const gatherFor = millis(100);
/** Between two writes for one pool. */
const pause = seconds(1);

const names = ['assignedIPv4', 'assignedIPv6', 'availableIPv4', 'availableIPv6'] as const;

/** Makes the writer of all pools' counters; `work` is for a work queue whose keys are names of pools. */
export const poolStatusWriter = ({
  api,
  clock,
  allocations,
  metallbNamespace,
}: PoolStatusOptions): PoolStatusWriter => {
  const observed = new Map<string, WrittenCounters>();
  const touchedAt = new Map<string, Millis>();
  const writtenAt = new Map<string, Millis>();
  return {
    observe: (pool, counters) => {
      if (counters === undefined) observed.delete(pool);
      else observed.set(pool, counters);
    },
    touch: (pool) => {
      if (!touchedAt.has(pool)) touchedAt.set(pool, clock.now());
    },
    work: async (pool) => {
      const touched = touchedAt.get(pool);
      if (touched === undefined) return { type: 'done' };
      const due = Math.max(touched + gatherFor, (writtenAt.get(pool) ?? Number.NEGATIVE_INFINITY) + pause);
      if (clock.now() < due) return { type: 'retryAfter', delay: millis(due - clock.now()) };
      touchedAt.delete(pool);
      const usage = allocations.usageOf(pool);
      if (usage === undefined) {
        writtenAt.delete(pool);
        return { type: 'done' };
      }
      const counters = poolCounters(usage);
      const before = observed.get(pool);
      if (before !== undefined && names.every((name) => Number(counters[name]) === before[name])) {
        return { type: 'done' };
      }
      writtenAt.set(pool, clock.now());
      const written = Object.fromEntries(names.map((name) => [name, Number(counters[name])])) as WrittenCounters;
      // Before the call: what is seen while it is under way may be newer.
      observed.set(pool, written);
      try {
        await api.request({
          method: 'PATCH',
          path: objectPath(resources.ipAddressPools, metallbNamespace, pool, 'status'),
          body: { status: Object.fromEntries(names.map((name) => [name, exactNumber(counters[name])])) },
        });
      } catch (error) {
        if (observed.get(pool) === written) observed.delete(pool);
        if (isNotFound(error)) return { type: 'done' };
        if (!touchedAt.has(pool)) touchedAt.set(pool, clock.now());
        throw error;
      }
      return { type: 'done' };
    },
  };
};

/** 2⁶³ - 1 is no JavaScript number, but JSON can say it. */
const exactNumber = (value: bigint): unknown => (JSON as unknown as RawJson).rawJSON(`${value}`);

/** ECMAScript 2026; the compiler's library does not know it. */
type RawJson = { readonly rawJSON: (text: string) => unknown };
