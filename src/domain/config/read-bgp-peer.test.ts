import { expect, test } from 'vitest';
import { assemble, problemTexts, resource } from '../../../test/support/custom-resources.ts';

const sound = { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1' };

const read = (spec: object) => assemble({ bgpPeers: [resource('p', spec)] }).configuration.peers;

test('a peer with the least there can be gets every default', () => {
  expect(read(sound)).toEqual([
    {
      name: 'p',
      myAsn: 64512,
      remoteAs: 64513,
      localAsn: undefined,
      target: { address: '192.0.2.1' },
      sourceAddress: undefined,
      port: 179,
      timers: undefined,
      connectTime: undefined,
      routerId: undefined,
      nodeSelectors: [],
      password: undefined,
      bfdProfile: undefined,
      gracefulRestart: false,
      ebgpMultiHop: false,
      vrf: undefined,
      disableMp: false,
      dualStackAddressFamily: false,
    },
  ]);
});

test('every field of a peer is read', () => {
  const spec = {
    myASN: 4_200_000_000,
    dynamicASN: 'external',
    localASN: 64514,
    interface: 'eth0',
    sourceAddress: '2001:DB8::5',
    peerPort: 1179,
    holdTime: '1m30s',
    keepaliveTime: '20s',
    connectTime: '10s',
    routerID: '192.0.2.9',
    nodeSelectors: [{ matchLabels: { rack: 'a' } }],
    passwordSecret: { name: 'bgp', namespace: 'elsewhere' },
    bfdProfile: 'fast',
    enableGracefulRestart: true,
    ebgpMultiHop: true,
    vrf: 'red',
    disableMP: true,
    dualStackAddressFamily: true,
  };
  const { configuration, problems } = assemble({
    bgpPeers: [resource('p', spec)],
    bfdProfiles: [resource('fast', { receiveInterval: 50, echoMode: true })],
    bgpType: 'frr-k8s',
  });
  expect(problems).toEqual([]);
  const [{ nodeSelectors, ...peer } = { nodeSelectors: [] }] = configuration.peers;
  expect(nodeSelectors.map((matches) => [matches({ rack: 'a' }), matches({})])).toEqual([[true, false]]);
  const fast = {
    name: 'fast',
    receiveInterval: 50,
    transmitInterval: 300,
    detectMultiplier: 3,
    echoInterval: 50,
    echoMode: true,
    passiveMode: false,
    minimumTtl: 254,
  };
  expect(configuration.bfdProfiles).toEqual([fast]);
  expect(peer).toEqual({
    name: 'p',
    myAsn: 4_200_000_000,
    remoteAs: 'external',
    localAsn: 64514,
    target: { interface: 'eth0' },
    sourceAddress: '2001:db8::5',
    port: 1179,
    timers: { holdTime: 90_000, keepaliveTime: 20_000 },
    connectTime: 10_000,
    routerId: '192.0.2.9',
    password: { secret: 'bgp' },
    bfdProfile: fast,
    gracefulRestart: true,
    ebgpMultiHop: true,
    vrf: 'red',
    disableMp: true,
    dualStackAddressFamily: true,
  });
});

test('empty texts and an empty reference to a Secret count as absent', () => {
  const spec = { ...sound, interface: '', sourceAddress: '', routerID: '', dynamicASN: '', vrf: '', bfdProfile: '' };
  expect(read({ ...spec, password: '', passwordSecret: {} })).toEqual(read(sound));
  expect(read({ ...sound, password: 'secret word', passwordSecret: { name: '' } })[0]?.password).toEqual({
    text: 'secret word',
  });
});

test.each<[object, { holdTime: number; keepaliveTime: number } | undefined]>([
  [{ holdTime: '90s' }, { holdTime: 90_000, keepaliveTime: 30_000 }],
  [{ keepaliveTime: '20s' }, { holdTime: 60_000, keepaliveTime: 20_000 }],
  [
    { holdTime: '0s', keepaliveTime: '0s' },
    { holdTime: 0, keepaliveTime: 0 },
  ],
  [
    { holdTime: '3s', keepaliveTime: '3s' },
    { holdTime: 3000, keepaliveTime: 3000 },
  ],
  [
    { holdTime: '65535s', keepaliveTime: '500ms' },
    { holdTime: 65_535_000, keepaliveTime: 500 },
  ],
])('the timers of %j', (timers, expected) => expect(read({ ...sound, ...timers })[0]?.timers).toEqual(expected));

test.each<[string, object, string]>([
  ['myASN', { myASN: 0 }, 'missing local ASN'],
  ['peerASN', { peerASN: 0 }, 'missing peer ASN and dynamicASN'],
  ['peerASN', { peerASN: undefined }, 'missing peer ASN and dynamicASN'],
  ['dynamicASN', { dynamicASN: 'internal' }, 'both peer ASN and dynamicASN specified'],
  ['dynamicASN', { peerASN: 0, dynamicASN: 'any' }, 'invalid dynamicASN any'],
  ['ebgpMultiHop', { peerASN: 64512, ebgpMultiHop: true }, 'invalid ebgp-multihop parameter set for an ibgp peer'],
  ['peerAddress', { peerAddress: undefined }, 'peer has no Address or Interface specified'],
  ['interface', { interface: 'eth0' }, 'peer has both Address and Interface specified'],
  ['holdTime', { holdTime: '2.9s' }, 'invalid BGPPeer timers: invalid hold time "2.9s": must be 0 or >=3s'],
  ['holdTime', { holdTime: '-3s' }, 'invalid BGPPeer timers: invalid hold time "-3s": must be 0 or >=3s'],
  ['keepaliveTime', { keepaliveTime: '600ms' }, 'invalid BGPPeer timers: invalid hold time "1.8s": must be 0 or >=3s'],
  [
    'holdTime',
    { holdTime: '20h' },
    'invalid BGPPeer timers: invalid hold time "20h0m0s": must not be more than 65535s',
  ],
  ['holdTime', { holdTime: 'soon' }, 'invalid BGPPeer timers: time: invalid duration "soon"'],
  [
    'keepaliveTime',
    { holdTime: '90s', keepaliveTime: '2m' },
    'invalid BGPPeer timers: invalid keepaliveTime "2m0s", must be lower than holdTime "1m30s"',
  ],
  [
    'keepaliveTime',
    { holdTime: '90s', keepaliveTime: '-1s' },
    'invalid BGPPeer timers: invalid keepaliveTime "-1s", must be lower than holdTime "1m30s"',
  ],
  ['peerAddress', { peerAddress: '192.0.2.300' }, 'invalid BGPPeer address "192.0.2.300"'],
  ['routerID', { routerID: 'one' }, 'invalid router ID "one"'],
  [
    'routerID',
    { routerID: '2001:db8::1' },
    'invalid router ID "2001:db8::1": it must be an IPv4 address other than 0.0.0.0',
  ],
  ['sourceAddress', { sourceAddress: '192.0.2.0/24' }, 'invalid source IP "192.0.2.0/24"'],
  [
    'passwordSecret',
    { password: 'a', passwordSecret: { name: 'b' } },
    'can not have both password and secret ref set in peer config "metallb-system"/"p"',
  ],
  ['connectTime', { connectTime: '0s' }, 'connect time should be between 1 seconds to 65535'],
  ['connectTime', { connectTime: '65536s' }, 'connect time should be between 1 seconds to 65535'],
  ['connectTime', { connectTime: '1500ms' }, 'connect time should contain a whole number of seconds'],
  ['connectTime', { connectTime: 'x' }, 'time: invalid duration "x"'],
])('a peer whose %s is wrong (%j) is left out alone', (field, change, cause) => {
  const bgpPeers = [resource('p', { ...sound, ...change }), resource('q', sound)];
  expect(problemTexts({ bgpPeers })).toEqual([`BGPPeer p spec.${field} InvalidPeer: ${cause}; the peer is left out`]);
  expect(assemble({ bgpPeers }).configuration.peers.map(({ name }) => name)).toEqual(['q']);
});

test('every fault of a peer is told at once', () => {
  expect(problemTexts({ bgpPeers: [resource('p', { myASN: 0, routerID: 'x' })] })).toHaveLength(4);
});

test('a selector that cannot be read matches no node, the others count', () => {
  const near = { matchExpressions: [{ key: 'rack', operator: 'Near' }] };
  const bgpPeers = [resource('p', { ...sound, nodeSelectors: [near, { matchLabels: { rack: 'a' } }] })];
  expect(problemTexts({ bgpPeers })).toEqual([
    'BGPPeer p spec.nodeSelectors[0] InvalidSelector: failed to convert peer p node selector: "Near" is not a valid ' +
      'label selector operator',
  ]);
  const selectors = assemble({ bgpPeers }).configuration.peers[0]?.nodeSelectors;
  expect(selectors?.map((matches) => matches({ rack: 'a' }))).toEqual([false, true]);
});

test.each<[string, unknown, string]>([
  ['receiveInterval', 9, 'invalid receive interval value: invalid value 9, must be in 10-60000 range'],
  ['transmitInterval', 60_001, 'invalid transmit interval value: invalid value 60001, must be in 10-60000 range'],
  ['echoInterval', 0, 'invalid echo interval value: invalid value 0, must be in 10-60000 range'],
  ['detectMultiplier', 1, 'invalid detect multiplier value: invalid value 1, must be in 2-255 range'],
  ['minimumTtl', 255, 'invalid minimum ttl value: invalid value 255, must be in 1-254 range'],
])('a BFD profile whose %s is %j is left out, and the peers that use it', (field, value, cause) => {
  const input = {
    bfdProfiles: [resource('slow', { [field]: value }), resource('fast', {})],
    bgpPeers: [
      resource('a', { ...sound, bfdProfile: 'slow' }),
      resource('b', { ...sound, bfdProfile: 'fast' }),
      resource('c', sound),
    ],
  };
  expect(problemTexts(input)).toEqual([
    `BFDProfile slow spec.${field} InvalidBfdProfile: ${cause}; the profile is left out, and with it the peers that use it`,
    'BGPPeer a spec.bfdProfile UnknownBfdProfile: peer a referencing non existing bfd profile slow; the peer is left out',
  ]);
  const { peers, bfdProfiles } = assemble(input).configuration;
  expect(peers.map(({ name, bfdProfile }) => [name, bfdProfile?.name])).toEqual([
    ['b', 'fast'],
    ['c', undefined],
  ]);
  expect(bfdProfiles.map(({ name }) => name)).toEqual(['fast']);
});

test('what is no number in a BFD profile is told as such', () => {
  expect(problemTexts({ bfdProfiles: [resource('p', { minimumTtl: 'many' })] })).toEqual([
    'BFDProfile p spec.minimumTtl InvalidSpec: must be of type number; the profile is left out, and with it the peers ' +
      'that use it',
  ]);
});

test.each(['native', 'frr'] as const)('a VRF is a warning, and leaves the peer out of %s', (bgpType) => {
  const { configuration, problems } = assemble({ bgpPeers: [resource('p', { ...sound, vrf: 'red' })], bgpType });
  expect(configuration.peers).toEqual([]);
  expect(problems.map(({ field, severity, message }) => [field, severity, message])).toEqual([
    [
      'spec.vrf',
      'warning',
      'sessions in a VRF ("red") need FRR, which METALLB_BGP_TYPE=frr-k8s makes use of; the peer is left out',
    ],
  ]);
});
