import { apiWrites, writesBetween } from '../test/support/cluster/api-writes.ts';
import { eventually } from '../test/support/cluster/eventually.ts';
import { apply, l2Advertisement, pool } from '../test/support/cluster/objects.ts';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, onClient, progress, withCluster } from './cluster/cluster.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

const count = 1000;

type Burst = {
  /** From before the POST of a service until a watch showed its address. */
  readonly latencies: number[];
  readonly firstPost: number;
  readonly lastCreate: number;
  readonly lastAddress: number;
};

/** Waits until nothing of ours has been written for three seconds, and gives the writes since `before`. */
const settledWrites = async (sandbox: Sandbox, before: Awaited<ReturnType<typeof apiWrites>>): Promise<number> => {
  let last = -1;
  return eventually(
    'the writes settle',
    async () => {
      const now = writesBetween(before, await apiWrites(sandbox));
      const isSettled = now === last;
      last = now;
      return isSettled && now;
    },
    { every: 3000, timeout: 300_000 },
  );
};

const burst = async (sandbox: Sandbox, services: number, label: string): Promise<BenchRow> => {
  await applyPool(sandbox);
  const before = await settledState(sandbox);
  progress(`creating ${services} services by four writers`);
  const result = await onClient<Burst>(sandbox, 'burst-program.ts', 'burst', String(services), '4');
  const writes = await settledWrites(sandbox, before);
  return {
    case: label,
    ...summarise(result.latencies),
    writes,
    writesPerService: writes / services,
    perSecond: services / ((result.lastAddress - result.firstPost) / 1000),
    lastMs: result.lastAddress - result.lastCreate,
  };
};

/** The count of writes once the pools have been counted. */
const settledState = async (sandbox: Sandbox) => {
  await settledWrites(sandbox, await apiWrites(sandbox));
  return apiWrites(sandbox);
};

const pending = async (sandbox: Sandbox): Promise<BenchRow> => {
  progress(`creating ${count} services that no pool serves`);
  const before = await apiWrites(sandbox);
  const waiting = onClient<Burst>(sandbox, 'burst-program.ts', 'pending', String(count), '4');
  await eventually('all are refused', async () => {
    const { stdout } = await sandbox.kubectl(['get', 'services', '-o', 'name'], { timeout: 60_000 });
    return stdout.split('\n').filter((name) => name.includes('/pending-')).length === count;
  });
  await settledWrites(sandbox, before);
  const atPool = await apiWrites(sandbox);
  progress('applying the pool');
  const begin = performance.timeOrigin + performance.now();
  await apply(sandbox, pool('bench', ['198.18.64.0/19']), l2Advertisement('bench'));
  const { lastAddress } = await waiting;
  const writes = await settledWrites(sandbox, atPool);
  return {
    case: `${count} services that wait for the pool`,
    n: count,
    writes,
    writesPerService: writes / count,
    perSecond: count / ((lastAddress - begin) / 1000),
    lastMs: lastAddress - begin,
  };
};

/** Many services at once; and what a service costs in writes at three nodes and at ten. */
export const run = async (): Promise<BenchResult> => {
  const rows = [
    await withCluster(3, (sandbox) => burst(sandbox, count, `${count} services, four writers, 3 nodes`)),
    await withCluster(3, pending),
    await withCluster(10, (sandbox) => burst(sandbox, 100, '100 services, four writers, 10 nodes')),
  ];
  return { bench: 'burst', unit: 'ms', rows };
};
