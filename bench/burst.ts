import { apiWrites, type ApiWrites, writesBetween } from '../test/support/cluster/api-writes.ts';
import { eventually } from '../test/support/cluster/eventually.ts';
import { apply, l2Advertisement, pool } from '../test/support/cluster/objects.ts';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, onClient, poolRange, progress, withCluster } from './cluster/cluster.ts';
import { controllerWrites, sumOf } from './cluster/controllers.ts';
import { type CpuUse, measureCpu } from './cluster/cpu.ts';
import { type BenchOptions, inThousands, sizesOf } from './options.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

type Burst = {
  /** From before the POST of a service until a watch showed its address. */
  readonly latencies: number[];
  readonly firstPost: number;
  readonly lastCreate: number;
  readonly lastAddress: number;
};

/** What was written, and what it cost, since a moment. */
type Spent = { readonly writes: number; readonly byController: number; readonly cpu: CpuUse };

/** Waits until nothing of ours has been written for three seconds. */
const settled = async (sandbox: Sandbox): Promise<ApiWrites> => {
  let last = await apiWrites(sandbox);
  return eventually(
    'the writes settle',
    async () => {
      const now = await apiWrites(sandbox);
      const isSettled = writesBetween(last, now) === 0;
      last = now;
      return isSettled && now;
    },
    { every: 3000, timeout: 600_000 },
  );
};

/** Begins to measure when all is at rest; the function that it gives waits for that again. */
const measure = async (sandbox: Sandbox): Promise<{ busy: () => CpuUse; end: () => Promise<Spent> }> => {
  const before = await settled(sandbox);
  const byController = await controllerWrites(sandbox);
  const busy = await measureCpu(sandbox);
  return {
    busy,
    end: async () => {
      const after = await settled(sandbox);
      const cpu = busy();
      return {
        writes: writesBetween(before, after),
        byController: sumOf(await controllerWrites(sandbox), byController),
        cpu,
      };
    },
  };
};

/** Who was busy: per service until the last write, and of the time until the last address. */
const costs = (label: string, services: number, { byController, cpu }: Spent, busy: CpuUse): BenchRow[] => [
  {
    case: `${label}, controller`,
    n: services,
    writes: byController,
    writesPerService: byController / services,
    cpuPercent: (busy.controller / busy.passed) * 100,
    cpuMsPerService: cpu.controller / services,
  },
  {
    case: `${label}, kube-apiserver`,
    n: services,
    cpuPercent: (busy.apiServer / busy.passed) * 100,
    cpuMsPerService: cpu.apiServer / services,
  },
];

const burst = async (sandbox: Sandbox, services: number, label: string): Promise<BenchRow[]> => {
  await applyPool(sandbox);
  const { busy, end } = await measure(sandbox);
  progress(`creating ${services} services by four writers`);
  const result = await onClient<Burst>(sandbox, 'burst-program.ts', 'burst', String(services), '4');
  const untilLast = busy();
  const spent = await end();
  const row = {
    case: label,
    ...summarise(result.latencies),
    writes: spent.writes,
    writesPerService: spent.writes / services,
    perSecond: services / ((result.lastAddress - result.firstPost) / 1000),
    lastMs: result.lastAddress - result.lastCreate,
  };
  return [row, ...costs(label, services, spent, untilLast)];
};

type Conditions = {
  readonly items: readonly { readonly status: { readonly conditions?: readonly { readonly type: string }[] } }[];
};

const pending = async (sandbox: Sandbox, services: number): Promise<BenchRow[]> => {
  const label = `${inThousands(services)} pending, then the pool`;
  progress(`creating ${services} services that no pool serves`);
  const creating = await measure(sandbox);
  const waiting = onClient<Burst>(sandbox, 'burst-program.ts', 'pending', String(services), '4');
  await eventually(
    'all are refused',
    async () => {
      const { items } = (await sandbox.api.request({ path: '/api/v1/namespaces/default/services' })) as Conditions;
      return items.filter(({ status }) => (status.conditions ?? []).length > 0).length === services;
    },
    { every: 2000, timeout: 600_000 },
  );
  const refused = await creating.end();
  const { busy, end } = await measure(sandbox);
  progress('applying the pool');
  const begin = performance.timeOrigin + performance.now();
  await apply(sandbox, pool('bench', [poolRange]), l2Advertisement('bench'));
  const { lastAddress } = await waiting;
  const untilLast = busy();
  const spent = await end();
  return [
    {
      case: `${inThousands(services)} refused for want of a pool, controller`,
      n: services,
      writes: refused.byController,
      writesPerService: refused.byController / services,
      cpuMsPerService: refused.cpu.controller / services,
    },
    {
      case: label,
      n: services,
      writes: spent.writes,
      writesPerService: spent.writes / services,
      perSecond: services / ((lastAddress - begin) / 1000),
      lastMs: lastAddress - begin,
    },
    ...costs(label, services, spent, untilLast),
  ];
};

/** Many services at once, also such that wait for a pool; and what a service costs in writes at ten nodes. */
export const run = async (options: BenchOptions): Promise<BenchResult> => {
  const rows: BenchRow[] = [];
  for (const services of sizesOf(options, [1000, 5000])) {
    const label = `${inThousands(services)} services`;
    rows.push(...(await withCluster(3, (sandbox) => burst(sandbox, services, label))));
    rows.push(...(await withCluster(3, (sandbox) => pending(sandbox, services))));
  }
  if (options.services === undefined) {
    rows.push(...(await withCluster(10, (sandbox) => burst(sandbox, 100, '100 services, 10 nodes'))));
  }
  return { bench: 'burst', unit: 'ms', rows };
};
