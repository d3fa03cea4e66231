import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { probeArp } from '../support/cluster/arp-probe.ts';
import { eventually } from '../support/cluster/eventually.ts';
import {
  measureMove,
  ownerOf,
  type PlannedMove,
  prepareFailover,
  udpBackend,
  udpPort,
} from '../support/cluster/failover.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, rolledOut } from '../support/cluster/metallb.ts';
import { apply, l2Advertisement, loadBalancer, type Manifest, pool, remove } from '../support/cluster/objects.ts';

const cluster = metallbCluster();

let address: string;

beforeAll(async () => {
  address = await prepareFailover(cluster());
  await apply(cluster(), advertisement());
});

const hostname = 'kubernetes.io/hostname';
/** Backends stand on n3, which announces nothing; a label takes a node out. */
const announcing = [
  { key: hostname, operator: 'NotIn', values: ['n3'] },
  { key: 'announces', operator: 'NotIn', values: ['no'] },
];
const advertisement = (spec: object = {}): Manifest =>
  l2Advertisement('failover', {
    ipAddressPools: ['failover'],
    nodeSelectors: [{ matchExpressions: announcing }],
    interfaces: [],
    preferredNodeSelectors: [],
    ...spec,
  });
const onlyOn = (...nodes: readonly string[]) => ({
  nodeSelectors: [{ matchExpressions: [{ key: hostname, operator: 'In', values: nodes }] }],
});
const other = (node: string): string => (node === 'n1' ? 'n2' : 'n1');

const movedTo = (node: string, of = address): Promise<unknown> =>
  eventually(`${node} has ${of}`, async () => (await ownerOf(cluster(), of)) === node);
/** Whatever follows would have begun by then. */
const settled = () => sleep(3000);

const udpService = (name: string, spec: Readonly<Record<string, unknown>> & { readonly annotations?: object } = {}) =>
  loadBalancer(name, {
    selector: { app: 'udp' },
    ports: [{ name: 'udp', protocol: 'UDP', port: udpPort, targetPort: udpPort }],
    ...spec,
  });
const addresses = (service: string, count: number): Promise<string[]> =>
  eventually(`${service} has ${count} addresses`, async () => {
    const found = await addressesOf(cluster(), service);
    return found.length === count && found;
  });

test('a rolling restart of the speakers loses no request', async () => {
  const { lost } = await measureMove(cluster(), address, async () => {
    await cluster().kubectl(['-n', 'metallb-system', 'rollout', 'restart', 'daemonset/speaker']);
    await rolledOut(cluster(), 'daemonset/speaker');
  });
  expect(lost).toBe(0);
});

test.each(['announces=no', 'node.kubernetes.io/exclude-from-external-load-balancers='])(
  'a node with the label %s hands over, and takes nothing back without it',
  async (label) => {
    const { lost, from, to } = await measureMove(cluster(), address, async (owner) => {
      await cluster().kubectl(['label', 'node', owner, label]);
      await movedTo(other(owner));
    });
    expect([lost, to]).toEqual([0, other(from)]);
    const back = await measureMove(cluster(), address, async () => {
      await cluster().kubectl(['label', 'node', from, `${label.split('=')[0]}-`]);
      await settled();
    });
    expect(back).toEqual({ lost: 0, from: to, to });
  },
);

test('an advertisement that selects other nodes moves the address, one that adds nodes or interfaces does not', async () => {
  const { lost, from, to } = await measureMove(cluster(), address, async (owner) => {
    await apply(cluster(), advertisement(onlyOn(other(owner))));
    await movedTo(other(owner));
  });
  expect([lost, to]).toEqual([0, other(from)]);
  const stays = await measureMove(cluster(), address, async () => {
    await apply(cluster(), advertisement());
    await settled();
    await apply(cluster(), advertisement({ interfaces: ['eth0'] }));
    await settled();
    await apply(cluster(), advertisement({ interfaces: ['eth0', 'eth9'] }));
    await settled();
    await apply(cluster(), advertisement());
    await settled();
  });
  expect(stays).toEqual({ lost: 0, from: to, to });
});

test('a cordon moves nothing, nor does a drain where any node may serve', async () => {
  const moves = await measureMove(cluster(), address, async (owner) => {
    await cluster().kubectl(['cordon', owner]);
    await settled();
    await cluster().kubectl(['drain', owner, '--ignore-daemonsets', '--delete-emptydir-data'], { timeout: 120_000 });
    await settled();
  });
  await cluster().kubectl(['uncordon', moves.from]);
  expect(moves).toEqual({ lost: 0, from: moves.from, to: moves.from });
});

test('a drain that evicts the endpoints of a service with Local moves its address', async () => {
  const local = udpService('local', {
    selector: { app: 'local' },
    externalTrafficPolicy: 'Local',
    annotations: { 'metallb.io/address-pool': 'failover' },
  });
  const pods = ['n1', 'n2'].map((node) => udpBackend(node, `local-${node}`, 'local'));
  await apply(cluster(), ...pods, local);
  for (const node of ['n1', 'n2']) {
    await cluster().kubectl(['rollout', 'status', `deployment/local-${node}`, '--timeout=60s'], { timeout: 70_000 });
  }
  const [ip = ''] = await addresses('local', 1);
  const { lost, from, to } = await measureMove(cluster(), ip, async (owner) => {
    await cluster().kubectl(['drain', owner, '--ignore-daemonsets', '--delete-emptydir-data'], { timeout: 120_000 });
    await movedTo(other(owner), ip);
    await settled();
  });
  await cluster().kubectl(['uncordon', from]);
  expect([lost, to]).toEqual([0, other(from)]);
  await remove(cluster(), local, ...pods);
});

test('where gossip is blocked nothing moves', async () => {
  const drop = 'add table inet t; add chain inet t i { type filter hook input priority 0; }; ';
  const rules = `${drop}add rule inet t i tcp dport 7946 drop; add rule inet t i udp dport 7946 drop`;
  const moves = await measureMove(cluster(), address, async () => {
    for (const node of ['n1', 'n2', 'n3']) await cluster().exec(node, ['nft', rules]);
    await sleep(20_000); // memberlist has given up on everybody by then
    for (const node of ['n1', 'n2', 'n3']) await cluster().exec(node, ['nft', 'delete table inet t']);
    await settled();
  });
  expect(moves).toEqual({ lost: 0, from: moves.from, to: moves.from });
});

test('a second service that shares the address, and one that ceases to, moves nothing', async () => {
  const annotations = { 'metallb.io/allow-shared-ip': 'key', 'metallb.io/address-pool': 'failover' };
  const first = udpService('failover', { annotations });
  const second = loadBalancer('second', {
    selector: { app: 'udp' },
    annotations: { ...annotations, 'metallb.io/loadBalancerIPs': address },
  });
  const moves = await measureMove(cluster(), address, async () => {
    await apply(cluster(), first, second);
    await addresses('second', 1);
    await settled();
    await remove(cluster(), second);
    await settled();
  });
  expect(moves).toEqual({ lost: 0, from: moves.from, to: moves.from });
});

test('a service that gets a second address keeps its owner for both', async () => {
  await apply(cluster(), pool('failover', ['198.18.7.0/28', 'fd00:18::7:0/124']));
  const moves = await measureMove(cluster(), address, async () => {
    await cluster().kubectl(['patch', 'service', 'failover', '-p', '{"spec":{"ipFamilyPolicy":"RequireDualStack"}}']);
    await addresses('failover', 2);
    await settled();
  });
  expect(moves).toEqual({ lost: 0, from: moves.from, to: moves.from });
  const [, six = ''] = await addresses('failover', 2);
  const onSix = await measureMove(cluster(), six, async (owner) => {
    await cluster().kubectl(['label', 'node', owner, 'announces=no']);
    await movedTo(other(owner), six);
    await movedTo(other(owner));
    await cluster().kubectl(['label', 'node', owner, 'announces-']);
  });
  expect(onSix).toEqual({ lost: 0, from: moves.from, to: other(moves.from) });
});

test('groups that a service joins, and divides when it goes, are never silent', async () => {
  const key = { 'metallb.io/allow-shared-ip': 'parts' };
  const [v4, v6] = ['198.18.8.1', 'fd00:18::8:1'];
  const part = (name: string, ips: string, spec: object) =>
    udpService(name, { annotations: { ...key, 'metallb.io/loadBalancerIPs': ips }, ...spec });
  const four = part('four', v4, {});
  const six = part('six', v6, { ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' });
  const both = part('both', `${v4},${v6}`, {
    ipFamilyPolicy: 'RequireDualStack',
    ports: [{ name: 'tcp', port: 80, targetPort: 80 }],
  });
  // Each has another owner at first.
  const forPart = (name: string, spec: object) =>
    l2Advertisement(`parts-${name}`, { ipAddressPools: ['parts'], ...spec });
  const selecting = (name: string) => ({ serviceSelectors: [{ matchLabels: { part: name } }] });
  const labelled = (service: Manifest, name: string): Manifest => ({
    ...service,
    metadata: { ...service.metadata, labels: { part: name } } as Manifest['metadata'],
  });
  const ofFour = forPart('four', { ...selecting('four'), ...onlyOn('n1') });
  const ofSix = forPart('six', { ...selecting('six'), ...onlyOn('n2') });
  await apply(cluster(), pool('parts', ['198.18.8.0/28', 'fd00:18::8:0/124']), ofFour, ofSix);
  await apply(cluster(), labelled(four, 'four'));
  await sleep(1100); // creation times are whole seconds
  await apply(cluster(), labelled(six, 'six'));
  await Promise.all([addresses('four', 1), addresses('six', 1)]);
  using probe = probeArp(cluster(), 'client', v4);
  const joinAndDivide = async (): Promise<void> => {
    await movedTo('n1', v4);
    await movedTo('n2', v6);
    await apply(cluster(), forPart('all', onlyOn('n1', 'n2')));
    await settled();
    expect([await ownerOf(cluster(), v4), await ownerOf(cluster(), v6)]).toEqual(['n1', 'n2']);
    await apply(cluster(), both);
    await addresses('both', 2);
    await movedTo('n1', v6);
    await settled();
    await remove(cluster(), both);
    await settled();
  };
  let onSix: PlannedMove | undefined;
  const onFour = await measureMove(cluster(), v4, async () => {
    onSix = await measureMove(cluster(), v6, joinAndDivide);
  });
  expect(onSix).toEqual({ lost: 0, from: 'n2', to: 'n1' });
  expect(onFour).toEqual({ lost: 0, from: 'n1', to: 'n1' });
  const onRenamed = await measureMove(cluster(), v6, async () => {
    await apply(cluster(), both);
    await addresses('both', 2);
    await settled();
    // The oldest goes, and with it the key of the group.
    await remove(cluster(), four);
    await settled();
  });
  expect(onRenamed).toEqual({ lost: 0, from: 'n1', to: 'n1' });
  const macs = new Set(probe.answers.map(({ mac }) => mac));
  expect(macs).toEqual(new Set([await cluster().lan.host('n1').macOf('eth0')]));
  await remove(cluster(), both, six);
});

test('a node that is preferred takes the address over without a loss, once it has been up for a minute', async () => {
  const { lost, from, to } = await measureMove(cluster(), address, async (owner) => {
    const preference = { matchLabels: { [hostname]: other(owner) } };
    await apply(cluster(), advertisement({ preferredNodeSelectors: [{ weight: 100, preference }] }));
    await movedTo(other(owner));
  });
  expect([lost, to]).toEqual([0, other(from)]);
});
