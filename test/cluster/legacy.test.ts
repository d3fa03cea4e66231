import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../support/command.ts';
import { repository } from '../support/cluster/build.ts';
import { eventsOf } from '../support/cluster/events.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { addressesOf, curl, getObject } from '../support/cluster/metallb.ts';
import { apply, backends, loadBalancer, type Manifest } from '../support/cluster/objects.ts';

const cluster = metallbCluster({ nodes: 1 });

const example = 'docs/examples/legacy/config.yaml';
const namespace = 'metallb-system';

/** The ConfigMap, marked or not. */
const configMap = (config: string, annotations: object = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'config', namespace, annotations },
  data: { config },
});

const isMarked = async (): Promise<boolean> => {
  type Annotated = { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } };
  const object = await getObject<Annotated>(cluster(), '-n', namespace, 'configmap', 'config');
  return object?.metadata.annotations?.['metallb.io/in-use'] === 'true';
};

const addressOf = (service: string): Promise<string> =>
  eventually(`${service} gets an address`, async () => (await addressesOf(cluster(), service))[0]);

/** Waits for a warning on the ConfigMap. */
const warned = (text: string): Promise<string> =>
  eventually(
    `the ConfigMap is told: ${text}`,
    async () =>
      (await eventsOf(cluster(), 'ConfigMap', 'config', namespace)).find(
        ({ type, message }) => type === 'Warning' && message.includes(text),
      )?.message,
  );

test('alone it is marked, gives addresses and is announced', async () => {
  await apply(cluster(), backends(1), loadBalancer('first'));
  await cluster().kubectl(['apply', '-f', example], { cwd: repository });
  expect(await addressOf('first')).toBe('198.18.1.1');
  expect(await eventually('the client is answered', () => curl(cluster(), 'client', '198.18.1.1'))).toContain('nginx');
  expect(await isMarked()).toBe(true);
});

test('what is wrong in it stands in its description, and the rest is in force', async () => {
  await apply(
    cluster(),
    configMap(`
address-pools:
- name: lan
  protocol: layer2
  avoid-buggy-ips: true
  addresses: [198.18.1.0/24, 198.18.2.0]
- name: second
  protocol: layer2
  auto-asign: false
  addresses: [198.18.3.0/24]
`),
  );
  await warned('address-pools[0].addresses[1]: invalid CIDR "198.18.2.0"');
  await warned('address-pools[1].auto-asign: could not parse config: unknown field "auto-asign"');
  const { stdout } = await cluster().kubectl(['describe', 'configmap', 'config', '-n', namespace]);
  expect(stdout).toContain('address-pools[0].addresses[1]: invalid CIDR "198.18.2.0"');
  await apply(cluster(), loadBalancer('beside'));
  expect(await addressOf('beside')).toBe('198.18.1.2');
});

test('text that is not YAML withdraws nothing', async () => {
  await apply(cluster(), configMap('address-pools: ['));
  await warned('what stood there before stays in force');
  await apply(cluster(), loadBalancer('later'));
  expect(await addressOf('later')).toBe('198.18.1.3');
});

test('converted and applied, it can be deleted without a service losing its address', async () => {
  await cluster().kubectl(['apply', '-f', example], { cwd: repository });
  const manifest = await readFile(join(repository, example), 'utf8');
  const { stdout } = await runCommand(['npx', 'metallb-ts', 'convert'], { cwd: repository, input: manifest });
  const objects = await cluster().kubectl(['apply', '-f', '-'], { input: stdout });
  expect(objects.stdout).toBe(
    'ipaddresspool.metallb.io/lan created\nl2advertisement.metallb.io/l2advertisement1 created\n',
  );
  await warned('there is a custom resource IPAddressPool "lan"');
  await cluster().kubectl(['delete', 'configmap', 'config', '-n', namespace]);
  await apply(cluster(), loadBalancer('after'));
  expect(await addressOf('after')).toBe('198.18.1.4');
  expect(await addressesOf(cluster(), 'first')).toEqual(['198.18.1.1']);
  expect(await curl(cluster(), 'client', '198.18.1.1')).toContain('nginx');
});

test.each(['layer2', 'bgp', 'bfd', 'only-data'])('the API server accepts what %s is converted to', async (name) => {
  const file = join(repository, 'controller/convert/fixtures', `${name}.expected.yaml`);
  const input = (await readFile(file, 'utf8')).replaceAll('namespace: load-balancing', `namespace: ${namespace}`);
  const { stdout } = await cluster().kubectl(['apply', '--dry-run=server', '-f', '-'], { input });
  expect(stdout.match(/ \(server dry run\)$/gm)).toHaveLength(input.match(/^kind: /gm)?.length ?? 0);
});

test('an unmarked one beside custom resources is left out whole, until it is marked', async () => {
  const text = `
address-pools:
- {name: old, protocol: layer2, addresses: [198.18.1.0/25, 198.18.4.0/24]}
`;
  const wish = { annotations: { 'metallb.io/address-pool': 'old' } };
  await apply(cluster(), configMap(text), loadBalancer('wisher', wish));
  await warned('this ConfigMap is not marked as in use');
  expect(await addressesOf(cluster(), 'wisher')).toEqual([]);
  expect(await isMarked()).toBe(false);
  await cluster().kubectl(['annotate', 'configmap', 'config', '-n', namespace, 'metallb.io/in-use=true']);
  expect(await addressOf('wisher')).toBe('198.18.4.0');
  await warned('address-pools[0].addresses[0]: CIDR "198.18.1.0/25" in pool "old" overlaps');
});
