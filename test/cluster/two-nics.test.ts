import { expect, test } from 'vitest';
import { eventually } from '../support/cluster/eventually.ts';
import { measureOutage, prepareFailover } from '../support/cluster/failover.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl, neighbourMac } from '../support/cluster/metallb.ts';
import { apply, backends, l2Advertisement, loadBalancer, pool } from '../support/cluster/objects.ts';

const cluster = metallbCluster({ nics: 2 });

const nodes = ['n1', 'n2', 'n3'];

test('when an owner loses one of two cables it hands over by the other', async () => {
  const address = await prepareFailover(cluster());
  const { from, to, silenceMs, lost } = await measureOutage(cluster(), address, 'carrier loss');
  console.log(`carrier loss, 2 NICs: ${silenceMs.toFixed(0)} ms without an answer, ${lost} requests lost`);
  expect(to).not.toBe(from);
  // Without the other cable the owner would have to be found dead first; the machine that runs this may be busy.
  expect(silenceMs).toBeLessThan(2000);
});

test('an address of the second segment is answered there, and nowhere else', async () => {
  const [, segment] = cluster().lan.plan.segments;
  await apply(
    cluster(),
    backends(),
    pool('second', [segment?.pool.IPv4 ?? '']),
    l2Advertisement('second', { ipAddressPools: ['second'], interfaces: ['eth1'] }),
    loadBalancer('second', { annotations: { 'metallb.io/address-pool': 'second' } }),
  );
  const address = await eventually('the service has an address', async () => {
    const [first] = await addressesOf(cluster(), 'second');
    return first;
  });
  expect(await eventually('it answers', () => curl(cluster(), 'client', address))).toContain('nginx');
  const macs = await Promise.all(nodes.map((node) => cluster().lan.host(node).macOf('eth1')));
  expect(macs).toContain(await neighbourMac(cluster(), 'client', address));
  const asked = async (device: string): Promise<Set<string>> => {
    const { stdout } = await cluster().exec('client', ['arping', '-c', '3', '-i', device, address], { check: false });
    return new Set(stdout.match(/[0-9a-f]{2}(:[0-9a-f]{2}){5}/g));
  };
  expect(await asked('eth0')).toEqual(new Set());
  expect(await asked('eth1')).toHaveProperty('size', 1);
});
