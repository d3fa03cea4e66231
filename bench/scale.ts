import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { controllerMetrics } from '../controller/metrics.ts';
import { beginTerm, type Term } from '../controller/term/term.ts';
import type { Assembly } from '../src/domain/config/assemble.ts';
import type { Pool } from '../src/domain/config/configuration.ts';
import { ipv4FromNumber } from '../src/lib/ip.ts';
import { realClock } from '../src/io/real-clock.ts';
import { createEventRecorder } from '../src/k8s/events/events.ts';
import { millis } from '../src/lib/time.ts';
import { configurationOf, poolOf } from '../test/support/builders.ts';
import { everyPool } from '../test/support/plan-rig.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { collectGarbage, heapBytes } from './heap.ts';
import { inThousands } from './options.ts';
import { type BenchResult, type BenchRow, percentile } from './result.ts';
import { MemoryApi } from './scale/memory-api.ts';

const repetitions = 5;
const sizes = [1000, 2000, 5000, 10_000, 20_000];

const firstAddress = 0x0a000000;
/** A pool of the first `count` addresses. */
const poolFor = (count: number): Pool =>
  poolOf('bench', `${ipv4FromNumber(firstAddress)}-${ipv4FromNumber(firstAddress + count - 1)}`);

const assembly = (...pools: readonly Pool[]): Assembly => ({
  configuration: configurationOf(pools, [everyPool]),
  problems: [],
  wantsMark: false,
});

/** The part of the controller that leads, before an API server in memory. */
type Rig = AsyncDisposable & {
  readonly api: MemoryApi;
  readonly term: Term;
  /** How many events were told; of very many at once the recorder drops some. */
  readonly told: () => number;
};

const begin = (api: MemoryApi, first: Assembly): Rig => {
  const shared = { api, clock: realClock, log: silentLog, wallTime: Date.now };
  const events = createEventRecorder({ ...shared, component: 'metallb-controller', host: '' });
  let told = 0;
  const record: typeof events.record = (object, event) => {
    told++;
    events.record(object, event);
  };
  const term = beginTerm(
    { ...shared, events: { record }, metrics: controllerMetrics(), l2StatusesOf: () => undefined, onWork: () => {} },
    { metallbNamespace: 'metallb-system', lbClass: '', reassignOnPoolChange: false },
    api.views(),
    [],
    first,
  );
  api.watch((now, before) => {
    if (now !== undefined && before !== undefined) {
      term.onService({ type: 'updated', key: now.key, before, now, changed: true });
    } else if (now !== undefined) term.onService({ type: 'added', key: now.key, now });
    else if (before !== undefined) term.onService({ type: 'deleted', key: before.key, before });
  });
  return {
    api,
    term,
    told: () => told,
    [Symbol.asyncDispose]: async () => {
      api.watch(() => {});
      await term.end();
      await events.close(millis(0));
    },
  };
};

/** Waits until so many statuses are written and so many events told, and until the events are written. */
const written = async ({ api, told }: Rig, status: number, events = status): Promise<void> => {
  while (api.writes.status < status || told() < events) await sleep(5);
  for (let before = -1; before !== api.writes.events; await sleep(5)) before = api.writes.events;
  if (api.writes.status > status || told() > events) {
    throw new Error(`${told()} events instead of ${events}, and writes: ${JSON.stringify(api.writes)}`);
  }
};

/** Processor time of what is done, in µs. */
const timed = async (work: () => Promise<void> | void): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

/** A cluster with services that have their addresses. */
const servedCluster = async (services: number): Promise<Rig> => {
  const rig = begin(new MemoryApi(), assembly(poolFor(services)));
  rig.api.create(0, services);
  await written(rig, services);
  return rig;
};

/** Each case makes its own cluster, and gives the processor time of the act that it is about. */
const cases: Readonly<Record<string, (services: number) => Promise<number>>> = {
  'services at once': async (services) => {
    await using rig = begin(new MemoryApi(), assembly(poolFor(services)));
    return await timed(async () => {
      rig.api.create(0, services);
      await written(rig, services);
    });
  },
  'pending, then the pool': async (services) => {
    await using rig = begin(new MemoryApi(), assembly());
    rig.api.create(0, services);
    await written(rig, services);
    return await timed(async () => {
      rig.term.onAssembly(assembly(poolFor(services)));
      await written(rig, 2 * services);
    });
  },
  'start with services that are served': async (services) => {
    const before = await servedCluster(services);
    await before[Symbol.asyncDispose]();
    let rig: Rig | undefined;
    const time = await timed(() => {
      rig = begin(before.api, assembly(poolFor(services)));
    });
    await rig?.[Symbol.asyncDispose]();
    return time;
  },
  'pool made larger': async (services) => {
    await using rig = await servedCluster(services);
    return await timed(() => rig.term.onAssembly(assembly(poolFor(2 * services))));
  },
  'pool removed and put back': async (services) => {
    await using rig = await servedCluster(services);
    return await timed(async () => {
      rig.term.onAssembly(assembly());
      await written(rig, 2 * services, 2 * services);
      rig.term.onAssembly(assembly(poolFor(services)));
      await written(rig, 3 * services, 2 * services);
    });
  },
  'deleted, each with another that waits for its address': async (services) => {
    const half = services / 2;
    await using rig = begin(new MemoryApi(), assembly(poolFor(half)));
    rig.api.create(0, services);
    await written(rig, services);
    return await timed(async () => {
      rig.api.remove(0, half);
      await written(rig, services + half);
    });
  },
};

/** What the part that leads holds for its services, their views included. */
const memory = async (services: number): Promise<number> => {
  collectGarbage();
  const before = heapBytes();
  const api = new MemoryApi();
  await using rig = begin(api, assembly(poolFor(services)));
  api.create(0, services);
  await written(rig, services);
  api.forget();
  await sleep(100);
  collectGarbage();
  const held = heapBytes() - before;
  if (rig.term.size() !== services) throw new Error('the services are gone');
  return held / 2 ** 20;
};

/** The controller alone, with an API server in memory: what a service costs it, with few and with many of them. */
export const run = async (): Promise<BenchResult> => {
  const rows: BenchRow[] = [];
  for (const [name, act] of Object.entries(cases)) {
    await act(sizes[0]!); // compilers settle
    for (const services of sizes) {
      const times: number[] = [];
      for (let i = 0; i < repetitions; i++) {
        collectGarbage();
        times.push((await act(services)) / services);
      }
      rows.push({
        case: `${inThousands(services)} services, ${name}`,
        n: services,
        p50: percentile(times, 0.5),
        max: Math.max(...times),
      });
    }
  }
  for (const services of sizes) {
    rows.push({ case: `${inThousands(services)} services, memory`, n: services, heapMiB: await memory(services) });
  }
  return { bench: 'scale', unit: 'us', rows };
};
