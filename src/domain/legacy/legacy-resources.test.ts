import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CustomResource } from '../config/custom-resource.ts';
import { legacyResources } from './legacy-resources.ts';
import { parseLegacyDocument } from './parse-document.ts';

const read = (text: string) =>
  legacyResources(
    { namespace: 'metallb-system', name: 'config', uid: 'u1', isInUse: true, config: parseLegacyDocument(text) },
    'metallb-system',
  );

/** Name, spec and place of each. */
const shown = (resources: readonly CustomResource[]) =>
  resources.map(({ metadata: { name }, spec, origin }) => [name, spec, origin?.path]);

test('a layer 2 pool becomes a pool and an advertisement, with the names to the letter', () => {
  const { resources, problems } = read(`
address-pools:
- name: My_Pool
  protocol: layer2
  addresses: [192.0.2.0/24, 2001:db8::1-2001:db8::9]
- name: second
  protocol: layer2
  avoid-buggy-ips: yes
  auto-assign: off
  addresses:
  - 198.51.100.10 - 198.51.100.20
`);
  expect(problems).toEqual([]);
  expect(shown(resources.pools)).toEqual([
    ['My_Pool', { addresses: ['192.0.2.0/24', '2001:db8::1-2001:db8::9'] }, 'address-pools[0]'],
    [
      'second',
      { addresses: ['198.51.100.10 - 198.51.100.20'], autoAssign: false, avoidBuggyIPs: true },
      'address-pools[1]',
    ],
  ]);
  expect(shown(resources.l2Advertisements)).toEqual([
    ['l2advertisement1', { ipAddressPools: ['My_Pool'] }, 'address-pools[0]'],
    ['l2advertisement2', { ipAddressPools: ['second'] }, 'address-pools[1]'],
  ]);
  expect(resources.pools[0]).toMatchObject({
    metadata: { namespace: 'metallb-system', uid: 'u1' },
    origin: { namespace: 'metallb-system', name: 'config', uid: 'u1' },
  });
});

test('BGP: peers, communities and one running number of advertisements', () => {
  const { resources, problems } = read(
    `
peers:
- my-asn: 64500
  peer-asn: 64501
  peer-address: 10.0.0.1
- my-asn: 64500
  peer-asn: 0xfbf6
  peer-address: 2001:db8::1
  source-address: 2001:db8::2
  peer-port: 1179
  hold-time: 3m5.9s
  keepalive-time: 1m
  router-id: 10.9.9.9
  password: 0123
  bfd-profile: quick
  ebgp-multihop: true
  node-selectors:
  - match-labels: {rack: r1}
    match-expressions:
    - {key: kubernetes.io/hostname, operator: NotIn, values: [a, b]}
  - {}
`,
  );
  expect(problems).toEqual([]);
  expect(shown(resources.bgpPeers)).toEqual([
    ['peer1', { myASN: 64500, peerASN: 64501, peerAddress: '10.0.0.1', holdTime: '1m30s' }, 'peers[0]'],
    [
      'peer2',
      {
        myASN: 64500,
        peerASN: 64502,
        peerAddress: '2001:db8::1',
        sourceAddress: '2001:db8::2',
        peerPort: 1179,
        holdTime: '3m5s',
        keepaliveTime: '1m0s',
        routerID: '10.9.9.9',
        nodeSelectors: [
          {
            matchLabels: { rack: 'r1' },
            matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'NotIn', values: ['a', 'b'] }],
          },
          {},
        ],
        password: '0123',
        bfdProfile: 'quick',
        ebgpMultiHop: true,
      },
      'peers[1]',
    ],
  ]);
});

test('each bgp pool has its advertisements, or one that says nothing', () => {
  const { resources, problems } = read(`
bgp-communities: {vpn-only: '64500:1', no-export: '65535:65281'}
address-pools:
- name: a
  protocol: bgp
  addresses: [192.0.2.0/24]
- name: b
  protocol: bgp
  addresses: [198.51.100.0/24]
  bgp-advertisements:
  - aggregation-length: 32
    localpref: 100
    communities: [vpn-only, 64500:7]
  - aggregation-length: 24
    aggregation-length-v6: 64
    localpref: 0
`);
  expect(problems).toEqual([]);
  expect(shown(resources.bgpAdvertisements)).toEqual([
    ['bgpadvertisement1', { ipAddressPools: ['a'] }, 'address-pools[0]'],
    [
      'bgpadvertisement2',
      { ipAddressPools: ['b'], aggregationLength: 32, localPref: 100, communities: ['vpn-only', '64500:7'] },
      'address-pools[1].bgp-advertisements[0]',
    ],
    [
      'bgpadvertisement3',
      { ipAddressPools: ['b'], aggregationLength: 24, aggregationLengthV6: 64 },
      'address-pools[1].bgp-advertisements[1]',
    ],
  ]);
  expect(shown(resources.communities)).toEqual([
    [
      'communities',
      {
        communities: [
          { name: 'no-export', value: '65535:65281' },
          { name: 'vpn-only', value: '64500:1' },
        ],
      },
      'bgp-communities',
    ],
  ]);
  expect(resources.l2Advertisements).toEqual([]);
});

test('BFD profiles keep their names, and say both modes', () => {
  const { resources, problems } = read(`
bfd-profiles:
- name: Quick_One
  receive-interval: 100
  transmit-interval: 101
  echo-interval: 102
  detect-multiplier: 4
  minimum-ttl: 250
  echo-mode: true
- name: default
`);
  expect(problems).toEqual([]);
  expect(shown(resources.bfdProfiles)).toEqual([
    [
      'Quick_One',
      {
        receiveInterval: 100,
        transmitInterval: 101,
        detectMultiplier: 4,
        echoInterval: 102,
        echoMode: true,
        passiveMode: false,
        minimumTtl: 250,
      },
      'bfd-profiles[0]',
    ],
    ['default', { echoMode: false, passiveMode: false }, 'bfd-profiles[1]'],
  ]);
});

test.each(['', '# nothing yet', 'address-pools:', 'address-pools: []', '{}'])(
  '%j says nothing, and is no fault',
  (text) => {
    const { resources, problems } = read(text);
    expect(problems).toEqual([]);
    expect(Object.values(resources).flat()).toEqual([]);
  },
);

test('a fault takes down its own entry; the others keep their names', () => {
  const { resources, problems } = read(`
peers:
- {my-asn: 64500, peer-asn: 64501}
- {my-asn: 64500, peer-asn: 64501, peer-address: 10.0.0.1}
bgp-communities: {good: '1:2', bad: '1:70000'}
bfd-profiles:
- {name: bad, detect-multiplier: 1}
- {name: good}
address-pools:
- {name: bad, addresses: [192.0.2.0/25]}
- name: good
  protocol: bgp
  addresses: [192.0.2.128/25]
  bgp-advertisements:
  - aggregation-length: 33
  - aggregation-length: 32
`);
  expect(problems.map(({ field }) => field)).toEqual([
    'bfd-profiles[0].detect-multiplier',
    'peers[0].peer-address',
    'bgp-communities.bad',
    'address-pools[0].protocol',
    'address-pools[1].bgp-advertisements[0].aggregation-length',
  ]);
  expect(problems[0]).toMatchObject({ kind: 'ConfigMap', name: 'config', uid: 'u1', severity: 'error' });
  expect(resources.bgpPeers.map(({ metadata }) => metadata.name)).toEqual(['peer2']);
  expect(resources.communities[0]?.spec).toEqual({ communities: [{ name: 'good', value: '1:2' }] });
  expect(resources.bfdProfiles.map(({ metadata }) => metadata.name)).toEqual(['good']);
  expect(resources.pools.map(({ metadata }) => metadata.name)).toEqual(['good']);
  expect(resources.bgpAdvertisements.map(({ metadata }) => metadata.name)).toEqual(['bgpadvertisement2']);
});

test('what stands there twice is only a warning', () => {
  const text = 'peers: [&a {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}, *a]';
  expect(read(text).problems).toMatchObject([{ reason: 'DuplicateDefinition', severity: 'warning' }]);
});

test('a layer 2 pool with BGP advertisements is announced by layer 2 all the same', () => {
  const text = 'address-pools: [{name: a, protocol: layer2, addresses: [192.0.2.0/24], bgp-advertisements: [{}]}]';
  const { resources } = read(text);
  expect([resources.pools.length, resources.l2Advertisements.length, resources.bgpAdvertisements.length]).toEqual([
    1, 1, 0,
  ]);
});

test('a pool with a fault gives no addresses, and those in use stay announced', () => {
  const { resources } = read(`
address-pools:
- {name: a, protocol: layer2, addresses: [192.0.2.0/25], autoassign: false}
- {name: b, protocol: bgp, addresses: [192.0.2.128/25], avoid-buggy-ips: 1}
`);
  expect(resources.pools).toEqual([]);
  expect(shown(resources.l2Advertisements)).toEqual([
    ['l2advertisement1', { ipAddressPools: ['a'] }, 'address-pools[0]'],
  ]);
  expect(shown(resources.bgpAdvertisements)).toEqual([
    ['bgpadvertisement1', { ipAddressPools: ['b'] }, 'address-pools[1]'],
  ]);
});

test('what is kept for the sake of newer text that is not YAML is told', () => {
  const config = parseLegacyDocument('peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}]');
  const view = {
    namespace: 'm',
    name: 'config',
    uid: 'u',
    isInUse: true,
    config,
    newerError: 'could not parse config: x',
  };
  const { resources, problems } = legacyResources(view, 'm');
  expect(resources.bgpPeers).toHaveLength(1);
  expect(problems).toMatchObject([
    { field: 'data.config', message: 'could not parse config: x; what stood there before stays in force' },
  ]);
});

test('of very many problems a hundred are told', () => {
  const { problems } = read(`peers: [${Array(200).fill('{}').join(',')}]`);
  expect(problems).toHaveLength(101);
  expect(problems.at(-1)?.message).toBe('500 more problems are not told');
});

test('a document of any shape gives problems and no exception', () => {
  const key = fc.constantFrom(
    'peers',
    'address-pools',
    'bfd-profiles',
    'bgp-communities',
    'name',
    'addresses',
    '__proto__',
  );
  const { document } = fc.letrec((tie) => ({
    document: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom(null, '', 'a', '1', 'layer2'),
      fc.array(tie('document'), { maxLength: 3 }),
      fc.dictionary(key, tie('document'), { maxKeys: 4 }),
    ),
  }));
  fc.assert(
    fc.property(document, (value) => {
      const view = { namespace: 'm', name: 'config', uid: 'u', isInUse: true, config: { ok: true, value } } as const;
      expect(() => legacyResources(view, 'm')).not.toThrow();
    }),
  );
});
