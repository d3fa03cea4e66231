import { setTimeout as sleep } from 'node:timers/promises';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { createEndpoint, createService, epoch, watchAddresses } from './cluster/client.ts';
import { applyPool, createServices, progress, withCluster } from './cluster/cluster.ts';
import { bothReady, leaderOf } from './cluster/controllers.ts';
import { type BenchOptions, inThousands, sizesOf } from './options.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

const repetitions = 12;

/** The standby is warm by then, and the events of the change before are written. */
const settleMs = 3000;

const signals = { SIGKILL: 'kill -9', SIGTERM: 'SIGTERM' } as const;

type Addresses = Awaited<ReturnType<typeof watchAddresses>>;

/** From the end of the leader until a service that is created at that moment has its address. */
const failover = async (
  sandbox: Sandbox,
  addresses: Addresses,
  signal: keyof typeof signals,
  services: number,
): Promise<BenchRow> => {
  const times: number[] = [];
  for (let index = 0; index < repetitions; index++) {
    await bothReady(sandbox);
    // At another moment between two renewals of the Lease each time.
    await sleep(settleMs + (index / repetitions) * 1000);
    const name = `after-${signal.toLowerCase()}-${services}-${index}`;
    await createEndpoint(sandbox.api, name);
    const leader = await leaderOf(sandbox);
    const endedAt = epoch();
    process.kill(leader.pid, signal);
    await createService(sandbox.api, name);
    times.push((await addresses.get(name)).at - endedAt);
    progress(`${signal} ${index + 1} of ${repetitions}: ${times.at(-1)?.toFixed(0)} ms`);
    // A new pod: the old one's container would be started later each time.
    await sandbox.kubectl(['-n', 'metallb-system', 'delete', 'pod', leader.pod], { timeout: 60_000 });
  }
  return { case: `${signals[signal]} of the leader, ${inThousands(services)} services`, ...summarise(times) };
};

/** How long nobody gives addresses when the replica that does it ends. */
export const run = async (options: BenchOptions): Promise<BenchResult> => {
  const rows = await withCluster(3, async (sandbox) => {
    const found: BenchRow[] = [];
    await applyPool(sandbox);
    const addresses = await watchAddresses(sandbox.api);
    let created = 0;
    for (const size of sizesOf(options, [10, 5000])) {
      await createServices(sandbox, `upto-${size}`, size - created);
      created = size;
      found.push(await failover(sandbox, addresses, 'SIGKILL', size));
      found.push(await failover(sandbox, addresses, 'SIGTERM', size));
    }
    return found;
  });
  return { bench: 'leader', unit: 'ms', rows };
};
