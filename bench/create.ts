import { applyPool, onClient, progress, withCluster } from './cluster/cluster.ts';
import { type BenchResult, summarise } from './result.ts';

const count = 100;

/**
 * From before the POST of a service until a watch shows its address, and until the client's kernel receives the first
 * ARP frame with that address as its sender, three probes later; one service after the other.
 */
export const run = (): Promise<BenchResult> =>
  withCluster(3, async (sandbox) => {
    await applyPool(sandbox);
    progress(`creating ${count} services, one after the other`);
    const { address, frame } = await onClient<{ address: number[]; frame: number[] }>(
      sandbox,
      'create-program.ts',
      String(count),
    );
    return {
      bench: 'create',
      unit: 'ms',
      rows: [
        { case: 'address', ...summarise(address) },
        { case: 'frame', ...summarise(frame) },
      ],
    };
  });
