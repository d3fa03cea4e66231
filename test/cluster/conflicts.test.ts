import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { ownerOf } from '../support/cluster/failover.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl, getObject, neighbourMac, nodeOfMac } from '../support/cluster/metallb.ts';
import { processesOf } from '../support/cluster/processes.ts';
import { apply, backends, l2Advertisement, loadBalancer, pool, remove } from '../support/cluster/objects.ts';

const cluster = metallbCluster();
const [v4, v6] = ['198.18.9.1', 'fd00:18::9:1'];
const nodes = ['n1', 'n2', 'n3'];

const web = loadBalancer('web', {
  annotations: { 'metallb.io/loadBalancerIPs': `${v4},${v6}` },
  ipFamilyPolicy: 'RequireDualStack',
});

let token: string;

beforeAll(async () => {
  const reader = join(import.meta.dirname, '../../docs/examples/metrics-reader.yaml');
  await cluster().kubectl(['create', 'namespace', 'monitoring']);
  await cluster().kubectl(['-n', 'monitoring', 'create', 'serviceaccount', 'prometheus-k8s']);
  await cluster().kubectl(['apply', '-f', reader]);
  token = (await cluster().kubectl(['-n', 'monitoring', 'create', 'token', 'prometheus-k8s'])).stdout.trim();
  await apply(cluster(), backends(3), pool('edge', ['198.18.9.0/28', 'fd00:18::9:0/124']), l2Advertisement('edge'));
  await cluster().kubectl(['rollout', 'status', 'deployment/web', '--timeout=120s'], { timeout: 130_000 });
});

type Condition = { readonly type: string; readonly status: string; readonly reason: string; readonly message: string };
type Service = { readonly status: { readonly conditions?: readonly Condition[] } };

const announced = (reason: string): Promise<Condition> =>
  eventually(`the condition has the reason ${reason}`, async () => {
    const service = await getObject<Service>(cluster(), 'service', 'web');
    const condition = service?.status.conditions?.find(({ type }) => type === 'metallb.io/Announced');
    return condition?.reason === reason && condition;
  });

const eventOf = (kind: string, name: string, wanted: string, namespace = 'default'): Promise<string> =>
  eventually(`${kind} ${name} has the event ${wanted}`, async () => {
    const lines = await eventsOf(cluster(), kind, name, namespace);
    return lines.find(({ reason }) => reason === wanted)?.message;
  });

/** The lines of the metric of conflicts that are not 0, of all speakers. */
const conflictMetrics = async (): Promise<string[]> => {
  const lines: string[] = [];
  for (const node of nodes) {
    const url = `https://${cluster().addressOf(node)}:9120/metrics`;
    const argv = [
      'curl',
      '--silent',
      '--insecure',
      '--max-time',
      '20',
      '--header',
      `Authorization: Bearer ${token}`,
      url,
    ];
    const { stdout } = await cluster().exec(node, argv);
    lines.push(...stdout.split('\n').filter((line) => line.startsWith('metallb_layer2_address_conflict{')));
  }
  return lines;
};

const client = (...argv: readonly string[]) => cluster().exec('client', argv);
const forgetNeighbours = () => client('ip', 'neigh', 'flush', 'all');

/** The node that each family of the service is reached at, after the client has asked anew. */
const reachedAt = async (): Promise<(string | undefined)[]> => {
  await forgetNeighbours();
  const found: (string | undefined)[] = [];
  for (const ip of [v4, v6]) {
    if (!(await curl(cluster(), 'client', ip))?.includes('nginx')) return [];
    found.push(await nodeOfMac(cluster(), (await neighbourMac(cluster(), 'client', ip)) ?? ''));
  }
  return found;
};
const reached = (): Promise<(string | undefined)[]> =>
  eventually('both families answer', async () => {
    const found = await reachedAt();
    return found.length === 2 && found.every((node) => node !== undefined) && found;
  });

test.each([
  ['IPv4', v4, `${v4}/32`],
  ['IPv6', v6, `${v6}/128`],
])(
  'a host that has the %s address of a new service is named; when it is gone the service is announced',
  async (...row) => {
    const [, ip, prefix] = row;
    await client('ip', 'address', 'add', prefix, 'dev', 'eth0');
    const mac = await cluster().lan.host('client').macOf('eth0');
    await apply(cluster(), web);
    await eventually('both addresses are there', async () => (await addressesOf(cluster(), 'web')).length === 2);
    const given = performance.now();
    const message = await eventOf('Service', 'web', 'AddressConflict');
    console.log(`${ip}: event ${(performance.now() - given).toFixed(0)} ms after the address was given`);
    expect(message).toContain(`IP "${ip}" is not announced, because host ${mac} has it`);
    expect(await announced('AddressConflict')).toMatchObject({
      status: 'False',
      message: expect.stringContaining(mac),
    });
    expect(await conflictMetrics()).toEqual([`metallb_layer2_address_conflict{ip="${ip}",mac="${mac}"} 1`]);
    await client('ip', 'address', 'del', prefix, 'dev', 'eth0');
    await announced('Announced');
    expect(await conflictMetrics()).toEqual([]);
    const [first, second] = await reached();
    expect(second).toBe(first);
    await remove(cluster(), web);
    await cluster().kubectl(['delete', 'events', '--all']);
  },
);

test('both families of a service are reached at one node, and go to another together', async () => {
  await apply(cluster(), web);
  const [from, six] = await reached();
  expect(six).toBe(from);
  await cluster().unplug(from ?? '');
  const [to, sixTo] = await eventually('another node answers', async () => {
    const found = await reachedAt();
    return found.length === 2 && !found.includes(from) && found;
  });
  expect(nodes).toContain(to);
  expect(sixTo).toBe(to);
  await cluster().plug(from ?? '');
});

test('a host that takes an announced address is named, and never gets it', async () => {
  const mac = await cluster().lan.host('router').macOf('eth0');
  const owner = await ownerOf(cluster(), v4);
  await cluster().exec('router', ['ip', 'address', 'add', `${v4}/32`, 'dev', 'eth0']);
  const claim = ['arping', '-c', '1', '-P', '-U', '-i', 'eth0', '-S', v4, v4];
  await cluster().exec('router', claim, { check: false });
  const claimed = performance.now();
  const message = await eventOf('Service', 'web', 'AddressConflict');
  console.log(`defended: event ${(performance.now() - claimed).toFixed(0)} ms after the claim`);
  expect(message).toContain(`host ${mac} claims IP "${v4}" as well`);
  expect(await announced('AddressConflict')).toMatchObject({ status: 'True' });
  expect(await conflictMetrics()).toEqual([`metallb_layer2_address_conflict{ip="${v4}",mac="${mac}"} 1`]);
  expect(await ownerOf(cluster(), v4)).toBe(owner); // the defence was the last that the client heard
  await cluster().exec('router', ['ip', 'address', 'del', `${v4}/32`, 'dev', 'eth0']);
});

test('an address that every node has on lo, as with IPVS without strictARP, is said with the setting to change', async () => {
  const fresh = '198.18.9.2';
  const ipvs = loadBalancer('ipvs', { annotations: { 'metallb.io/loadBalancerIPs': fresh } });
  for (const node of nodes) await cluster().exec(node, ['ip', 'address', 'add', `${fresh}/32`, 'dev', 'lo']);
  await apply(cluster(), ipvs);
  const setting = 'net.ipv4.conf.all.arp_ignore=1';
  expect(await eventOf('Service', 'ipvs', 'BoundLocally')).toContain(setting);
  const owner = await eventually('a node is assigned', async () => {
    const lines = await eventsOf(cluster(), 'Service', 'ipvs');
    const message = lines.find(({ reason }) => reason === 'nodeAssigned')?.message ?? '';
    return /node "(?<node>\w+)"/.exec(message)?.groups?.['node'];
  });
  for (const { node, pod } of await processesOf(cluster(), 'speaker')) {
    if (node === owner) continue;
    const message = await eventOf('Pod', pod, 'BoundLocally', 'metallb-system');
    expect(message).toContain(fresh);
    expect(message).toContain(setting);
  }
  // With the setting only the owner answers.
  for (const node of nodes) await cluster().exec(node, ['sysctl', '-qw', setting]);
  await eventually('only the owner answers', async () => {
    const { stdout } = await cluster().exec('client', ['arping', '-c', '3', '-i', 'eth0', fresh], { check: false });
    const macs = new Set(stdout.match(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g));
    return macs.size === 1 && (await nodeOfMac(cluster(), [...macs][0] ?? '')) === owner;
  });
  await remove(cluster(), ipvs);
});
