import { expect, test } from 'vitest';
import { apiWrites, writesBetween } from '../support/cluster/api-writes.ts';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl, getObject, nodeOfMac, neighbourMac } from '../support/cluster/metallb.ts';
import { apply, backends, l2Advertisement, loadBalancer, pool, remove } from '../support/cluster/objects.ts';

const cluster = metallbCluster();
const type = 'metallb.io/Announced';

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };
type WithConditions = { readonly status?: { readonly conditions?: readonly Condition[] } };
type L2Status = WithConditions & { readonly status?: { readonly node?: string } };

const conditionOf = (object: WithConditions | undefined): Condition | undefined =>
  object?.status?.conditions?.find((condition) => condition.type === type);

/** The condition of a service, once it has that reason. */
const announced = (service: string, reason: string): Promise<Condition> =>
  eventually(`${service} has the reason ${reason}`, async () => {
    const condition = conditionOf(await getObject<WithConditions>(cluster(), 'service', service));
    return condition?.reason === reason && condition;
  });

const statusOf = (service: string): Promise<L2Status | undefined> =>
  getObject<L2Status>(cluster(), '-n', 'metallb-system', 'servicel2status', `l2-default.${service}`);

/** The node that the condition names, once it is not `before`. */
const ownerOf = (service: string, before?: string): Promise<string> =>
  eventually(`${service} has an owner other than ${before}`, async () => {
    const { message } = await announced(service, 'Announced');
    const node = /^node "(?<node>.*?)"/.exec(message)?.groups?.['node'];
    return node !== before && node;
  });

const ourWrites = ['services/status', 'servicel2statuses', 'servicel2statuses/status'];

test('a service that is announced says where, and costs six writes in all', async () => {
  const web = loadBalancer('web');
  await apply(cluster(), backends(), pool('edge', ['198.18.2.0/29']), l2Advertisement('edge'));
  // What waits for endpoints is announced as soon as there are any; here they are there already.
  await cluster().kubectl(['rollout', 'status', 'deployment/web', '--timeout=120s'], { timeout: 130_000 });
  await eventually('the speakers have their own objects', async () => {
    const list = await getObject<{ items: object[] }>(cluster(), '-n', 'metallb-system', 'configurationstates');
    return list?.items.length === 4;
  });
  const before = await apiWrites(cluster());
  await apply(cluster(), web);
  const owner = await ownerOf('web');
  const [address = ''] = await addressesOf(cluster(), 'web');
  await eventually(`${address} answers`, () => curl(cluster(), 'client', address));
  expect(await nodeOfMac(cluster(), (await neighbourMac(cluster(), 'client', address)) ?? '')).toBe(owner);
  const condition = await announced('web', 'Announced');
  expect(condition).toMatchObject({
    status: 'True',
    message: expect.stringMatching(/^node "n\d" announces it on every interface since \d{4}-\S+Z$/),
  });
  const status = await statusOf('web');
  expect(status?.status?.node).toBe(owner);
  expect(conditionOf(status)).toMatchObject({ status: 'True', message: condition.message });
  await eventually('both events are written', async () => (await eventsOf(cluster(), 'Service', 'web')).length >= 2);
  const after = await apiWrites(cluster());
  expect(writesBetween(before, after, ourWrites)).toBe(4);
  const events = await eventsOf(cluster(), 'Service', 'web');
  expect(Object.fromEntries(events.map(({ reason, count }) => [reason, count]))).toEqual({
    IPAllocated: 1,
    nodeAssigned: 1,
  });
});

test('when the node of the owner fails, object and condition name another one', async () => {
  const before = await ownerOf('web');
  await cluster().unplug(before);
  const now = await ownerOf('web', before);
  expect((await statusOf('web'))?.status?.node).toBe(now);
  await cluster().plug(before);
  // The old owner comes back, and takes nothing away that the new one has written.
  await eventually('the node is ready again', async () => {
    const { stdout } = await cluster().kubectl(['get', 'node', before]);
    return / Ready /.test(stdout);
  });
  expect(await ownerOf('web')).toBe(now);
  expect((await statusOf('web'))?.status?.node).toBe(now);
});

test('when no node can announce it, each has its reason', async () => {
  await apply(cluster(), l2Advertisement('edge', { nodeSelectors: [{ matchLabels: { rack: 'none' } }] }));
  const condition = await announced('web', 'NoCandidate');
  expect(condition.status).toBe('False');
  expect(condition.message).toMatch(/notSelected: n1, n2, n3/);
  expect((await statusOf('web'))?.status).not.toHaveProperty('node');
  await apply(cluster(), l2Advertisement('edge', { nodeSelectors: [] }));
  await ownerOf('web');
});

test('a service that is no load balancer any more has neither condition nor object', async () => {
  await cluster().kubectl(['patch', 'service', 'web', '-p', '{"spec":{"type":"ClusterIP"}}']);
  await eventually('the conditions are gone', async () => {
    const service = await getObject<WithConditions>(cluster(), 'service', 'web');
    return service !== undefined && (service.status?.conditions ?? []).length === 0;
  });
  const gone = await eventually('the object is gone', async () => (await statusOf('web')) === undefined);
  expect(gone).toBe(true);
  await remove(cluster(), loadBalancer('web'));
});

test('a host that has the address already is named, and no node announces it', async () => {
  const mac = await cluster().lan.host('client').macOf('eth0');
  await cluster().exec('client', ['ip', 'address', 'add', '198.18.2.5/32', 'dev', 'eth0']);
  const taken = loadBalancer('taken', { annotations: { 'metallb.io/loadBalancerIPs': '198.18.2.5' } });
  await apply(cluster(), taken);
  const condition = await announced('taken', 'AddressConflict');
  expect(condition.status).toBe('False');
  expect(condition.message).toContain(`host ${mac} has it`);
  expect(condition.message).toContain('--address-probes=false');
  const events = await eventually('an event says so', async () => {
    const lines = await eventsOf(cluster(), 'Service', 'taken');
    return lines.some(({ reason }) => reason === 'AddressConflict') && lines;
  });
  expect(events.map(({ reason }) => reason)).not.toContain('nodeAssigned');
  await cluster().exec('client', ['ip', 'address', 'del', '198.18.2.5/32', 'dev', 'eth0']);
  await ownerOf('taken');
  // Somebody takes it while it is announced: it is defended, and said.
  await cluster().exec('client', ['ip', 'address', 'add', '198.18.2.5/32', 'dev', 'eth0']);
  await cluster().exec('client', ['arping', '-c', '1', '-P', '-U', '-i', 'eth0', '-S', '198.18.2.5', '198.18.2.5'], {
    check: false,
  });
  const later = await announced('taken', 'AddressConflict');
  expect(later.status).toBe('True');
  expect(later.message).toContain(`host ${mac} claims IP "198.18.2.5" as well`);
  await cluster().exec('client', ['ip', 'address', 'del', '198.18.2.5/32', 'dev', 'eth0']);
  await remove(cluster(), taken);
});
