import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../test/support/cluster/eventually.ts';
import { getObject } from '../test/support/cluster/metallb.ts';
import type { Sandbox } from '../test/support/sandbox/sandbox.ts';
import { createEndpoint, createService, watchAddresses } from './cluster/client.ts';
import { applyPool, createServices, progress, startOnClient, withCluster } from './cluster/cluster.ts';
import { bothReady, controllerWrites, scaleControllers, sumOf } from './cluster/controllers.ts';
import { isAlive, type PodProcess, processesOf, startedAt } from '../test/support/cluster/processes.ts';
import { type BenchOptions, inThousands, sizesOf } from './options.ts';
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

/** Deletes the pod of the speaker on a node, and gives the process that follows. */
const restartSpeaker = async (sandbox: Sandbox, { pid, node }: PodProcess): Promise<PodProcess> => {
  await sandbox.kubectl(
    ['-n', 'metallb-system', 'delete', 'pod', '-l', 'component=speaker', `--field-selector=spec.nodeName=${node}`],
    { timeout: 60_000 },
  );
  return eventually(
    'the next process runs',
    async () => (await processesOf(sandbox, 'speaker')).find((process) => process.pid !== pid && process.node === node),
    { every: 5 },
  );
};

/**
 * Ends all replicas, creates a service, and has both start: from the start of the first process until the service has
 * its address. The replicas that ended gave the Lease back.
 */
const controllerStart = async (sandbox: Sandbox, services: number): Promise<BenchRow> => {
  const times: number[] = [];
  let writes = 0;
  let changed = 0;
  const served = await watchAddresses(sandbox.api);
  for (let index = 0; index < restarts; index++) {
    await bothReady(sandbox);
    const before = await addresses(sandbox);
    await scaleControllers(sandbox, 0);
    const name = `new-${index}`;
    await createEndpoint(sandbox.api, name);
    await createService(sandbox.api, name);
    await scaleControllers(sandbox, 2);
    const { at } = await served.get(name);
    await bothReady(sandbox);
    const started = (await processesOf(sandbox, 'controller')).map(({ pid }) => startedAt(pid));
    times.push(at - Math.min(...started));
    await sleep(5000); // late writes would come now
    // The ConfigurationState belongs to the pod, and went with the last one.
    const { configurationstates: _, 'configurationstates/status': __, ...written } = await controllerWrites(sandbox);
    progress(`controller start ${index + 1} of ${restarts}: ${times.at(-1)?.toFixed(0)} ms`);
    // The new service has its status, its event, and is counted in its pool.
    writes += sumOf(written) - 3;
    const after = await addresses(sandbox);
    changed += [...before].filter(([name, ip]) => after.get(name) !== ip).length;
  }
  return { case: `${inThousands(services)} services, controller`, ...summarise(times), writes, changed };
};

type Answers = { readonly last: number; readonly owners: Readonly<Record<string, string>> };

const ask = (sandbox: Sandbox, wanted: readonly string[]): Promise<Answers> => {
  const asking = startOnClient<Answers>(sandbox, 'ask-program.ts');
  asking.finish(wanted);
  return asking.result;
};

const speakerRestart = async (sandbox: Sandbox, count: number): Promise<BenchRow> => {
  await createServices(sandbox, 'held', count);
  const wanted = [...(await addresses(sandbox)).values()];
  await ask(sandbox, wanted);
  const times: number[] = [];
  for (let index = 0; index < restarts; index++) {
    const [old] = await processesOf(sandbox, 'speaker');
    if (old === undefined) throw new Error('there is no speaker');
    const [next, { last }] = await Promise.all([
      restartSpeaker(sandbox, old),
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
  const next = await restartSpeaker(sandbox, old);
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
export const run = async (options: BenchOptions): Promise<BenchResult> => {
  const sizes = sizesOf(options, [1000, 5000]);
  const rows = await withCluster(3, async (sandbox) => {
    const found: BenchRow[] = [];
    await applyPool(sandbox);
    let created = 0;
    for (const size of sizes) {
      await createServices(sandbox, `upto-${size}`, size - created);
      created = size;
      found.push(await controllerStart(sandbox, size));
      if (size === 1000) found.push(await foreignFrames(sandbox));
    }
    return found;
  });
  if (options.services === undefined) {
    rows.push(
      await withCluster(1, async (sandbox) => {
        await applyPool(sandbox);
        return speakerRestart(sandbox, 330);
      }),
    );
  }
  return { bench: 'start', unit: 'ms', rows };
};
