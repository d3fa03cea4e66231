import { setTimeout as sleep } from 'node:timers/promises';
import { apiWrites, writesBetween } from '../test/support/cluster/api-writes.ts';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, createServices, progress, withCluster } from './cluster/cluster.ts';
import { bothReady, controllerWrites, leaderOf, sumOf } from './cluster/controllers.ts';
import { cpuSeconds, processesOf } from '../test/support/cluster/processes.ts';
import { type BenchOptions, inThousands, sizesOf } from './options.ts';
import type { BenchResult, BenchRow } from './result.ts';

const seconds = 60;

const rest = async (sandbox: Sandbox, services: number, nodes: number): Promise<BenchRow[]> => {
  await applyPool(sandbox);
  await createServices(sandbox, 'rest', services);
  await bothReady(sandbox);
  progress('waiting until the announcements of the burst are over');
  await sleep(20_000);
  const leader = await leaderOf(sandbox);
  const controllers = await processesOf(sandbox, 'controller');
  const standby = controllers.filter(({ pid }) => pid !== leader.pid);
  const speakers = await processesOf(sandbox, 'speaker');
  const before = { all: await apiWrites(sandbox), controllers: await controllerWrites(sandbox) };
  const cpuBefore = new Map([...controllers, ...speakers].map(({ pid }) => [pid, cpuSeconds(pid)]));
  progress(`watching for ${seconds} s`);
  await sleep(seconds * 1000);
  const cpuOf = ({ pid }: { readonly pid: number }) => ((cpuSeconds(pid) - (cpuBefore.get(pid) ?? 0)) / seconds) * 100;
  const busiest = (processes: typeof controllers) => Math.max(...processes.map(cpuOf));
  const cpu = { leader: cpuOf(leader), standby: busiest(standby), speakers: busiest(speakers) };
  const writes = writesBetween(before.all, await apiWrites(sandbox));
  const byControllers = sumOf(await controllerWrites(sandbox), before.controllers);
  const load = `${inThousands(services)} services, ${nodes} nodes`;
  return [
    { case: `${load}, controller that leads`, n: 1, writes: byControllers, cpuPercent: cpu.leader },
    { case: `${load}, controller on standby`, n: standby.length, writes: byControllers, cpuPercent: cpu.standby },
    { case: `${load}, busiest of ${speakers.length} speakers`, n: speakers.length, writes, cpuPercent: cpu.speakers },
  ];
};

/**
 * What our programs do when nothing happens: processor time over a minute, and writes, without those of the Lease: of
 * both controllers together; and with the speakers' line, of all our programs as kube-apiserver counts them.
 */
export const run = async (options: BenchOptions): Promise<BenchResult> => {
  const rows: BenchRow[] = [];
  for (const services of sizesOf(options, [1000])) {
    rows.push(...(await withCluster(3, (sandbox) => rest(sandbox, services, 3))));
  }
  if (options.services === undefined) rows.push(...(await withCluster(10, (sandbox) => rest(sandbox, 100, 10))));
  return { bench: 'rest', unit: 's', rows };
};
