import { setTimeout as sleep } from 'node:timers/promises';
import { apiWrites, writesBetween } from '../test/support/cluster/api-writes.ts';
import { eventually } from '../test/support/cluster/eventually.ts';
import { getObject } from '../test/support/cluster/metallb.ts';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { applyPool, onClient, progress, startOnClient, withCluster } from './cluster/cluster.ts';
import { type PodProcess, processesOf, startedAt } from './cluster/processes.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

const restarts = 5;

type Services = {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
  }[];
};

const addresses = async (sandbox: Sandbox): Promise<Map<string, string>> => {
  const list = await getObject<Services>(sandbox, 'services');
  return new Map(
    (list?.items ?? []).flatMap(({ metadata, status }) => {
      const ip = status.loadBalancer.ingress?.[0]?.ip;
      return ip === undefined ? [] : [[metadata.name, ip] as const];
    }),
  );
};

/** Deletes the pod of a component on a node, and gives the process that follows. */
const restart = async (
  sandbox: Sandbox,
  component: 'controller' | 'speaker',
  { pid, node }: PodProcess,
): Promise<PodProcess> => {
  await sandbox.kubectl(
    ['-n', 'metallb-system', 'delete', 'pod', '-l', `component=${component}`, `--field-selector=spec.nodeName=${node}`],
    { timeout: 60_000 },
  );
  return eventually(
    'the next process runs',
    async () =>
      (await processesOf(sandbox, component)).find(
        (process) => process.pid !== pid && (component === 'controller' || process.node === node),
      ),
    { every: 5 },
  );
};

const controllerRestart = async (sandbox: Sandbox, services: number): Promise<BenchRow> => {
  const times: number[] = [];
  let writes = 0;
  let changed = 0;
  for (let index = 0; index < restarts; index++) {
    const before = { addresses: await addresses(sandbox), writes: await apiWrites(sandbox) };
    const [old] = await processesOf(sandbox, 'controller');
    if (old === undefined) throw new Error('there is no controller');
    // Waiting for its address from before the restart on; the controller must be the one that is slow.
    const [next, served] = await Promise.all([
      restart(sandbox, 'controller', old),
      eventually('the old controller has ended', () => !isAlive(old.pid), { every: 1 }).then(() =>
        onClient<{ addressed: number }>(sandbox, 'serve-program.ts', `new-${index}`),
      ),
    ]);
    times.push(served.addressed - startedAt(next.pid));
    await sleep(3000); // late writes would come now
    const after = { addresses: await addresses(sandbox), writes: await apiWrites(sandbox) };
    writes += writesBetween(before.writes, after.writes, ['services/status']) - 1; // the new service's own
    changed += [...before.addresses].filter(([name, ip]) => after.addresses.get(name) !== ip).length;
    progress(`controller restart ${index + 1} of ${restarts}: ${times.at(-1)?.toFixed(0)} ms`);
  }
  return {
    case: `controller, ${services} services: exec to a new service's address`,
    ...summarise(times),
    writes,
    changed,
  };
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

type Answers = { readonly last: number; readonly owners: Readonly<Record<string, string>> };

const ask = (sandbox: Sandbox, wanted: readonly string[]): Promise<Answers> => {
  const asking = startOnClient<Answers>(sandbox, 'ask-program.ts');
  asking.finish(wanted);
  return asking.result;
};

const speakerRestart = async (sandbox: Sandbox, count: number): Promise<BenchRow> => {
  await onClient(sandbox, 'burst-program.ts', 'held', String(count), '4');
  const wanted = [...(await addresses(sandbox)).values()];
  await ask(sandbox, wanted);
  const times: number[] = [];
  for (let index = 0; index < restarts; index++) {
    const [old] = await processesOf(sandbox, 'speaker');
    if (old === undefined) throw new Error('there is no speaker');
    const [next, { last }] = await Promise.all([
      restart(sandbox, 'speaker', old),
      eventually('the old speaker has ended', () => !isAlive(old.pid), { every: 1 }).then(() => ask(sandbox, wanted)),
    ]);
    times.push(last - startedAt(next.pid));
    progress(`speaker restart ${index + 1} of ${restarts}: ${times.at(-1)?.toFixed(0)} ms`);
  }
  return { case: `speaker, one node: exec to answers for ${count} addresses`, ...summarise(times) };
};

type Frames = { readonly frames: readonly { readonly at: number; readonly mac: string; readonly address: string }[] };

/** Frames that a restarted speaker sends for addresses that another node owns in the end. */
const foreignFrames = async (sandbox: Sandbox): Promise<BenchRow> => {
  const wanted = [...(await addresses(sandbox)).values()];
  const old = (await processesOf(sandbox, 'speaker')).find(({ node }) => node === 'n1');
  if (old === undefined) throw new Error('there is no speaker on n1');
  const capture = startOnClient<Frames>(sandbox, 'frames-program.ts');
  const next = await restart(sandbox, 'speaker', old);
  progress('capturing for 30 s after the restart of a speaker');
  await sleep(30_000);
  const { owners } = await ask(sandbox, wanted);
  capture.finish();
  const { frames } = await capture.result;
  const mac = await sandbox.lan.host('n1').macOf('eth0');
  const since = startedAt(next.pid);
  const foreign = frames.filter(
    ({ at, mac: sender, address }) =>
      at >= since && sender === mac && owners[address] !== undefined && owners[address] !== mac,
  );
  const own = Object.values(owners).filter((owner) => owner === mac).length;
  return {
    case: `speaker of n1 restarted, 3 nodes, ${wanted.length} addresses, ${own} its own`,
    n: 1,
    foreignFrames: foreign.length,
  };
};

/** What a restart costs: until service, in writes, in changed addresses and in frames for addresses of others. */
export const run = async (): Promise<BenchResult> => {
  const three = await withCluster(3, async (sandbox) => {
    await applyPool(sandbox);
    progress('creating 1,000 services');
    await onClient(sandbox, 'burst-program.ts', 'held', '1000', '4');
    return [await controllerRestart(sandbox, 1000), await foreignFrames(sandbox)];
  });
  const one = await withCluster(1, async (sandbox) => {
    await applyPool(sandbox);
    return speakerRestart(sandbox, 330);
  });
  return { bench: 'start', unit: 'ms', rows: [...three, one] };
};
