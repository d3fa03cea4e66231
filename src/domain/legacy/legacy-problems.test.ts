import { expect, test } from 'vitest';
import { legacyResources } from './legacy-resources.ts';
import { parseLegacyDocument } from './parse-document.ts';

/** Place and text of every problem of a document. */
const problemsOf = (text: string): readonly string[] => {
  const config = parseLegacyDocument(text);
  const view = { namespace: 'metallb-system', name: 'config', uid: 'u1', isInUse: true, config };
  return legacyResources(view, 'metallb-system').problems.map(({ field, message }) => `${field}: ${message}`);
};

const peer = (more: string): string => `peers: [{my-asn: 64500, peer-asn: 64501, peer-address: 10.0.0.1, ${more}}]`;
const pool = (more: string): string => `address-pools: [{name: a, protocol: bgp, addresses: [192.0.2.0/24], ${more}}]`;
const selector = (more: string): string => peer(`node-selectors: [${more}]`);
const profile = (more: string): string => `bfd-profiles: [{name: a, ${more}}]`;

test.each([
  ['a: 1\na: 2', 'data.config: could not parse config: Map keys must be unique at line 2, column 1'],
  ['just text', 'data.config: could not parse config: must be a map, and is text'],
  [
    'peer-autodiscovery: {}',
    'peer-autodiscovery: could not parse config: unknown field "peer-autodiscovery": peers are not discovered, each has to stand under "peers"',
  ],
  ['address-pool: []', 'address-pool: could not parse config: unknown field "address-pool"'],
  ['peers: {}', 'peers: could not parse config: must be a list, and is a map'],
  ['peers: [x]', 'peers[0]: could not parse config: must be a map, and is text'],
  ['peers: [{my-asn: 64500, peer-address: 10.0.0.1}]', 'peers[0].peer-asn: parsing peer #1: missing peer ASN'],
  ['peers: [{peer-asn: 64500, peer-address: 10.0.0.1}]', 'peers[0].my-asn: parsing peer #1: missing local ASN'],
  ['peers: [{my-asn: 1, peer-asn: 2, peer-address: x}]', 'peers[0].peer-address: parsing peer #1: invalid peer IP "x"'],
  ['peers: [{my-asn: 1, peer-asn: 2}]', 'peers[0].peer-address: parsing peer #1: invalid peer IP ""'],
  [
    'peers: [{my-asn: 4294967296, peer-asn: 2, peer-address: 10.0.0.1}]',
    'peers[0].my-asn: could not parse config: "4294967296" is not a whole number from 0 to 4294967295',
  ],
  [peer('source-address: x'), 'peers[0].source-address: parsing peer #1: invalid source IP "x"'],
  [peer('router-id: x'), 'peers[0].router-id: parsing peer #1: invalid router ID "x"'],
  [
    peer('peer-port: 65536'),
    'peers[0].peer-port: could not parse config: "65536" is not a whole number from 0 to 65535',
  ],
  [peer('hold-time: 2.9s'), 'peers[0].hold-time: parsing peer #1: invalid hold time "2.9s": must be 0 or >=3s'],
  [peer('hold-time: 90'), 'peers[0].hold-time: parsing peer #1: invalid hold time "90": time: invalid duration "90"'],
  [
    peer('keepalive-time: x'),
    'peers[0].keepalive-time: parsing peer #1: invalid keepalive time "x": time: invalid duration "x"',
  ],
  [peer('keepalive-time: 91s'), 'peers[0].keepalive-time: parsing peer #1: invalid keepaliveTime "91s"'],
  [peer('ebgp-multihop: maybe'), 'peers[0].ebgp-multihop: could not parse config: "maybe" is neither true nor false'],
  [
    'peers: [{my-asn: 1, peer-asn: 1, peer-address: 10.0.0.1, ebgp-multihop: true}]',
    'peers[0].ebgp-multihop: parsing peer #1: invalid ebgp-multihop parameter set for an ibgp peer',
  ],
  [
    peer('bfdProfile: a'),
    'peers[0].bfdProfile: could not parse config: unknown field "bfdProfile": it is written "bfd-profile" here',
  ],
  [
    selector('{match-labels: {-: a}}'),
    'peers[0].node-selectors[0]: parsing peer #1: parsing node selector: "-" is not a valid label key',
  ],
  [
    selector('{match-expressions: [{key: a, operator: Is}]}'),
    'peers[0].node-selectors[0]: parsing peer #1: parsing node selector: "Is" is not a valid label selector operator',
  ],
  [
    selector('{matchLabels: {}}'),
    'peers[0].node-selectors[0].matchLabels: could not parse config: unknown field "matchLabels": it is written "match-labels" here',
  ],
  ['bgp-communities: {a: 1}', 'bgp-communities.a: parsing community "a": invalid community string "1"'],
  [
    'bgp-communities: {a.b: "x:1"}',
    'bgp-communities["a.b"]: parsing community "a.b": invalid first section of community "x:1": strconv.ParseUint: parsing "x": invalid syntax',
  ],
  [
    'bgp-communities: {a: "1:65536"}',
    'bgp-communities.a: parsing community "a": invalid second section of community "1:65536": strconv.ParseUint: parsing "65536": value out of range',
  ],
  [
    profile('receive-interval: 9'),
    'bfd-profiles[0].receive-interval: parsing bfd profile #1: invalid receive interval value: invalid value 9, must be in 10-60000 range',
  ],
  [
    profile('transmit-interval: 60001'),
    'bfd-profiles[0].transmit-interval: parsing bfd profile #1: invalid transmit interval value: invalid value 60001, must be in 10-60000 range',
  ],
  [
    profile('echo-interval: 9'),
    'bfd-profiles[0].echo-interval: parsing bfd profile #1: invalid echo interval value: invalid value 9, must be in 10-60000 range',
  ],
  [
    profile('detect-multiplier: 256'),
    'bfd-profiles[0].detect-multiplier: parsing bfd profile #1: invalid detect multiplier value: invalid value 256, must be in 2-255 range',
  ],
  [
    profile('minimum-ttl: 0'),
    'bfd-profiles[0].minimum-ttl: parsing bfd profile #1: invalid minimum ttl value: invalid value 0, must be in 1-254 range',
  ],
  ['bfd-profiles: [{}]', 'bfd-profiles[0].name: parsing bfd profile #1: missing bfd profile name'],
  ['bfd-profiles: [{name: a}, {name: a}]', 'bfd-profiles[1]: found duplicate bfd profile name a'],
  [
    'address-pools: [{protocol: bgp, addresses: [192.0.2.0/24]}]',
    'address-pools[0].name: parsing address pool #1: missing pool name',
  ],
  [
    'address-pools: [{name: a, addresses: [192.0.2.0/24]}]',
    'address-pools[0].protocol: parsing address pool #1: address pool is missing the protocol field',
  ],
  [
    'address-pools: [{name: a, protocol: arp, addresses: [192.0.2.0/24]}]',
    'address-pools[0].protocol: parsing address pool #1: unknown protocol "arp"',
  ],
  [
    'address-pools: [{name: a, protocol: bgp}]',
    'address-pools[0].addresses: parsing address pool #1: pool has no prefixes defined',
  ],
  [
    'address-pools: [{name: a, protocol: bgp, addresses: [{}]}]',
    'address-pools[0].addresses[0]: could not parse config: must be text, and is a map',
  ],
  [
    pool('cidr: []'),
    'address-pools[0].cidr: could not parse config: unknown field "cidr": the ranges of a pool stand under "addresses"',
  ],
  [
    pool('bgp-advertisements: [{aggregation-length-v6: 129}]'),
    'address-pools[0].bgp-advertisements[0].aggregation-length-v6: parsing address pool #1: invalid aggregation length 129 for IPv6: must be from 1 to 128',
  ],
  [
    pool('bgp-advertisements: [{localpref: -1}]'),
    'address-pools[0].bgp-advertisements[0].localpref: could not parse config: "-1" is not a whole number from 0 to 4294967295',
  ],
  [
    pool('bgp-advertisements: [{communities: ["large:1:2:3"]}]'),
    'address-pools[0].bgp-advertisements[0].communities[0]: parsing address pool #1: parsing BGP communities: invalid community "large:1:2:3" in BGP advertisement: invalid community string "large:1:2:3"',
  ],
  [
    pool('bgp-advertisements: [{communities: [a, a]}]'),
    'address-pools[0].bgp-advertisements[0].communities[1]: parsing address pool #1: duplicate definition of community "a"',
  ],
  [
    pool('bgp-advertisements: [{}, {localpref: 1}, {}]'),
    'address-pools[0].bgp-advertisements[2]: parsing address pool #1: duplicate definition of bgpadvertisements. advertisement 1 and 3 are equal',
  ],
  [
    'address-pools: [{name: a, protocol: layer2, addresses: [192.0.2.0/24], bgp-advertisements: [{}]}]',
    'address-pools[0].bgp-advertisements: parsing address pool #1: cannot have bgp-advertisements configuration element in a layer2 address pool',
  ],
  [
    'address-pools: [{name: a, protocol: layer2, addresses: [192.0.2.0/25]}, {name: a, protocol: layer2, addresses: [192.0.2.128/25]}]',
    'address-pools[1]: duplicate definition of pool "a"',
  ],
  [
    'peers: [{my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}, {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1}]',
    'peers[1]: peer #2 already exists',
  ],
])('every fault names its place: %s', (text, problem) => {
  expect(problemsOf(text)).toEqual([problem]);
});
