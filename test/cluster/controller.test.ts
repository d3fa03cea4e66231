import { expect, test } from 'vitest';
import { apiWrites, writesBetween } from '../support/cluster/api-writes.ts';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, getObject, rolledOut } from '../support/cluster/metallb.ts';
import { apply, l2Advertisement, loadBalancer, pool, remove } from '../support/cluster/objects.ts';
import { badObjects } from './bad-objects.ts';

const cluster = metallbCluster({ nodes: 1 });

type Services = {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly resourceVersion: string };
    readonly status: { readonly loadBalancer: { readonly ingress?: readonly { readonly ip: string }[] } };
  }[];
};

/** Addresses and versions of all services of the default namespace, by name. */
const allServices = async (): Promise<Map<string, { address: string | undefined; version: string }>> => {
  const list = await getObject<Services>(cluster(), 'services');
  return new Map(
    (list?.items ?? []).map(({ metadata, status }) => [
      metadata.name,
      { address: status.loadBalancer.ingress?.[0]?.ip, version: metadata.resourceVersion },
    ]),
  );
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

test('a full pool is named, and a freed address goes to the one that waits', async () => {
  const objects = [pool('small', ['198.18.1.0-198.18.1.1']), l2Advertisement('small')];
  await apply(cluster(), ...objects, ...services('full', 3));
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
  await eventually('the pool is counted', async () => {
    const status = await getObject<{ status?: object }>(cluster(), '-n', 'metallb-system', 'ipaddresspool', 'far');
    return status?.status !== undefined;
  });
  expect(writesBetween(before, await apiWrites(cluster()), ['services/status', 'events'])).toBe(0);
  await remove(cluster(), ...objects, ...wanted, second, pool('far', []));
});

test('a service that no advertisement covers keeps its address and is told once what to apply', async () => {
  const objects = [pool('dark', ['198.18.1.0/29']), loadBalancer('dark')];
  await apply(cluster(), ...objects);
  const told = await eventually('the service is told', async () => {
    const lines = await warnings('dark');
    return lines.length > 0 && lines;
  });
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({ count: 1, component: 'metallb-controller' });
  expect(told[0]?.message).toContain('L2Advertisement');
  expect(told[0]?.message).toContain('"dark"');
  expect(await addressesOf(cluster(), 'dark')).toEqual(['198.18.1.0']);
  await remove(cluster(), ...objects);
});

test('a restart with 200 services changes no address and writes nothing', async () => {
  const objects = [pool('wide', ['198.18.10.0/23']), l2Advertisement('wide')];
  const many = services('many', 200);
  await apply(cluster(), ...objects, ...many);
  await eventually('all have an address', async () => {
    const found = await allServices();
    return many.every((_, index) => found.get(`many-${index}`)?.address !== undefined);
  });
  type Pool = { status?: { assignedIPv4: number; availableIPv4: number } };
  const counted = await eventually('the pool is counted', async () => {
    const object = await getObject<Pool>(cluster(), '-n', 'metallb-system', 'ipaddresspool', 'wide');
    return object?.status?.assignedIPv4 === 200 && object.status;
  });
  expect(counted.availableIPv4).toBe(312);
  const before = { services: await allServices(), writes: await apiWrites(cluster()) };
  await cluster().kubectl(['-n', 'metallb-system', 'delete', 'pod', '-l', 'component=controller', '--wait=true'], {
    timeout: 60_000,
  });
  await rolledOut(cluster(), 'deployment/controller');
  // A new service shows that the new controller works; it is the only write.
  await apply(cluster(), loadBalancer('late'));
  await eventually('a new service is served', async () => (await addressesOf(cluster(), 'late'))[0]);
  const after = { services: await allServices(), writes: await apiWrites(cluster()) };
  after.services.delete('late');
  expect(after.services).toEqual(before.services);
  expect(writesBetween(before.writes, after.writes, ['services/status'])).toBe(1);
  await remove(cluster(), ...objects, ...many, loadBalancer('late'));
});

test('services created while kube-apiserver restarts are all served, each with an address of its own', async () => {
  const objects = [pool('wide', ['198.18.10.0/23']), l2Advertisement('wide')];
  await apply(cluster(), ...objects);
  const many = services('storm', 60);
  const creating = (async () => {
    for (const service of many) {
      await eventually('the API server takes it', () => apply(cluster(), service).then(() => true), { every: 500 });
    }
  })();
  await eventually('some have an address', async () => (await addressesOf(cluster(), 'storm-5'))[0]);
  await cluster().restart('kube-apiserver');
  await creating;
  await eventually('all have an address', async () => {
    const found = await allServices();
    return many.every((_, index) => found.get(`storm-${index}`)?.address !== undefined);
  });
  const found = await allServices();
  const addresses = many.map((_, index) => found.get(`storm-${index}`)?.address);
  expect(new Set(addresses).size).toBe(many.length);
  await remove(cluster(), ...objects, ...many);
});
