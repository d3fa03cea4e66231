import { setTimeout as sleep } from 'node:timers/promises';
import { apiWrites, writesBetween } from '../test/support/cluster/api-writes.ts';
import { applyPool, onClient, progress, withCluster } from './cluster/cluster.ts';
import { cpuSeconds, processesOf } from './cluster/processes.ts';
import type { BenchResult } from './result.ts';

const count = 1000;
const seconds = 60;

/** What our programs do when nothing happens: writes and processor time over a minute with 1,000 services. */
export const run = (): Promise<BenchResult> =>
  withCluster(3, async (sandbox) => {
    await applyPool(sandbox);
    await onClient(sandbox, 'burst-program.ts', 'rest', String(count), '4');
    progress('waiting until the announcements of the burst are over');
    await sleep(20_000);
    const controllers = await processesOf(sandbox, 'controller');
    const speakers = await processesOf(sandbox, 'speaker');
    const processes = [...controllers, ...speakers].map(({ pid }) => pid);
    const before = { writes: await apiWrites(sandbox), cpu: processes.map(cpuSeconds) };
    progress(`watching for ${seconds} s`);
    await sleep(seconds * 1000);
    const cpu = processes.map((pid, index) => ((cpuSeconds(pid) - (before.cpu[index] ?? 0)) / seconds) * 100);
    const writes = writesBetween(before.writes, await apiWrites(sandbox));
    return {
      bench: 'rest',
      unit: 's',
      rows: [
        { case: '1,000 services, controller', n: 1, writes, cpuPercent: Math.max(...cpu.slice(0, controllers.length)) },
        {
          case: '1,000 services, busiest of 3 speakers',
          n: speakers.length,
          writes,
          cpuPercent: Math.max(...cpu.slice(controllers.length)),
        },
      ],
    };
  });
