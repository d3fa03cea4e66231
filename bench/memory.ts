import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, createServices, progress, withCluster } from './cluster/cluster.ts';
import { memory, processesOf } from '../test/support/cluster/processes.ts';
import { type BenchOptions, inThousands, sizesOf } from './options.ts';
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

/**
 * Resident memory of the largest process of each program (VmRSS and RssAnon): idle, and with more and more services. Of
 * the controller's replicas that is the one that works, or the other.
 */
export const run = (options: BenchOptions): Promise<BenchResult> =>
  withCluster(3, async (sandbox) => {
    await applyPool(sandbox);
    const found = await rows(sandbox, 'idle');
    let created = 0;
    for (const size of sizesOf(options, [1000, 6000, 10_000])) {
      await createServices(sandbox, `upto-${size}`, size - created);
      created = size;
      found.push(...(await rows(sandbox, `${inThousands(size)} services`)));
    }
    return { bench: 'memory', unit: 's', rows: found };
  });
