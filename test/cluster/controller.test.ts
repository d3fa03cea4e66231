import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import { apiWrites, writesBetween } from '../support/cluster/api-writes.ts';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, rolledOut } from '../support/cluster/metallb.ts';
import { apply, l2Advertisement, loadBalancer, type Manifest, pool, remove } from '../support/cluster/objects.ts';
import { badObjects } from './bad-objects.ts';

const cluster = metallbCluster({ nodes: 1 });

type Services = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly status: {
      readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] };
      readonly conditions?: readonly { readonly type: string }[];
    };
  }[];
};

/** Addresses and versions of all services of the default namespace, by name. */
const allServices = async (): Promise<Map<string, { address: string | undefined; version: string }>> => {
  const path = collectionPath(resources.services, 'default');
  const { items } = (await cluster().api.request({ path })) as Services;
  return new Map(
    items.map(({ metadata, status }) => [
      metadata.name,
      { address: status.loadBalancer.ingress?.[0]?.ip, version: metadata.resourceVersion },
    ]),
  );
};

/** Waits until every one of these services has an address; gives the addresses in their order. */
const addressesOfAll = (wanted: readonly Manifest[]): Promise<readonly string[]> =>
  eventually('all have an address', async () => {
    const found = await allServices();
    const addresses = wanted.map(({ metadata }) => found.get(metadata.name)?.address);
    return addresses.every((address) => address !== undefined) && addresses;
  });

/** Waits until each of these services says in a condition who announces it, or why nobody does: the last that is written. */
const allAreExplained = (wanted: readonly Manifest[]): Promise<unknown> =>
  eventually('who announces them is said', async () => {
    const path = collectionPath(resources.services, 'default');
    const { items } = (await cluster().api.request({ path })) as Services;
    const explained = items
      .filter(({ status }) => status.conditions?.some(({ type }) => type === 'metallb.io/Announced'))
      .map(({ metadata }) => metadata.name);
    return wanted.every(({ metadata }) => explained.includes(metadata.name));
  });

type PoolStatus = { readonly assignedIPv4: number; readonly availableIPv4: number };

/** Waits until the controller has counted the addresses of a pool, so many given. */
const counted = (name: string, assigned = 0): Promise<PoolStatus> =>
  eventually(`the pool ${name} is counted`, async () => {
    const path = objectPath(resources.ipAddressPools, 'metallb-system', name);
    const { status } = (await cluster().api.request({ path })) as { readonly status?: PoolStatus };
    return status?.assignedIPv4 === assigned && status;
  });

type Events = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly involvedObject: { readonly name: string };
    readonly reportingComponent?: string;
  }[];
};

/** What our programs have told so far: a line for each event, another once it is counted again. */
const toldByUs = async (): Promise<readonly string[]> => {
  const { items } = (await cluster().api.request({ path: collectionPath(resources.events) })) as Events;
  return items
    .filter(({ reportingComponent }) => reportingComponent?.startsWith('metallb-'))
    .map(({ metadata, involvedObject }) => `${involvedObject.name}: ${metadata.name} ${metadata.resourceVersion}`)
    .sort();
};

const warnings = async (service: string) =>
  (await eventsOf(cluster(), 'Service', service)).filter(({ type }) => type === 'Warning');

const failure = (service: string): Promise<string> =>
  eventually(
    `${service} says why it has no address`,
    async () => (await warnings(service)).find(({ reason }) => reason === 'AllocationFailed')?.message,
  );

const services = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, index) => loadBalancer(`${prefix}-${index}`));

test.each(badObjects)('the API server refuses $name', async ({ yaml, message }) => {
  const { code, stderr } = await cluster().kubectl(['apply', '-f', '-'], { input: yaml, check: false });
  expect(code).not.toBe(0);
  expect(stderr).toContain(message);
});

test('every list of selectors can be applied by the server', async () => {
  const selectors = [{ matchLabels: { a: 'b' } }, { matchExpressions: [{ key: 'c', operator: 'Exists' }] }];
  const objects = [
    pool('pinned', ['198.18.1.0/29'], {
      serviceAllocation: { namespaceSelectors: selectors, serviceSelectors: selectors },
    }),
    l2Advertisement('pinned', {
      ipAddressPoolSelectors: selectors,
      nodeSelectors: selectors,
      serviceSelectors: selectors,
    }),
  ];
  for (const object of objects) {
    const { stdout } = await cluster().kubectl(['apply', '--server-side', '-f', '-'], {
      input: JSON.stringify(object),
    });
    expect(stdout).toContain('serverside-applied');
  }
  await remove(cluster(), ...objects);
});

test('a full pool is named, and a freed address goes to the one that waits', async () => {
  const objects = [pool('small', ['198.18.1.0-198.18.1.1']), l2Advertisement('small')];
  await apply(cluster(), ...objects);
  await counted('small');
  await apply(cluster(), ...services('full', 3));
  await eventually('two have an address', async () => {
    const found = await allServices();
    return [0, 1, 2].filter((index) => found.get(`full-${index}`)?.address !== undefined).length === 2;
  });
  const found = await allServices();
  const waiting = [0, 1, 2].find((index) => found.get(`full-${index}`)?.address === undefined);
  const message = await failure(`full-${waiting}`);
  expect(message).toContain(`Failed to allocate IP for "default/full-${waiting}": no available IPs`);
  expect(message).toContain('"small"');
  expect(message).toContain('2 of 2');
  const other = [0, 1, 2].find((index) => index !== waiting);
  await remove(cluster(), loadBalancer(`full-${other}`));
  await eventually('the freed address is given', async () => (await addressesOf(cluster(), `full-${waiting}`))[0]);
  await remove(cluster(), ...objects, ...services('full', 3));
});

test('an unknown pool, a bad annotation and a held address are each said, once', async () => {
  const objects = [pool('small', ['198.18.1.0/29']), l2Advertisement('small')];
  await apply(cluster(), ...objects);
  await counted('small');
  const wanted = [
    loadBalancer('unknown-pool', { annotations: { 'metallb.io/address-pool': 'nowhere' } }),
    loadBalancer('bad-annotation', { annotations: { 'metallb.universe.tf/loadBalancerIPs': '198.18.1.x' } }),
    loadBalancer('first', { loadBalancerIP: '198.18.1.4' }),
  ];
  await apply(cluster(), ...wanted);
  await eventually('the first has it', async () => (await addressesOf(cluster(), 'first'))[0] === '198.18.1.4');
  const second = loadBalancer('second', { annotations: { 'metallb.io/loadBalancerIPs': '198.18.1.4' } });
  await apply(cluster(), second);
  expect(await failure('unknown-pool')).toContain('unknown pool "nowhere"');
  expect(await failure('second')).toContain('default/first');
  const bad = await eventually('the bad annotation is named', async () =>
    (await warnings('bad-annotation')).find(({ reason }) => reason === 'LoadBalancerFailed'),
  );
  expect(bad.message).toContain('198.18.1.x');
  // What changes nothing for them says nothing again.
  const before = await apiWrites(cluster());
  await apply(cluster(), pool('far', ['198.18.9.0/29'], { autoAssign: false }));
  await counted('far');
  expect(writesBetween(before, await apiWrites(cluster()), ['services/status', 'events'])).toBe(0);
  await remove(cluster(), ...objects, ...wanted, second, pool('far', []));
});

test('a service that no advertisement covers keeps its address and is told once what to apply', async () => {
  const [dark, service] = [pool('dark', ['198.18.1.0/29']), loadBalancer('dark')];
  await apply(cluster(), dark);
  await counted('dark');
  await apply(cluster(), service);
  const told = await eventually('the service is told', async () => {
    const lines = await warnings('dark');
    return lines.length > 0 && lines;
  });
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ count: 1, component: 'metallb-controller' });
  expect(told[0]?.message).toContain('L2Advertisement');
  expect(told[0]?.message).toContain('"dark"');
  expect(await addressesOf(cluster(), 'dark')).toEqual(['198.18.1.0']);
  await remove(cluster(), dark, service);
});

test('a restart with 200 services changes no address and writes nothing', async () => {
  const objects = [pool('wide', ['198.18.10.0/23']), l2Advertisement('wide')];
  const many = services('many', 200);
  await apply(cluster(), ...objects);
  await Promise.all(many.map((service) => apply(cluster(), service)));
  await addressesOfAll(many);
  expect((await counted('wide', 200)).availableIPv4).toBe(312);
  await eventually('each is told its address', async () => {
    const told = await toldByUs();
    return many.every(({ metadata }) => told.some((line) => line.startsWith(`${metadata.name}:`)));
  });
  await allAreExplained(many);

  const before = { services: await allServices(), told: await toldByUs(), writes: await apiWrites(cluster()) };
  await cluster().kubectl(['-n', 'metallb-system', 'delete', 'pod', '-l', 'component=controller', '--wait=true'], {
    timeout: 60_000,
  });
  await rolledOut(cluster(), 'deployment/controller');
  expect(await allServices()).toEqual(before.services);
  expect(await toldByUs()).toEqual(before.told);
  const ours = ['services/status', 'services', 'ipaddresspools', 'ipaddresspools/status'];
  expect(writesBetween(before.writes, await apiWrites(cluster()), ours)).toBe(0);

  // A new service shows that the new controller works, and that nothing was on its way: what it takes are the only writes.
  await apply(cluster(), loadBalancer('late'));
  await addressesOfAll([loadBalancer('late')]);
  await counted('wide', 201);
  const told = await eventually('the new service is told', async () => {
    const lines = await toldByUs();
    return lines.length > before.told.length && lines;
  });
  expect(told.filter((line) => !line.startsWith('late:'))).toEqual(before.told);
  await allAreExplained([loadBalancer('late')]);
  const after = { services: await allServices(), writes: await apiWrites(cluster()) };
  after.services.delete('late');
  expect(after.services).toEqual(before.services);
  // Its address, and who announces it.
  expect(writesBetween(before.writes, after.writes, ['services/status'])).toBe(2);
  expect(writesBetween(before.writes, after.writes, ['ipaddresspools', 'ipaddresspools/status'])).toBe(1);
  await remove(cluster(), ...objects, ...many, loadBalancer('late'));
});

test('services created while kube-apiserver restarts are all served, each with an address of its own', async () => {
  const objects = [pool('wide', ['198.18.10.0/23']), l2Advertisement('wide')];
  await apply(cluster(), ...objects);
  const many: Manifest[] = [];
  const restarted = new AbortController();
  const create = async (): Promise<void> => {
    while (!restarted.signal.aborted || many.length < 60) {
      const service = loadBalancer(`storm-${many.length}`);
      await eventually('the API server takes it', () => apply(cluster(), service).then(() => true));
      many.push(service);
      await sleep(30);
    }
  };
  const restart = async (): Promise<void> => {
    try {
      await eventually('some have an address', async () => (await allServices()).get('storm-5')?.address);
      await cluster().restart('kube-apiserver');
    } finally {
      restarted.abort();
    }
  };
  await Promise.all([create(), restart()]);
  const addresses = await addressesOfAll(many);
  expect(new Set(addresses).size).toBe(many.length);
  await remove(cluster(), ...objects, ...many);
});
