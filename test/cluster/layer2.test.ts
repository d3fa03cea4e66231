import { expect, test } from 'vitest';
import { repository } from '../support/cluster/build.ts';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { ownerOf } from '../support/cluster/failover.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { probeHttp } from '../support/cluster/http-probe.ts';
import { addressesOf, curl, neighbourMac, nodeOfMac } from '../support/cluster/metallb.ts';
import { apply, backends, l2Advertisement, loadBalancer, pool, remove } from '../support/cluster/objects.ts';

const cluster = metallbCluster();

const oneAddress = (name: string): Promise<string> =>
  eventually(`${name} gets an address`, async () => (await addressesOf(cluster(), name))[0]);

const answer = (address: string): Promise<string> =>
  eventually(`${address} answers`, () => curl(cluster(), 'client', address));

/** The node that the client reaches the address through. */
const owner = (address: string): Promise<string> => ownerOf(cluster(), address);

const forgetNeighbours = () => cluster().exec('client', ['ip', 'neigh', 'flush', 'all']);

/** Waits long enough for an ARP request to be answered, and says whether it was. */
const isAnswered = async (address: string): Promise<boolean> => {
  const { code } = await cluster().exec('client', ['arping', '-c', '2', '-W', '0.5', '-i', 'eth0', address], {
    check: false,
  });
  return code === 0;
};

test('the examples of the documentation give an address that the client reaches', async () => {
  await cluster().kubectl(['apply', '-f', 'docs/examples/'], { cwd: repository });
  const address = await oneAddress('echo');
  expect(address).toBe('198.18.1.1'); // .0 is left out: avoidBuggyIPs
  expect(await answer(address)).toBe('hello from metallb-ts\n');
  const mac = await neighbourMac(cluster(), 'client', address);
  const announcing = await nodeOfMac(cluster(), mac ?? '');
  const events = await eventually('both events are there', async () => {
    const lines = await eventsOf(cluster(), 'Service', 'echo');
    return lines.length >= 2 && lines;
  });
  expect(events.map(({ type, reason, message, component }) => [type, reason, message, component])).toEqual(
    expect.arrayContaining([
      ['Normal', 'IPAllocated', 'Assigned IP ["198.18.1.1"]', 'metallb-controller'],
      ['Normal', 'nodeAssigned', `announcing from node "${announcing}" with protocol "layer2"`, 'metallb-speaker'],
    ]),
  );
  await cluster().kubectl(['delete', '-f', 'docs/examples/echo.yaml'], { cwd: repository });
  await forgetNeighbours();
  expect(await isAnswered(address)).toBe(false);
  await cluster().kubectl(['delete', '-f', 'docs/examples/pool.yaml'], { cwd: repository });
});

test('the node selectors of an advertisement say who announces, also after an edit', async () => {
  const objects = [pool('edge', ['198.18.2.0/29']), loadBalancer('edge')];
  const from = (node: string) =>
    l2Advertisement('edge', { nodeSelectors: [{ matchLabels: { 'kubernetes.io/hostname': node } }] });
  await apply(cluster(), backends(), ...objects, from('n1'));
  const address = await oneAddress('edge');
  expect(await answer(address)).toContain('nginx');
  expect(await owner(address)).toBe('n1');
  await apply(cluster(), from('n2'));
  await eventually('the other node answers', async () => (await owner(address)) === 'n2');
  await remove(cluster(), ...objects, from('n2'));
});

test('an advertisement for an interface that no node has is said, and another one serves', async () => {
  const objects = [pool('edge', ['198.18.3.0/29']), loadBalancer('edge')];
  await apply(cluster(), backends(), ...objects, l2Advertisement('edge', { interfaces: ['eth9'] }));
  const address = await oneAddress('edge');
  await eventually('a speaker says so', async () =>
    (await eventsOf(cluster(), 'Service', 'edge')).some(
      ({ type, reason, message }) =>
        type === 'Warning' && reason === 'announceFailed' && message.includes(`specified by LB IP "${address}"`),
    ),
  );
  expect(await isAnswered(address)).toBe(false);
  await apply(cluster(), l2Advertisement('edge', { interfaces: ['eth9', 'eth0'] }));
  expect(await answer(address)).toContain('nginx');
  await remove(cluster(), ...objects, l2Advertisement('edge'));
});

test('an address without usable endpoints is announced by nobody', async () => {
  const objects = [pool('edge', ['198.18.4.0/29']), l2Advertisement('edge'), loadBalancer('edge')];
  await apply(cluster(), backends(0), ...objects);
  const address = await oneAddress('edge');
  expect(await isAnswered(address)).toBe(false);
  await apply(cluster(), backends(1));
  expect(await answer(address)).toContain('nginx');
  await remove(cluster(), ...objects);
});

test('the speaker of a restarted owner takes nothing back, and one node alone answers', async () => {
  const objects = [pool('edge', ['198.18.5.0/29']), l2Advertisement('edge'), loadBalancer('edge')];
  await apply(cluster(), backends(), ...objects);
  const address = await oneAddress('edge');
  await answer(address);
  const before = await owner(address);
  await cluster().kubectl(
    ['-n', 'metallb-system', 'delete', 'pod', '-l', 'component=speaker', `--field-selector=spec.nodeName=${before}`],
    { timeout: 60_000 },
  );
  await cluster().kubectl(['-n', 'metallb-system', 'rollout', 'status', 'daemonset/speaker'], { timeout: 60_000 });
  const after = await owner(address);
  expect(after).not.toBe(before);
  expect(await answer(address)).toContain('nginx');
  const { stdout } = await cluster().exec('client', ['arping', '-c', '3', '-i', 'eth0', address]);
  expect(new Set(stdout.match(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g))).toHaveProperty('size', 1);
  expect(await owner(address)).toBe(after);
  await remove(cluster(), ...objects);
});

test('when the owner is unplugged another node answers, and one alone when it is back', async () => {
  const objects = [pool('edge', ['198.18.6.0/29']), l2Advertisement('edge'), loadBalancer('edge')];
  await apply(cluster(), backends(3), ...objects);
  const address = await oneAddress('edge');
  await answer(address);
  const mac = (await neighbourMac(cluster(), 'client', address)) ?? '';
  const first = await owner(address);
  await cluster().unplug(first);
  using probe = probeHttp(cluster(), 'client', `http://${address}/`, 100);
  const unplugged = performance.timeOrigin + performance.now();
  await eventually('another node answers', () => probe.answers.some((time) => time > unplugged + 1000), {
    timeout: 300_000,
  });
  const newMac = await neighbourMac(cluster(), 'client', address);
  expect(newMac).not.toBe(mac);
  expect(await nodeOfMac(cluster(), newMac ?? '')).toMatch(/^n\d$/);
  await cluster().plug(first);
  await eventually('the node is ready again', async () => {
    const { stdout } = await cluster().kubectl(['get', 'node', first]);
    return / Ready /.test(stdout);
  });
  await eventually('one node alone answers', async () => {
    const { stdout } = await cluster().exec('client', ['arping', '-c', '3', '-i', 'eth0', address]);
    return new Set(stdout.match(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g)).size === 1;
  });
  await remove(cluster(), ...objects);
});
