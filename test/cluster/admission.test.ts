import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createWebhook } from '../../controller/webhook/webhook.ts';
import { nothingConfigured } from '../../src/domain/config/assemble.ts';
import { realClock } from '../../src/io/real-clock.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import { createClient } from '../../src/k8s/client/client.ts';
import type { HttpServer } from '../../src/observe/http/http-server.ts';
import { serveHttps } from '../../src/observe/http/https-server.ts';
import { type ApiServer, startApiServer } from '../support/api-server/api-server.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { type CommandOptions, type CommandOutcome, runCommand } from '../support/command.ts';
import { findPrograms } from '../support/kubernetes/programs.ts';
import { silentLog } from '../support/silent-log.ts';

/** The webhooks of the controller before a real API server, which reaches them at a loopback address. */

const manifests = join(import.meta.dirname, '../../manifests/metallb.yaml');
const namespace = 'metallb-system';
const configuration = 'validatingwebhookconfiguration/metallb-webhook-configuration';

let server: ApiServer;
let program: string;
let api: Api;
let webhook: HttpServer | undefined;

const kubectl = (args: readonly string[], options: CommandOptions = {}): Promise<CommandOutcome> =>
  runCommand([program, '--kubeconfig', server.kubeconfig, ...args], { timeout: 60_000, ...options });

const applyManifests = (): Promise<CommandOutcome> => kubectl(['apply', '-f', manifests], { timeout: 120_000 });

const applyYaml = (input: string): Promise<CommandOutcome> => kubectl(['apply', '-f', '-'], { input, check: false });

const readJson = async <T>(...what: readonly string[]): Promise<T> =>
  JSON.parse((await kubectl(['-n', namespace, 'get', ...what, '-o', 'json'])).stdout) as T;

const yaml = (kind: string, name: string, spec: string, version = 'v1beta1', folder = namespace): string =>
  `apiVersion: metallb.io/${version}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${folder}}\nspec: {${spec}}\n---\n`;

beforeAll(async () => {
  program = (await findPrograms(() => {})).kubectl;
  server = await startApiServer();
  const headers = { authorization: `Bearer ${server.token}` };
  const identity = Promise.resolve({ headers, tls: { ca: await readFile(server.caFile) } });
  api = createClient({
    credentials: {
      server: new URL(`https://127.0.0.1:${server.port}`),
      identity: () => identity,
      forget: () => {},
    },
    clock: realClock,
    userAgent: 'metallb-test',
  });
  await applyManifests();
  const kinds = ['ipaddresspools', 'l2advertisements', 'bgpadvertisements', 'bgppeers', 'bfdprofiles', 'communities'];
  const definitions = kinds.map((kind) => `customresourcedefinition/${kind}.metallb.io`);
  await kubectl(['wait', '--for=condition=established', '--timeout=60s', ...definitions], { timeout: 90_000 });
});

afterAll(async () => {
  await webhook?.close();
  api?.close();
  await server?.close();
});

type WebhookConfiguration = {
  readonly webhooks: readonly {
    readonly failurePolicy: string;
    readonly clientConfig: { readonly caBundle?: string; readonly service: { readonly path: string } };
  }[];
};

test('while no webhook answers, a pool is taken, also in the command that applies the manifests', async () => {
  const { stdout } = await kubectl(['apply', '-f', manifests, '-f', '-'], {
    input: yaml('IPAddressPool', 'early', 'addresses: [198.51.100.0/24]'),
    timeout: 120_000,
  });
  expect(stdout).toContain('ipaddresspool.metallb.io/early created');
});

test('applying the manifests again wipes neither the certificate nor the authority', async () => {
  const secret = 'secret/metallb-webhook-cert';
  const data = { 'ca.crt': 'Y2E=', 'tls.crt': 'Y2VydA==', 'tls.key': 'a2V5' };
  await kubectl(['-n', namespace, 'patch', secret, '--type=merge', '--patch', JSON.stringify({ data })]);
  const caBundle = Buffer.from((await loopbackCertificate('authority')).cert).toString('base64');
  const { webhooks } = await readJson<WebhookConfiguration>(configuration);
  const patch = webhooks.map((_, index) => ({
    op: 'add',
    path: `/webhooks/${index}/clientConfig/caBundle`,
    value: caBundle,
  }));
  await kubectl(['patch', configuration, '--type=json', '--patch', JSON.stringify(patch)]);
  const clientConfig = { caBundle };
  const conversion = JSON.stringify({ spec: { conversion: { webhook: { clientConfig } } } });
  await kubectl(['patch', 'crd', 'bgppeers.metallb.io', '--type=merge', '--patch', conversion]);

  const { stdout } = await applyManifests();
  expect(stdout).toContain('validatingwebhookconfiguration.admissionregistration.k8s.io/metallb-webhook-configuration');

  expect(await readJson(secret)).toMatchObject({ data });
  const after = await readJson<WebhookConfiguration>(configuration);
  expect(after.webhooks.map((each) => [each.clientConfig.caBundle, each.failurePolicy])).toEqual(
    webhooks.map(() => [caBundle, 'Ignore']),
  );
  expect(await readJson('crd', 'bgppeers.metallb.io')).toMatchObject({
    spec: { conversion: { webhook: { clientConfig } } },
  });
});

/** The line that `kubectl apply` prints of an object that a webhook refuses to create. */
const denied = (kind: string, message: string): string =>
  `Error from server (Forbidden): error when creating "STDIN": admission webhook "${kind}validationwebhook.metallb.io" ` +
  `denied the request: ${message}`;

/** Sound to the schemas; each with what is to be said. */
const badObjects: readonly (readonly [name: string, object: string, kind: string, message: string])[] = [
  [
    'a range that ends before it begins',
    yaml('IPAddressPool', 'bad', 'addresses: [192.0.2.20-192.0.2.10]'),
    'ipaddresspool',
    'spec.addresses[0]: invalid CIDR "192.0.2.20-192.0.2.10" in pool "bad": invalid IP range ' +
      '"192.0.2.20-192.0.2.10": start IP "192.0.2.20" is after the end IP "192.0.2.10"',
  ],
  [
    'a pool that overlaps another',
    yaml('IPAddressPool', 'bad', 'addresses: [203.0.113.0/24, 198.51.100.128/25]'),
    'ipaddresspool',
    'spec.addresses[1]: CIDR "198.51.100.128/25" in pool "bad" overlaps with already defined CIDR ' +
      '"198.51.100.0/24" in pool "early"',
  ],
  [
    'a pool in another namespace',
    yaml('IPAddressPool', 'bad', 'addresses: [192.0.2.0/24]', 'v1beta1', 'default'),
    'ipaddresspool',
    'resource must be created in metallb-system namespace',
  ],
  [
    'a selector that cannot select',
    yaml('L2Advertisement', 'bad', 'nodeSelectors: [{matchLabels: {"a b": c}}]'),
    'l2advertisement',
    'spec.nodeSelectors[0]: failed to parse node selector for bad: "a b" is not a valid label key',
  ],
  [
    'an aggregation that is wider than a pool',
    yaml('BGPAdvertisement', 'bad', 'aggregationLength: 16'),
    'bgpadvertisement',
    'spec.aggregationLength: invalid aggregation length 16: prefix 24 in this pool is more specific than the ' +
      'aggregation length for addresses 198.51.100.0/24',
  ],
  [
    'a peer of two AS numbers',
    yaml('BGPPeer', 'bad', 'myASN: 64512, peerASN: 64513, dynamicASN: external, peerAddress: 192.0.2.1', 'v1beta2'),
    'bgppeers',
    'spec.dynamicASN: both peer ASN and dynamicASN specified',
  ],
  [
    'a peer of the old version with a name for an address',
    yaml('BGPPeer', 'bad', 'myASN: 64512, peerASN: 64513, peerAddress: router.example'),
    'bgppeers',
    'spec.peerAddress: invalid BGPPeer address "router.example"',
  ],
  [
    'a community of three parts',
    yaml('Community', 'bad', 'communities: [{name: a, value: "1:2:3"}]'),
    'community',
    'spec.communities[0].value: parsing community "a": invalid community format: 1:2:3',
  ],
  [
    'a BFD profile in another namespace',
    yaml('BFDProfile', 'bad', 'receiveInterval: 50', 'v1beta1', 'default'),
    'bfdprofile',
    'resource must be created in metallb-system namespace',
  ],
];

const oldPeer = (name: string): string =>
  yaml('BGPPeer', name, 'myASN: 64512, peerASN: 64513, peerAddress: 192.0.2.1, bfdProfile: fast');

describe('with the webhooks', () => {
  beforeAll(async () => {
    const certificate = await loopbackCertificate();
    webhook = await serveHttps({
      host: '127.0.0.1',
      port: 'any',
      routes: createWebhook({
        api,
        log: silentLog,
        metallbNamespace: namespace,
        bgpType: 'native',
        watched: () => ({ ...nothingConfigured, services: [] }),
      }),
      method: 'POST',
      tls: { minVersion: 'TLSv1.3' },
      certificate: { current: () => certificate, onChange: () => {} },
      log: silentLog,
    });
    const base = `https://127.0.0.1:${webhook?.port}`;
    const caBundle = Buffer.from(certificate.cert).toString('base64');
    const { webhooks } = await readJson<WebhookConfiguration>(configuration);
    const patch = webhooks.map(({ clientConfig }, index) => ({
      op: 'replace',
      path: `/webhooks/${index}/clientConfig`,
      value: { url: base + clientConfig.service.path, caBundle },
    }));
    await kubectl(['patch', configuration, '--type=json', '--patch', JSON.stringify(patch)]);
    const clientConfig = { service: null, url: `${base}/convert`, caBundle };
    const conversion = JSON.stringify({ spec: { conversion: { webhook: { clientConfig } } } });
    await kubectl(['patch', 'crd', 'bgppeers.metallb.io', '--type=merge', '--patch', conversion]);
    const [, refused = ''] = badObjects[2] ?? [];
    await eventually('the API server asks', async () => (await applyYaml(refused)).code !== 0);
    await eventually('the API server converts', () => kubectl(['get', 'bgppeers.v1beta1.metallb.io', '-A']));
  });

  test.each(badObjects)('%s is refused in one sentence', async (_, object, kind, message) => {
    const { code, stderr } = await applyYaml(object);
    expect(code).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines.filter((line) => !line.startsWith('Warning: v1beta1 is deprecated'))).toEqual([denied(kind, message)]);
  });

  test('what may still come is only warned about', async () => {
    const { code, stdout, stderr } = await applyYaml(yaml('BGPAdvertisement', 'early', 'communities: [later]'));
    expect([code, stdout]).toEqual([0, 'bgpadvertisement.metallb.io/early created\n']);
    expect(stderr).toMatch(/^Warning: spec\.communities\[0\]: .*"later".*\n$/);
  });

  test('objects of one command know of each other', async () => {
    const { code, stdout, stderr } = await applyYaml(
      yaml('IPAddressPool', 'one', 'addresses: [203.0.113.0/24]') +
        yaml('IPAddressPool', 'two', 'addresses: [203.0.113.8/29]'),
    );
    expect([code, stdout]).toEqual([1, 'ipaddresspool.metallb.io/one created\n']);
    expect(stderr).toContain('overlaps with already defined CIDR "203.0.113.0/24" in pool "one"');
  });

  test('a change is judged as well', async () => {
    const { code, stderr } = await applyYaml(yaml('IPAddressPool', 'one', 'addresses: [198.51.100.0/28]'));
    expect(code).toBe(1);
    expect(stderr).toContain('CIDR "198.51.100.0/28" in pool "one" overlaps');
  });

  test('peers of the old version are stored in the new one, many at a time, and read in both', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `p${index}`);
    expect((await applyYaml(names.map(oldPeer).join(''))).code).toBe(0);
    for (const version of ['v1beta1', 'v1beta2']) {
      const { items } = await readJson<{ readonly items: readonly object[] }>(`bgppeers.${version}.metallb.io`);
      expect(items).toHaveLength(names.length);
      expect(items[0]).toMatchObject({
        apiVersion: `metallb.io/${version}`,
        spec: { myASN: 64512, peerAddress: '192.0.2.1', bfdProfile: 'fast' },
      });
    }
  });

  test('a BFD profile that a peer uses stays', async () => {
    await applyYaml(yaml('BFDProfile', 'fast', 'receiveInterval: 50'));
    await applyYaml(oldPeer('p0'));
    const { stderr } = await kubectl(['-n', namespace, 'delete', 'bfdprofile', 'fast'], { check: false });
    expect(stderr.trim()).toBe(
      'Error from server (Forbidden): admission webhook "bfdprofilevalidationwebhook.metallb.io" denied the request: ' +
        'failed to delete BFDProfile fast, used by BGPPeer p0',
    );
  });
});
