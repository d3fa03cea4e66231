import { expect, test } from 'vitest';
import { assemble, resource } from '../../../test/support/custom-resources.ts';
import type { ConfigurationInput } from './assemble.ts';

const peer = (name: string, spec: object, year = 2026) =>
  resource(
    name,
    { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', ...spec },
    { creationTimestamp: `${year}-01-01T00:00:00Z` },
  );
const on = (rack: string) => ({ nodeSelectors: [{ matchLabels: { rack } }] });
const nodes = [
  { name: 'n1', labels: { rack: 'a' } },
  { name: 'n2', labels: { rack: 'b' } },
];

const outcome = (input: Partial<ConfigurationInput>) => {
  const { configuration, problems } = assemble({ bgpType: 'frr-k8s', nodes, ...input });
  return {
    peers: configuration.peers.map(({ name }) => name),
    problems: problems.map(({ name, field, message }) => `${name} ${field}: ${message}`),
  };
};

test.each<[string, object, object, string]>([
  [
    'router IDs',
    { routerID: '10.0.0.1' },
    { peerAddress: '192.0.2.2', routerID: '10.0.0.2' },
    'a spec.routerID: peer 192.0.2.2 has RouterID different from 192.0.2.1, in FRR mode peers selecting the same node ' +
      'must all have the same RouterID; the peer is left out, as "z" is older',
  ],
  [
    'one router ID and none',
    { routerID: '10.0.0.1' },
    { peerAddress: '192.0.2.2' },
    'a spec.routerID: peer 192.0.2.2 has RouterID different from 192.0.2.1, in FRR mode peers selecting the same node ' +
      'must all have the same RouterID; the peer is left out, as "z" is older',
  ],
  [
    'one address twice',
    {},
    { peerASN: 64599 },
    "a spec.peerAddress: peer 192.0.2.1 already exists, FRR mode doesn't support duplicate BGPPeers selecting the same " +
      'node; the peer is left out, as "z" is older',
  ],
  [
    'one interface twice',
    { peerAddress: '', interface: 'eth0', vrf: 'red' },
    { peerAddress: '', interface: 'eth0', vrf: 'red' },
    "a spec.interface: peer eth0-red already exists, FRR mode doesn't support duplicate BGPPeers selecting the same node; " +
      'the peer is left out, as "z" is older',
  ],
  [
    'AS numbers',
    {},
    { peerAddress: '192.0.2.2', myASN: 64599 },
    'a spec.myASN: peer 192.0.2.2 has myAsn different from 192.0.2.1, in FRR mode peers selecting the same node must have ' +
      'the same myAsn within the same VRF; the peer is left out, as "z" is older',
  ],
])('with FRR the younger of two peers that differ in %s is left out', (_, older, younger, problem) => {
  const bgpPeers = [peer('a', younger), peer('z', older, 2025)];
  expect(outcome({ bgpPeers })).toEqual({ peers: ['z'], problems: [problem] });
  expect(outcome({ bgpPeers, nodes: [] }).peers, 'as long as no node is known').toEqual(['z']);
  expect(outcome({ bgpPeers, bgpType: 'frr' }).peers.includes('a'), 'without FRR').toBe(!('vrf' in younger));
});

test('peers of different nodes, or of different VRFs, do not meet', () => {
  const racks = [peer('a', { ...on('a'), routerID: '10.0.0.1', myASN: 1 }), peer('b', { ...on('b'), myASN: 2 })];
  expect(outcome({ bgpPeers: racks })).toEqual({ peers: ['a', 'b'], problems: [] });
  const vrfs = [peer('a', { vrf: 'red', myASN: 1 }), peer('b', { vrf: 'blue', myASN: 2 }), peer('c', { myASN: 3 })];
  expect(outcome({ bgpPeers: vrfs })).toEqual({ peers: ['a', 'b', 'c'], problems: [] });
  expect(outcome({ bgpPeers: [...racks, peer('c', { peerAddress: '192.0.2.3', myASN: 2 }, 2027)] }).peers).toEqual([
    'a',
    'b',
  ]);
});

test('a peer that is left out is in nobody else’s way', () => {
  const bgpPeers = [peer('a', {}, 2024), peer('b', { myASN: 7 }, 2025), peer('c', { peerAddress: '192.0.2.9' })];
  expect(outcome({ bgpPeers }).peers).toEqual(['a', 'c']);
});
