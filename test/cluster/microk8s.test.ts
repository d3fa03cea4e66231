import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl } from '../support/cluster/metallb.ts';

const cluster = metallbCluster({ nodes: 2, subnet: '10.20.30.0/24', way: 'kustomization' });

const applyFixture = async (name: string): Promise<void> => {
  const input = await readFile(join(import.meta.dirname, 'fixtures', name), 'utf8');
  await cluster().kubectl(['apply', '-f', '-'], { input });
};

test('a service changed from NodePort to LoadBalancer gets an address, and gives it back when it is changed back', async () => {
  await applyFixture('microk8s.yaml');
  await applyFixture('nginx-nodeport.yaml');
  const setType = (type: string) =>
    cluster().kubectl(['patch', 'service', 'nginx', '--patch', JSON.stringify({ spec: { type } })]);
  await setType('LoadBalancer');
  const [address] = await eventually('it has an address', async () => {
    const addresses = await addressesOf(cluster(), 'nginx');
    return addresses.length > 0 && addresses;
  });
  expect(address).toBe('10.20.30.100');
  expect(await eventually('curl works', () => curl(cluster(), 'client', '10.20.30.100'))).toContain(
    'Welcome to nginx!',
  );
  await setType('NodePort');
  await eventually('the address is gone', async () => (await addressesOf(cluster(), 'nginx')).length === 0);
  await cluster().exec('client', ['ip', 'neigh', 'flush', 'all']);
  await eventually('nobody answers', async () => {
    const { code } = await cluster().exec('client', ['arping', '-c', '1', '-W', '0.5', '-i', 'eth0', '10.20.30.100'], {
      check: false,
    });
    return code !== 0;
  });
  await setType('LoadBalancer');
  await eventually('it is served again', async () => (await addressesOf(cluster(), 'nginx'))[0] === '10.20.30.100');
});
