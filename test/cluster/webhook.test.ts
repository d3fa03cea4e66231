import { expect, test } from 'vitest';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { getObject, rolledOut } from '../support/cluster/metallb.ts';

/** The way from kubectl to a judgement, through the Service and with the certificate that the controller made. */

const cluster = metallbCluster({ nodes: 1 });

const yaml = (kind: string, name: string, spec: string, version = 'v1beta1'): string =>
  `apiVersion: metallb.io/${version}\nkind: ${kind}\nmetadata: {name: ${name}, namespace: metallb-system}\nspec: {${spec}}\n---\n`;

const apply = (input: string) => cluster().kubectl(['apply', '-f', '-'], { input, check: false });

const first = yaml('IPAddressPool', 'first', 'addresses: [192.0.2.0/24]');
const overlapping = (name: string): string => yaml('IPAddressPool', name, 'addresses: [192.0.2.128/25]');

test('kubectl shows one sentence of what is wrong with an object', async () => {
  expect((await apply(first)).code).toBe(0);
  const bad = [
    overlapping('bad'),
    yaml('L2Advertisement', 'bad', 'nodeSelectors: [{matchLabels: {"a b": c}}]'),
    yaml('BGPAdvertisement', 'bad', 'aggregationLength: 16'),
    yaml('BGPPeer', 'bad', 'myASN: 64512, peerASN: 64513, peerAddress: router.example', 'v1beta2'),
    yaml('Community', 'bad', 'communities: [{name: a, value: "1:2:3"}]'),
  ];
  const { code, stdout, stderr } = await apply(bad.join(''));
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr.trim().split('\n')).toEqual(
    [
      ['ipaddresspool', '.*"bad" overlaps with already defined CIDR "192.0.2.0/24" in pool "first"'],
      ['l2advertisement', '.*"a b" is not a valid label key'],
      ['bgpadvertisement', '.*invalid aggregation length 16.*'],
      ['bgppeers', '.*invalid BGPPeer address "router.example"'],
      ['community', '.*invalid community format: 1:2:3'],
    ].map(([kind, message]) =>
      expect.stringMatching(
        `^Error from server .*admission webhook "${kind}validationwebhook.metallb.io" denied the request: ${message}$`,
      ),
    ),
  );
});

type Peer = { readonly apiVersion: string; readonly spec: object };

test('a peer is written in one version and read in the other', async () => {
  expect((await apply(yaml('BGPPeer', 'old', 'myASN: 1, peerASN: 2, peerAddress: 192.0.2.1'))).code).toBe(0);
  expect((await apply(yaml('BGPPeer', 'new', 'myASN: 3, dynamicASN: external, interface: eth0', 'v1beta2'))).code).toBe(
    0,
  );
  const read = (name: string, version: string): Promise<Peer | undefined> =>
    getObject<Peer>(cluster(), '-n', 'metallb-system', `bgppeers.${version}.metallb.io`, name);
  expect(await read('old', 'v1beta2')).toMatchObject({
    apiVersion: 'metallb.io/v1beta2',
    spec: { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1' },
  });
  expect(await read('new', 'v1beta1')).toMatchObject({ apiVersion: 'metallb.io/v1beta1', spec: { myASN: 3 } });
});

type Pods = { readonly items: readonly { readonly status: { readonly podIP: string } }[] };

test('every replica answers, the leader or not', async () => {
  const pods = await getObject<Pods>(cluster(), '-n', 'metallb-system', 'pods', '--selector=component=controller');
  expect(pods?.items).toHaveLength(2);
  for (const { status } of pods?.items ?? []) {
    const url = `https://metallb-webhook-service.metallb-system.svc:9443/convert`;
    const argv = ['curl', '--silent', '--insecure', '--max-time', '10', '--write-out', '%{http_code}'];
    const resolved = ['--connect-to', `::${status.podIP}:`, '--header', 'content-type: application/json'];
    const { stdout } = await cluster().exec('n1', [...argv, ...resolved, '--data', '{}', url]);
    expect(stdout).toBe(
      'the body is not a ConversionReview of apiextensions.k8s.io/v1 or apiextensions.k8s.io/v1beta1\n400',
    );
  }
});

test('without a controller objects are taken unjudged, and judged again once there is one', async () => {
  const scale = async (replicas: number): Promise<void> => {
    await cluster().kubectl(['-n', 'metallb-system', 'scale', 'deployment/controller', `--replicas=${replicas}`]);
    if (replicas > 0) return rolledOut(cluster(), 'deployment/controller');
    await eventually('the controllers are gone', async () => {
      const pods = await getObject<Pods>(cluster(), '-n', 'metallb-system', 'pods', '--selector=component=controller');
      return pods === undefined; // kubectl prints nothing of nothing
    });
  };
  await scale(0);
  const { code, stdout } = await apply(overlapping('unjudged'));
  expect([code, stdout]).toEqual([0, 'ipaddresspool.metallb.io/unjudged created\n']);
  await scale(2);
  await eventually('pools are judged again', async () => {
    const { stderr } = await apply(overlapping('judged'));
    return stderr.includes('denied the request');
  });
});
