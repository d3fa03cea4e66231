import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, onClient, progress, withCluster } from './cluster/cluster.ts';
import { memory, processesOf } from './cluster/processes.ts';
import type { BenchResult, BenchRow } from './result.ts';

/** Long enough for the garbage collections that follow a burst. */
const settleMs = 60_000;

const rows = async (sandbox: Sandbox, load: string): Promise<BenchRow[]> => {
  progress(`${load}: waiting ${settleMs / 1000} s`);
  await sleep(settleMs);
  const row = async (component: 'controller' | 'speaker'): Promise<BenchRow> => {
    const sizes = (await processesOf(sandbox, component)).map(({ pid }) => memory(pid));
    const largest = sizes.toSorted((a, b) => b.rssMiB - a.rssMiB)[0];
    return { case: `${load}, ${component}`, n: sizes.length, ...largest };
  };
  return [await row('controller'), await row('speaker')];
};

const grow = async (sandbox: Sandbox, prefix: string, services: number): Promise<void> => {
  progress(`creating ${services} services`);
  await onClient(sandbox, 'burst-program.ts', prefix, String(services), '4');
};

/** Resident memory of the largest process of each program (VmRSS and RssAnon): idle, with 1,000 and 6,000 services. */
export const run = (): Promise<BenchResult> =>
  withCluster(3, async (sandbox) => {
    await applyPool(sandbox);
    const idle = await rows(sandbox, 'idle');
    await grow(sandbox, 'first', 1000);
    const thousand = await rows(sandbox, '1,000 services');
    await grow(sandbox, 'more', 5000);
    const sixThousand = await rows(sandbox, '6,000 services');
    return { bench: 'memory', unit: 's', rows: [...idle, ...thousand, ...sixThousand] };
  });
