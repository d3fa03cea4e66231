import { setTimeout as sleep } from 'node:timers/promises';
import { measureOutage, type Mishap, prepareFailover } from '../test/support/cluster/failover.ts';
import { progress, withCluster } from './cluster/cluster.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

const repetitions = 20;

/** A speaker that came back knows the others by then. */
const settleMs = 1000;

type Case = { readonly name: string; readonly nodes: number; readonly nics: number; readonly mishap: Mishap };

const cases: readonly Case[] = [
  { name: 'node crash, 3 nodes', nodes: 3, nics: 1, mishap: 'node crash' },
  { name: 'speaker crash', nodes: 3, nics: 1, mishap: 'speaker crash' },
  { name: 'carrier loss, 1 NIC', nodes: 3, nics: 1, mishap: 'carrier loss' },
  { name: 'planned stop', nodes: 3, nics: 1, mishap: 'planned stop' },
  { name: 'carrier loss, 2 NICs', nodes: 3, nics: 2, mishap: 'carrier loss' },
  { name: 'node crash, 10 nodes', nodes: 10, nics: 1, mishap: 'node crash' },
];

/** How long a client that asks every 5 ms goes without an answer when something happens to the owner of the address. */
export const run = async (): Promise<BenchResult> => {
  const rows: BenchRow[] = [];
  const clusters = Map.groupBy(cases, ({ nodes, nics }) => `${nodes} nodes, ${nics} NICs`);
  for (const group of clusters.values()) {
    const [{ nodes, nics } = { nodes: 3, nics: 1 }] = group;
    await withCluster(
      nodes,
      async (sandbox) => {
        const address = await prepareFailover(sandbox);
        for (const { name, mishap } of group) {
          const silences: number[] = [];
          let lost = 0;
          for (let trial = 0; trial < repetitions; trial++) {
            await sleep(settleMs);
            const outage = await measureOutage(sandbox, address, mishap);
            silences.push(outage.silenceMs);
            lost += outage.lost;
            progress(
              `${name}, ${trial + 1} of ${repetitions}: ${outage.silenceMs.toFixed(0)} ms, ` +
                `${outage.lost} lost, ${outage.from} → ${outage.to}`,
            );
          }
          rows.push({ case: name, ...summarise(silences), lost });
        }
      },
      { nics },
    );
  }
  return { bench: 'failover', unit: 'ms', rows };
};
