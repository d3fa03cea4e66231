import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import {
  type BurningCluster,
  bareLoadBalancer,
  namespace,
  type Replica,
  services,
  startBurningCluster,
} from '../support/api-server/burning-cluster.ts';
import { expectNoBabble, expectNoHotLoop } from '../support/api-server/calm.ts';
import type { FaultRule } from '../support/api-server/fault-proxy.ts';
import { seededRandom } from '../simulation/random.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { pool } from '../support/cluster/objects.ts';

/** Its two replicas live through all of it. */
let cluster: BurningCluster;

beforeAll(async () => {
  cluster = await startBurningCluster();
  await cluster.create(pool('first', ['198.18.0.0/17']), pool('second', ['198.18.128.0/17'], { autoAssign: false }));
});

afterAll(async () => {
  await cluster?.close();
});

beforeEach(({ onTestFailed }) => {
  onTestFailed(() => {
    for (const { controller } of cluster.replicas) {
      const lines = controller.log.slice(-30).map((line) => JSON.stringify(line).slice(0, 500));
      console.log(`controller ${controller.pid}: ${controller.ending() ?? 'runs'}\n${lines.join('\n')}`);
    }
  });
});

/** Services of each test: before it burns, and made while it burns. */
const [oldServices, newServices] = [8, 24];

/** Lines of one kind about one object in the log of a replica while a fault lasts: each is tried again, less and less often. */
const mostOfAKind = 12;

/** Services that the tests so far have made. */
let created = 0;

/** MiB that a replica may have resident; it begins with 90. */
const mostMemory = 130;

/** Milliseconds without a write that are rest. */
const rest = 2000;

const createServices = async (prefix: string, count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await cluster.create(bareLoadBalancer(`${prefix}-${i}`));
};

const untilServed = async (prefix: string, count: number): Promise<void> => {
  const areServed = (): boolean => {
    const addresses = [...cluster.witness.addresses(prefix).values()];
    return addresses.length === count && addresses.every(({ length }) => length === 1);
  };
  await eventually(`${count} services ${prefix} have one address each`, areServed, { signal: cluster.life });
};

/** What users do while it burns: they make services, make one anew, and send one to another pool. */
const work = async (label: string): Promise<void> => {
  await createServices(`${label}-new`, newServices);
  await cluster.write({ method: 'DELETE', path: `${services}/${label}-old-0` });
  await cluster.create(bareLoadBalancer(`${label}-old-0`));
  const annotations = { 'metallb.io/address-pool': 'second' };
  await cluster.write({ method: 'PATCH', path: `${services}/${label}-old-1`, body: { metadata: { annotations } } });
};

type RawEvent = {
  readonly source: { readonly component?: string };
  readonly involvedObject: { readonly name: string; readonly uid: string };
  readonly reason: string;
  readonly message: string;
  readonly count: number;
};

/** Events of ours about services with a name that begins so. */
const eventsOf = async (prefix: string): Promise<readonly RawEvent[]> => {
  const path = collectionPath(resources.events, 'default');
  const { items } = (await cluster.api.request({ path })) as { readonly items: readonly RawEvent[] };
  return items.filter(
    ({ source, involvedObject }) => source.component === 'metallb-controller' && involvedObject.name.startsWith(prefix),
  );
};

/**
 * Asserts that no service was told anything twice. All new ones were told something if one replica led throughout: when
 * it leads no more, it cannot write the events that it still has.
 */
const expectEventsOnce = async (label: string, ledThroughout: boolean): Promise<void> => {
  const least = ledThroughout ? newServices : 0;
  await eventually('the events are written', async () => (await eventsOf(label)).length >= least);
  await cluster.rest(rest);
  const events = await eventsOf(label);
  const told = Map.groupBy(events, ({ involvedObject, message }) => `${involvedObject.uid} ${message}`);
  const twice = [...told].filter(([, same]) => same.length > 1 || same[0]?.count !== 1);
  expect(twice.map(([text]) => text)).toEqual([]);
  expect(events.filter(({ reason }) => reason !== 'IPAllocated')).toEqual([]);
};

/** Lets it burn while users work, and asserts that all is well afterwards, and was bearable meanwhile. */
const expectToSurvive = async (label: string, burn: (working: Promise<void>) => Promise<void>): Promise<void> => {
  const { replicas, witness } = cluster;
  created += oldServices + newServices;
  await createServices(`${label}-old`, oldServices);
  await untilServed(label, oldServices);
  const marks = replicas.map(({ proxy, controller }) => ({ calls: proxy.calls.length, lines: controller.log.length }));
  const begin = performance.now();
  await burn(work(label));
  const duration = (performance.now() - begin) / 1000;
  for (const [i, { proxy }] of replicas.entries()) {
    expectNoHotLoop(proxy.calls.slice(marks[i]?.calls), duration, 2 * (oldServices + newServices));
  }
  await untilServed(label, oldServices + newServices);
  const logs = replicas.map(({ controller }, i) => controller.log.slice(marks[i]?.lines));
  await expectEventsOnce(label, !logs.flat().some(({ msg }) => msg === 'this replica leads no more'));
  expect(witness.doubles).toEqual([]);
  expect([...witness.moved].filter((name) => name.startsWith(label))).toEqual([`${label}-old-1`]);
  for (const [i, { controller }] of replicas.entries()) {
    const lines = controller.log.slice(marks[i]?.lines);
    // Its address and who announces it are written by themselves, and fail in the same words.
    expectNoBabble(lines, 2 * mostOfAKind);
    // Who announces a service is said 10 s later: those that the tests before have made may be among them.
    expect(lines.length).toBeLessThan(mostOfAKind * created);
    expect(controller.ending()).toBeUndefined();
    expect(controller.resident()).toBeLessThan(mostMemory);
  }
};

/** Some replicas meet the fault for some seconds, on new connections. */
const byProxy =
  (rule: FaultRule, replicas: () => readonly Replica[] = () => cluster.replicas) =>
  async (working: Promise<void>): Promise<void> => {
    const burning = replicas();
    for (const { proxy } of burning) {
      proxy.inject(rule);
      proxy.breakConnections();
    }
    await Promise.all([working, sleep(5000)]);
    for (const { proxy } of burning) proxy.inject(undefined);
  };

const random = seededRandom(1);

test('an API server that takes more than a second for everything', async () => {
  await expectToSurvive(
    'slow',
    byProxy(() => ({ type: 'delay', milliseconds: 1200 })),
  );
});

test('429, with a wish to be left alone', async () => {
  await expectToSurvive(
    'busy',
    byProxy(() => ({ type: 'answer', status: 429, reason: 'TooManyRequests', retryAfter: 1 })),
  );
});

test('409 for everything that is written', async () => {
  await expectToSurvive(
    'conflict',
    byProxy(({ isWrite, path }) =>
      isWrite && !path.endsWith('/events') ? { type: 'answer', status: 409, reason: 'Conflict' } : undefined,
    ),
  );
});

test('410 for every watch, at its begin or in it', async () => {
  const rule: FaultRule = ({ isWatch }) =>
    isWatch ? { type: random.chance(0.5) ? 'answer' : 'watchError', status: 410, reason: 'Expired' } : undefined;
  await expectToSurvive('gone', byProxy(rule));
});

test('500', async () => {
  await expectToSurvive(
    'broken',
    byProxy(() => ({ type: 'answer', status: 500, reason: 'InternalError' })),
  );
});

test('lists and watches that are cut in mid-object', async () => {
  const rule: FaultRule = ({ isWrite }) => (isWrite ? undefined : { type: 'cut', octets: 1500 + random.below(6000) });
  await expectToSurvive('cut', byProxy(rule));
});

test('connections that break, before a call is made or after it was', async () => {
  const rule: FaultRule = () =>
    random.chance(0.5) ? { type: random.chance(0.5) ? 'reset' : 'loseAnswer' } : undefined;
  await expectToSurvive('reset', byProxy(rule));
});

test('a leader that nobody hears: the other one takes over meanwhile', async () => {
  let cutOff: Replica | undefined;
  const leaderAlone = (): readonly Replica[] => [(cutOff = cluster.leader())];
  const untilServedByTheOther = async (working: Promise<void>): Promise<void> => {
    await working;
    await untilServed('alone', oldServices + newServices);
    expect(cluster.leader()).not.toBe(cutOff);
  };
  const burn = byProxy(() => ({ type: 'swallow' }), leaderAlone);
  await expectToSurvive('alone', (working) => burn(untilServedByTheOther(working)));
});

test('an API server that is killed', async () => {
  await expectToSurvive('killed', async (working) => {
    await cluster.server.stop('SIGKILL');
    await sleep(3000);
    await cluster.server.start();
    await working;
  });
});

test('an etcd that stands still for 30 s', async () => {
  await expectToSurvive('stalled', async (working) => {
    cluster.server.pause('etcd');
    await sleep(30_000);
    cluster.server.resume('etcd');
    await working;
  });
});

/** Calls `work` for each, eight at a time. */
const inParallel = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const left = items.values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of left) await work(item);
    }),
  );
};

test('200 pools, half of them with 2^64 addresses and more', async () => {
  const pools = Array.from({ length: 100 }, (_, i) => [
    pool(`v4-${i}`, [`198.19.${i}.0/30`, `198.19.${i}.128-198.19.${i}.131`]),
    pool(`v6-${i}`, [`fd00:${i}::/${i % 2 === 0 ? 64 : 32}`]),
  ]);
  await inParallel(pools.flat(), async (each) => cluster.create(each));
  const spec = { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' };
  for (let i = 0; i < 20; i++) await cluster.create(bareLoadBalancer(`vast-${i}`, spec));
  await untilServed('vast', 20);
  await cluster.rest(rest);
  expect(new Set([...cluster.witness.addresses('vast').values()].flat()).size).toBe(20);
  const path = objectPath(resources.ipAddressPools, namespace, 'v6-1');
  // 2⁶³ - 1, the most that the definition takes, as a JavaScript number.
  expect(await cluster.api.request({ path })).toMatchObject({ status: { availableIPv6: 2 ** 63 } });
  for (const { controller } of cluster.replicas) expect(controller.resident()).toBeLessThan(mostMemory);
});

test('annotations of 256 KiB', async () => {
  const texts = {
    'metallb.io/loadBalancerIPs': '198.18.9.9,',
    'metallb.io/address-pool': 'x',
    'metallb.io/allow-shared-ip': 'key',
    'metallb.universe.tf/loadBalancerIPs': '"\\\\\\n,',
  };
  const marks = cluster.replicas.map(({ controller }) => controller.log.length);
  for (const [i, [key, text]] of Object.entries(texts).entries()) {
    // All annotations of an object together may have 256 KiB.
    const filled = text.repeat(Math.floor((262_144 - 200) / text.length));
    await cluster.create(bareLoadBalancer(`huge-${i}`, { annotations: { [key]: filled } }));
    for (const more of [',1.2.3.4', '-y']) {
      const body = { metadata: { annotations: { [key]: filled + more } } };
      await cluster.write({ method: 'PATCH', path: `${services}/huge-${i}`, body });
    }
  }
  const begin = performance.now();
  await cluster.create(bareLoadBalancer('small-0'));
  await untilServed('small', 1);
  expect(performance.now() - begin).toBeLessThan(5000);
  await cluster.rest(rest);
  for (const i of Object.keys(texts).keys()) {
    const { status } = (await cluster.api.request({ path: `${services}/huge-${i}` })) as { readonly status: object };
    expect(status).toHaveProperty('conditions');
    expect(JSON.stringify(status).length).toBeLessThan(1024);
  }
  const events = await eventsOf('huge');
  expect(events.length).toBeGreaterThanOrEqual(4);
  expect(events.length).toBeLessThanOrEqual(2 * 4);
  for (const { message, count } of events) expect(Buffer.byteLength(message) * count).toBeLessThanOrEqual(2 * 1024);
  for (const [i, { controller }] of cluster.replicas.entries()) {
    for (const line of controller.log.slice(marks[i])) expect(JSON.stringify(line).length).toBeLessThan(2048);
    expect(controller.resident()).toBeLessThan(mostMemory + 20);
  }
});

test('1,000 services at once', async () => {
  await inParallel(
    Array.from({ length: 1000 }, (_, i) => bareLoadBalancer(`many-${i}`)),
    async (each) => cluster.create(each),
  );
  await untilServed('many', 1000);
  await cluster.rest(rest);
  expect(cluster.witness.doubles).toEqual([]);
  for (const { controller } of cluster.replicas) {
    expect(controller.ending()).toBeUndefined();
    expect(controller.resident()).toBeLessThan(mostMemory + 40);
  }
});
