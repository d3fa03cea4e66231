import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl } from '../support/cluster/metallb.ts';

const cluster = metallbCluster({ nodes: 2, subnet: '192.168.1.0/24', proxyMode: 'iptables', way: 'folder' });

const applyFixture = async (name: string): Promise<void> => {
  const input = await readFile(join(import.meta.dirname, 'fixtures', name), 'utf8');
  await cluster().kubectl(['apply', '-f', '-'], { input });
};

const address = (service: string): Promise<string> =>
  eventually(`${service} gets an address`, async () => (await addressesOf(cluster(), service))[0]);

test('a range pool without any L2Advertisement gives an address and says what is missing; with one, curl works', async () => {
  await applyFixture('homelab.yaml');
  expect(await address('http-echo')).toBe('192.168.1.65');
  const warning = await eventually('the service is told', async () =>
    (await eventsOf(cluster(), 'Service', 'http-echo')).find(({ type }) => type === 'Warning'),
  );
  expect(warning.message).toContain('"first-pool"');
  expect(await curl(cluster(), 'client', '192.168.1.65')).toBeUndefined();
  await applyFixture('homelab-l2.yaml');
  expect(await eventually('curl works', () => curl(cluster(), 'client', '192.168.1.65'))).toBe('hello world\n');
});

test('a service gets the address it asks for in spec.loadBalancerIP', async () => {
  await applyFixture('homelab-requested.yaml');
  expect(await address('grafana')).toBe('192.168.1.240');
  expect(await eventually('curl works', () => curl(cluster(), 'client', '192.168.1.240', 3000))).toBe('hello world\n');
});
