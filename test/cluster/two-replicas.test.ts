import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import { type ApiWrites, apiWrites } from '../support/cluster/api-writes.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { getObject, rolledOut } from '../support/cluster/metallb.ts';
import { apply, l2Advertisement, loadBalancer, pool } from '../support/cluster/objects.ts';

const cluster = metallbCluster({ nodes: 2 });

type Lease = { readonly spec: { readonly holderIdentity: string; readonly leaseTransitions: number } };

const lease = async (): Promise<Lease['spec']> => {
  const path = objectPath(resources.leases, 'metallb-system', 'metallb-controller');
  return ((await cluster().api.request({ path })) as Lease).spec;
};

const read = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process has ended
  }
};

/** The pid of the controller in a pod; undefined while it has none. */
const pidOfPod = (pod: string): number | undefined =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .find((pid) => {
      const [program = '', ...args] = read(`/proc/${pid}/cmdline`).split('\0');
      const isNode = /node[^/]*$/.test(program) && args.includes('/app/main.js');
      return isNode && read(`/proc/${pid}/environ`).split('\0').includes(`METALLB_POD_NAME=${pod}`);
    });

/** The process that holds the Lease. */
const leader = (): Promise<{ readonly identity: string; readonly pid: number }> =>
  eventually('a running controller leads', async () => {
    const { holderIdentity: identity } = await lease();
    const pid = pidOfPod(identity.slice(0, identity.lastIndexOf('_')));
    return identity !== '' && pid !== undefined && { identity, pid };
  });

type Services = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
  }[];
};

/** Version and address of the services, by name. */
const services = async (): Promise<Record<string, readonly [version: string, address: string | undefined]>> => {
  const { items } = (await cluster().api.request({ path: collectionPath(resources.services, 'default') })) as Services;
  return Object.fromEntries(
    items
      .filter(({ metadata }) => metadata.name !== 'kubernetes')
      .map(({ metadata, status }) => [
        metadata.name,
        [metadata.resourceVersion, status.loadBalancer.ingress?.[0]?.ip] as const,
      ]),
  );
};

const addressOf = (name: string): Promise<string> =>
  eventually(`${name} gets an address`, async () => (await services())[name]?.[1], { every: 10 });

/** Milliseconds from now until a service that is created at once has its address. */
const timeToAddress = async (name: string): Promise<number> => {
  const begun = performance.now();
  await apply(cluster(), loadBalancer(name));
  await addressOf(name);
  return performance.now() - begun;
};

const bothReady = () =>
  eventually('two replicas are ready', async () => {
    await rolledOut(cluster(), 'deployment/controller');
    const deployment = await getObject<{ readonly status: { readonly readyReplicas?: number } }>(
      cluster(),
      '-n',
      'metallb-system',
      'deployment',
      'controller',
    );
    return deployment?.status.readyReplicas === 2;
  });

/** What nobody but our programs writes in this cluster, Leases aside. */
const kinds =
  /^(services\/status|ipaddresspools|events|secrets|configmaps|configurationstates|customresourcedefinitions|validatingwebhookconfigurations)(\/|$)/;

/** Requests so far of our programs that would change something, refused ones included. */
const writes = async (): Promise<ApiWrites> =>
  Object.fromEntries(Object.entries(await apiWrites(cluster())).filter(([resource]) => kinds.test(resource)));

/** Waits until nothing has been written for 3 s; gives what was written until then. */
const quiet = (): Promise<ApiWrites> =>
  eventually('the writes end', async () => {
    const before = await writes();
    await sleep(3000);
    return JSON.stringify(before) === JSON.stringify(await writes()) && before;
  });

test('one of two ready replicas leads, and at rest neither writes anything but the Lease', async () => {
  await apply(cluster(), pool('wide', ['198.18.10.0/23']), l2Advertisement('wide'));
  await bothReady();
  await timeToAddress('first');
  const { identity } = await leader();
  await eventually('it is said that nobody announces the service', async () => {
    const { stdout } = await cluster().kubectl(['get', 'service', 'first', '-o', 'jsonpath={.status.conditions}']);
    return stdout.includes('metallb.io/Announced');
  });
  const rested = await quiet();
  const versions = await services();
  await sleep(10_000);
  expect(await writes()).toEqual(rested);
  expect(await services()).toEqual(versions);
  expect((await lease()).holderIdentity).toBe(identity);
});

test('when the leader is killed, the other gives addresses', async () => {
  await bothReady();
  const versions = await services();
  const { identity, pid } = await leader();
  process.kill(pid, 'SIGKILL');
  const time = await timeToAddress('after-kill');
  console.log(`kill -9 of the leader to an address: ${time.toFixed(0)} ms`);
  expect((await lease()).holderIdentity).not.toBe(identity);
  // Generous: `npm run bench leader` measures it on a machine that does nothing else.
  expect(time).toBeLessThan(10_000);
  expect(await services()).toMatchObject(versions);
});

test('when the leader is told to end, the other gives addresses at once', async () => {
  await bothReady();
  const versions = await services();
  const { identity, pid } = await leader();
  process.kill(pid, 'SIGTERM');
  const time = await timeToAddress('after-end');
  console.log(`SIGTERM of the leader to an address: ${time.toFixed(0)} ms`);
  expect((await lease()).holderIdentity).not.toBe(identity);
  expect(time).toBeLessThan(3000);
  expect(await services()).toMatchObject(versions);
});

test('a leader that was stopped in the middle of its work writes nothing when it goes on', async () => {
  await bothReady();
  const stopped = await leader();
  const many = Array.from({ length: 100 }, (_, index) => loadBalancer(`storm-${index}`));
  onTestFinished(() => {
    try {
      process.kill(stopped.pid, 'SIGCONT');
    } catch {
      // It has ended meanwhile.
    }
  });
  const created = Promise.all(many.map(async (service) => apply(cluster(), service)));
  await addressOf('storm-3');
  process.kill(stopped.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  await created;
  const isServed = async (): Promise<boolean> => {
    const found = await services();
    return many.every(({ metadata }) => found[metadata.name]?.[1] !== undefined);
  };
  await eventually('all have an address', isServed);
  console.log(`SIGSTOP of the leader to 100 addresses: ${(performance.now() - stoppedAt).toFixed(0)} ms`);
  const next = await leader();
  expect(next.identity).not.toBe(stopped.identity);
  await sleep(Math.max(0, 10_000 - (performance.now() - stoppedAt)));

  const addresses = Object.values(await services()).map(([, address]) => address);
  expect(new Set(addresses).size).toBe(addresses.length);
  const before = { writes: await quiet(), services: await services(), lease: await lease() };
  process.kill(stopped.pid, 'SIGCONT');
  await sleep(5000);
  expect(await writes()).toEqual(before.writes);
  expect(await services()).toEqual(before.services);
  expect(await lease()).toMatchObject({
    holderIdentity: next.identity,
    leaseTransitions: before.lease.leaseTransitions,
  });
  // It is a standby like any other: it takes over again.
  await bothReady();
  process.kill(next.pid, 'SIGTERM');
  await timeToAddress('after-all');
  expect(await services()).toMatchObject(before.services);
});
