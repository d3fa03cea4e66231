import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convertBgpPeer } from '../../src/domain/resources/bgp-peer-conversion.ts';
import { startApiServer, type ApiServer } from '../support/api-server/api-server.ts';
import { loopbackCertificate } from '../support/certificate.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { runCommand, type CommandOptions } from '../support/command.ts';
import { findPrograms } from '../support/kubernetes/programs.ts';
import { badResources } from './bad-resources.ts';

const repository = join(import.meta.dirname, '../..');

const namespace = 'metallb-system';

const kinds = [
  'bfdprofiles',
  'bgpadvertisements',
  'bgppeers',
  'communities',
  'configurationstates',
  'ipaddresspools',
  'l2advertisements',
  'servicebgpstatuses',
  'servicel2statuses',
];

let server: ApiServer;
let program: string;

const kubectl = (args: readonly string[], options: CommandOptions = {}) =>
  runCommand([program, '--kubeconfig', server.kubeconfig, '--namespace', namespace, ...args], options);

const applyManifests = async (): Promise<string> =>
  (await kubectl(['apply', '-f', join(repository, 'manifests/metallb.yaml')], { timeout: 120_000 })).stdout;

let firstOutput: string;

beforeAll(async () => {
  program = (await findPrograms(() => {})).kubectl;
  server = await startApiServer();
  firstOutput = await applyManifests();
  await kubectl(
    [
      'wait',
      '--for=condition=established',
      '--timeout=60s',
      ...kinds.map((kind) => `customresourcedefinition/${kind}.metallb.io`),
    ],
    { timeout: 90_000 },
  );
});

afterAll(async () => {
  await server?.close();
});

/** Creates an object, or changes it to what is given, through kubectl. */
const apply = (object: object) => kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) });

const object = (kind: string, name: string, fields: object, version = 'v1beta1') => ({
  apiVersion: `metallb.io/${version}`,
  kind,
  metadata: { name, namespace },
  ...fields,
});

const read = async (kind: string, name: string): Promise<Record<string, Record<string, unknown>>> =>
  JSON.parse((await kubectl(['get', kind, name, '-o', 'json'])).stdout) as Record<string, Record<string, unknown>>;

/** Writes the status of an object; gives what the API server has against it. */
const writeStatus = async (kind: string, name: string, status: object): Promise<string> => {
  const patch = ['patch', kind, name, '--subresource=status', '--type=merge', '--patch', JSON.stringify({ status })];
  return (await kubectl(patch, { check: false })).stderr;
};

test('every definition is created, and applying it again changes nothing', async () => {
  const created = kinds.map((kind) => `customresourcedefinition.apiextensions.k8s.io/${kind}.metallb.io created`);
  const definitions = (output: string) =>
    output
      .split('\n')
      .filter((line) => line.startsWith('customresourcedefinition'))
      .sort();
  expect(definitions(firstOutput)).toEqual(created);
  expect(definitions(await applyManifests())).toEqual(created.map((line) => line.replace('created', 'unchanged')));
});

test('the API server finds no fault with the schemas', async () => {
  const { stdout } = await kubectl(['get', 'customresourcedefinitions', '-o', 'json']);
  const { items } = JSON.parse(stdout) as {
    items: { metadata: { name: string }; status: { conditions: { type: string; status: string }[] } }[];
  };
  const conditions = items.flatMap(({ metadata, status }) =>
    status.conditions.map(({ type, status: is }) => `${metadata.name} ${type} ${is}`),
  );
  expect(conditions.filter((line) => /NonStructuralSchema|False/.test(line))).toEqual([]);
  expect(conditions.filter((line) => line.endsWith('Established True'))).toHaveLength(kinds.length);
});

describe('the API server refuses', () => {
  test.each(badResources)('$name', async ({ yaml, message }) => {
    const { code, stderr } = await kubectl(['apply', '--dry-run=server', '-f', '-'], { input: yaml, check: false });
    expect(code).not.toBe(0);
    expect(stderr).toContain(message);
  });
});

test('defaults are filled in', async () => {
  await apply(object('BGPPeer', 'defaults', { spec: { myASN: 64512 } }, 'v1beta2'));
  expect((await read('bgppeer', 'defaults'))['spec']).toEqual({
    myASN: 64512,
    peerPort: 179,
    disableMP: false,
    dualStackAddressFamily: false,
  });
  await apply(object('BGPAdvertisement', 'defaults', { spec: {} }));
  expect((await read('bgpadvertisement', 'defaults'))['spec']).toEqual({
    aggregationLength: 32,
    aggregationLengthV6: 128,
  });
  await apply(object('BFDProfile', 'defaults', { spec: {} }));
  expect((await read('bfdprofile', 'defaults'))['spec']).toEqual({});
});

const selectors = [{}, { matchLabels: { a: 'b' } }, { matchExpressions: [{ key: 'c', operator: 'Exists' }] }];

test('everything that MetalLB has can be said', async () => {
  const peer = {
    myASN: 4294967295,
    peerASN: 64513,
    localASN: 64514,
    peerAddress: '192.0.2.1',
    sourceAddress: '192.0.2.2',
    peerPort: 16384,
    holdTime: '1m30s',
    keepaliveTime: '+1.5s',
    connectTime: '65535s',
    routerID: '192.0.2.3',
    nodeSelectors: selectors,
    password: 'a',
    passwordSecret: { name: 'b', namespace: 'c' },
    bfdProfile: 'fast',
    enableGracefulRestart: true,
    ebgpMultiHop: true,
    vrf: 'red',
    disableMP: true,
    dualStackAddressFamily: true,
  };
  const advertisement = {
    aggregationLength: 24,
    aggregationLengthV6: 64,
    localPref: 4294967295,
    communities: ['64512:1', 'large:1:2:3', 'alias'],
    ipAddressPools: ['first'],
    ipAddressPoolSelectors: selectors,
    nodeSelectors: selectors,
    peers: ['full'],
    serviceSelectors: [],
  };
  const profile = {
    receiveInterval: 10,
    transmitInterval: 60_000,
    detectMultiplier: 255,
    echoInterval: 10,
    echoMode: true,
    passiveMode: true,
    minimumTtl: 254,
  };
  const aliases = { communities: [{ name: 'alias', value: '64512:2' }] };
  await apply(object('BGPPeer', 'full', { spec: peer }, 'v1beta2'));
  await apply(object('BGPAdvertisement', 'full', { spec: advertisement }));
  await apply(object('BFDProfile', 'fast', { spec: profile }));
  await apply(object('Community', 'aliases', { spec: aliases }));
  expect((await read('bgppeer', 'full'))['spec']).toEqual(peer);
  expect((await read('bgpadvertisement', 'full'))['spec']).toEqual(advertisement);
  expect((await read('bfdprofile', 'fast'))['spec']).toEqual(profile);
  expect((await read('community', 'aliases'))['spec']).toEqual(aliases);
});

test('selectors on services go with the default lengths', async () => {
  const spec = { aggregationLength: 32, aggregationLengthV6: 128, serviceSelectors: selectors };
  await apply(object('BGPAdvertisement', 'selecting', { spec }));
  expect((await read('bgpadvertisement', 'selecting'))['spec']).toEqual(spec);
});

test('graceful restart stays as it was set', async () => {
  const withRestart = (enableGracefulRestart: boolean) =>
    object('BGPPeer', 'restarting', { spec: { myASN: 64512, enableGracefulRestart } }, 'v1beta2');
  await apply(withRestart(true));
  await expect(apply(withRestart(false))).rejects.toThrow('EnableGracefulRestart cannot be changed after creation');
});

test('a status object keeps the service and the node it speaks of', async () => {
  const status = { node: 'n1', serviceName: 'web', serviceNamespace: 'default' };
  for (const [kind, more] of [
    ['ServiceL2Status', { interfaces: [{ name: 'eth0' }] }],
    ['ServiceBGPStatus', { peers: ['router-a', 'router-b'] }],
  ] as const) {
    const name = 'announced';
    await apply(object(kind, name, {}));
    expect(await writeStatus(kind, name, { ...status, ...more })).toBe('');
    expect((await read(kind, name))['status']).toEqual({ ...status, ...more });
    for (const field of Object.keys(status)) {
      expect(await writeStatus(kind, name, { [field]: 'other' })).toContain(
        `status.${field}: Invalid value: "string": Value is immutable`,
      );
    }
  }
});

test('conditions are one of each type, with a reason', async () => {
  const condition = {
    type: 'poolReconcilerValid',
    status: 'True',
    reason: 'Reconciled',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
  for (const kind of ['ConfigurationState', 'ServiceL2Status']) {
    await apply(object(kind, 'conditions', {}));
    expect(await writeStatus(kind, 'conditions', { conditions: [condition] })).toBe('');
    expect((await read(kind, 'conditions'))['status']).toEqual({ conditions: [condition] });
    expect(await writeStatus(kind, 'conditions', { conditions: [condition, condition] })).toContain('Duplicate value');
    expect(await writeStatus(kind, 'conditions', { conditions: [{ ...condition, reason: '' }] })).toContain('reason');
  }
  expect(await writeStatus('ConfigurationState', 'conditions', { result: 'Fine' })).toContain(
    'status.result: Unsupported value: "Fine": supported values: "Valid", "Invalid", "Unknown"',
  );
});

test('kubectl get shows the columns of MetalLB', async () => {
  await apply(object('IPAddressPool', 'columns', { spec: { addresses: ['192.0.2.0/24'] } }));
  await apply(object('L2Advertisement', 'columns', {}));
  await apply(object('BGPAdvertisement', 'columns', {}));
  await apply(object('BGPPeer', 'columns', { spec: { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1' } }, 'v1beta2'));
  await apply(object('BFDProfile', 'columns', {}));
  await apply(object('Community', 'columns', {}));
  await apply(object('ConfigurationState', 'columns', {}));
  await apply(object('ServiceL2Status', 'columns', {}));
  await apply(object('ServiceBGPStatus', 'columns', {}));
  const header = async (kind: string, ...args: readonly string[]) =>
    (await kubectl(['get', kind, 'columns', ...args])).stdout.split('\n')[0]!.trim().split(/ {2,}/);
  expect(await header('ipaddresspool')).toEqual(['NAME', 'AUTO ASSIGN', 'AVOID BUGGY IPS', 'ADDRESSES']);
  const advertisement = ['NAME', 'IPADDRESSPOOLS', 'IPADDRESSPOOL SELECTORS'];
  expect(await header('l2advertisement')).toEqual([...advertisement, 'INTERFACES']);
  expect(await header('l2advertisement', '-o', 'wide')).toEqual([...advertisement, 'INTERFACES', 'NODE SELECTORS']);
  expect(await header('bgpadvertisement')).toEqual([...advertisement, 'PEERS']);
  expect(await header('bgpadvertisement', '-o', 'wide')).toEqual([...advertisement, 'PEERS', 'NODE SELECTORS']);
  expect(await header('bgppeer')).toEqual(['NAME', 'ADDRESS', 'ASN', 'BFD PROFILE', 'MULTI HOPS']);
  expect(await header('bfdprofile')).toEqual([
    'NAME',
    'PASSIVE MODE',
    'TRANSMIT INTERVAL',
    'RECEIVE INTERVAL',
    'MULTIPLIER',
  ]);
  expect(await header('community')).toEqual(['NAME', 'AGE']);
  expect(await header('configurationstate')).toEqual(['NAME', 'RESULT', 'ERRORSUMMARY', 'AGE']);
  expect(await header('servicel2status')).toEqual(['NAME', 'ALLOCATED NODE', 'SERVICE NAME', 'SERVICE NAMESPACE']);
  expect(await header('servicebgpstatus')).toEqual(['NAME', 'NODE', 'SERVICE NAME', 'SERVICE NAMESPACE']);
});

test('every list of selectors can be applied by the server', async () => {
  const objects = [
    object('BGPPeer', 'by-server', { spec: { myASN: 1, nodeSelectors: selectors } }, 'v1beta2'),
    object('BGPAdvertisement', 'by-server', {
      spec: { ipAddressPoolSelectors: selectors, nodeSelectors: selectors, serviceSelectors: selectors },
    }),
  ];
  for (const each of objects) {
    const { stdout } = await kubectl(['apply', '--server-side', '-f', '-'], { input: JSON.stringify(each) });
    expect(stdout).toContain('serverside-applied');
  }
});

type ConversionReview = {
  readonly apiVersion: string;
  readonly request: { readonly uid: string; readonly desiredAPIVersion: string; readonly objects: readonly unknown[] };
};

describe('between the versions of BGPPeer', () => {
  let webhook: Server;
  const reviewVersions = new Set<string>();

  /** Answers as the controller does, as far as the API server can tell. */
  const review = ({ apiVersion, request: { uid, desiredAPIVersion, objects } }: ConversionReview): object => {
    reviewVersions.add(apiVersion);
    const results = objects.map((each) => convertBgpPeer(each, desiredAPIVersion));
    const failure = results.find((each) => !each.ok);
    const response =
      failure === undefined
        ? { convertedObjects: results.map((each) => each.ok && each.value), result: { status: 'Success' } }
        : { convertedObjects: [], result: { status: 'Failure', message: failure.error } };
    return { apiVersion, kind: 'ConversionReview', response: { uid, ...response } };
  };

  beforeAll(async () => {
    const certificate = await loopbackCertificate();
    webhook = createServer(certificate, (request, response) => {
      void json(request).then((body) => response.end(JSON.stringify(review(body as ConversionReview))));
    });
    await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
    const { port } = webhook.address() as AddressInfo;
    const clientConfig = {
      service: null,
      url: `https://127.0.0.1:${port}/convert`,
      caBundle: Buffer.from(certificate.cert).toString('base64'),
    };
    const patch = JSON.stringify({ spec: { conversion: { webhook: { clientConfig } } } });
    await kubectl(['patch', 'customresourcedefinition', 'bgppeers.metallb.io', '--type=merge', '--patch', patch]);
    await eventually('the API server converts', async () => (await readOld('defaults')) !== undefined);
  });

  afterAll(async () => {
    webhook.closeAllConnections();
    await new Promise((resolve) => webhook.close(resolve));
  });

  const vrfAnnotation = 'v1beta2.metallb.io/vrf';
  const readOld = (name: string) => read('bgppeers.v1beta1.metallb.io', name);
  const readNew = (name: string) => read('bgppeers.v1beta2.metallb.io', name);

  test('the old one is deprecated, and says so', async () => {
    const { stderr } = await kubectl(['get', 'bgppeers.v1beta1.metallb.io']);
    expect(stderr).toContain('Warning: v1beta1 is deprecated, please use v1beta2');
  });

  test('a peer written in the old one is read in the new one, and the other way round', async () => {
    const spec = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', nodeSelectors: [{}] };
    const { stderr } = await apply(object('BGPPeer', 'old', { spec }));
    expect(stderr).toContain('v1beta1 is deprecated');
    expect((await readNew('old'))['spec']).toEqual({
      ...spec,
      peerPort: 179,
      disableMP: false,
      dualStackAddressFamily: false,
    });
    expect((await readOld('old'))['spec']).toEqual({ ...spec, peerPort: 179 });
    expect(reviewVersions).toEqual(new Set(['apiextensions.k8s.io/v1']));
  });

  test('a client of the old one does not destroy what it cannot see', async () => {
    const spec = { myASN: 64512, dynamicASN: 'external', interface: 'eth1', vrf: 'red', connectTime: '10s' };
    await apply(object('BGPPeer', 'new', { spec }, 'v1beta2'));
    const before = await readNew('new');
    const old = await readOld('new');
    expect(old['spec']).toEqual({ myASN: 64512, peerASN: 0, peerAddress: '', peerPort: 179 });
    const changed = { ...old, spec: { ...old['spec'], holdTime: '9s' } };
    await kubectl(['replace', '-f', '-'], { input: JSON.stringify(changed) });
    const after = await readNew('new');
    expect(after['spec']).toEqual({ ...before['spec'], holdTime: '9s' });
    expect(old['metadata']!['annotations']).toHaveProperty([vrfAnnotation]);
    expect(after['metadata']!['annotations']).not.toHaveProperty([vrfAnnotation]);
  });

  test('two who apply by the server, each in a version of its own, keep what is theirs', async () => {
    const applyAs = (owner: string, version: string, spec: object) =>
      kubectl(['apply', '--server-side', `--field-manager=${owner}`, '-f', '-'], {
        input: JSON.stringify(object('BGPPeer', 'owned', { spec }, version)),
      });
    const spec = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' };
    await applyAs('new', 'v1beta2', { ...spec, vrf: 'red', connectTime: '10s' });
    await applyAs('old', 'v1beta1', { ...spec, holdTime: '9s' });
    const both = { ...spec, connectTime: '10s', holdTime: '9s' };
    expect((await readNew('owned'))['spec']).toMatchObject({ ...both, vrf: 'red' });
    await applyAs('new', 'v1beta2', { ...spec, connectTime: '10s' });
    const { spec: after } = await readNew('owned');
    expect(after).toMatchObject(both);
    expect(after).not.toHaveProperty('vrf');
  });

  test('an annotation that was changed is refused in one sentence', async () => {
    const annotations = { [vrfAnnotation]: 'red' };
    const spec = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' };
    const { code, stderr } = await kubectl(['apply', '-f', '-'], {
      input: JSON.stringify({
        ...object('BGPPeer', 'bad', { spec }),
        metadata: { name: 'bad', namespace, annotations },
      }),
      check: false,
    });
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      'BGPPeer metallb-system/bad: metadata.annotations[v1beta2.metallb.io/vrf]: must be what spec.vrf is',
    );
  });
});
