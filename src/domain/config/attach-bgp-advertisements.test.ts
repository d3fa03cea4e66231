import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assemble, problemTexts, resource } from '../../../test/support/custom-resources.ts';
import type { ConfigurationInput } from './assemble.ts';
import type { CustomResource } from './custom-resource.ts';

const pool = (name: string, ...addresses: readonly string[]) => resource(name, { addresses });
const four = pool('four', '192.0.2.0/24');
const six = pool('six', '2001:db8::/64');
const dual = pool('dual', '198.51.100.0/24', '2001:db8:1::/64');

/** An advertisement; those made first are older. */
const made = (name: string, spec: object, day = 1): CustomResource =>
  resource(name, spec, { creationTimestamp: `2026-01-0${day}T00:00:00Z` });

/** Which advertisements each pool has. */
const attached = (input: Partial<ConfigurationInput>): Record<string, string[]> =>
  Object.fromEntries(
    assemble(input).configuration.pools.map((each) => [each.name, each.bgpAdvertisements.map(({ name }) => name)]),
  );

describe('aggregation lengths', () => {
  test('an advertisement is kept from the pools whose prefixes are longer, with one problem for each', () => {
    const pools = [
      four,
      six,
      pool('small', '203.0.113.0/28', '203.0.113.64-203.0.113.70'),
      pool('tiny', '10.0.0.1/32'),
    ];
    const bgpAdvertisements = [made('a', { aggregationLength: 24, aggregationLengthV6: 63 })];
    expect(attached({ pools, bgpAdvertisements })).toEqual({ four: ['a'], six: [], small: [], tiny: [] });
    const than = 'in this pool is more specific than the aggregation length for addresses';
    expect(problemTexts({ pools, bgpAdvertisements })).toEqual([
      `BGPAdvertisement a spec.aggregationLengthV6 InvalidAdvertisement: invalid aggregation length 63: prefix 64 ${than} ` +
        '2001:db8::/64; the advertisement does not announce pool "six"',
      `BGPAdvertisement a spec.aggregationLength InvalidAdvertisement: invalid aggregation length 24: prefix 30 ${than} ` +
        '203.0.113.64-203.0.113.70; the advertisement does not announce pool "small"',
      `BGPAdvertisement a spec.aggregationLength InvalidAdvertisement: invalid aggregation length 24: prefix 32 ${than} ` +
        '10.0.0.1/32; the advertisement does not announce pool "tiny"',
    ]);
  });

  test('entries that are not in force do not count', () => {
    const pools = [four, pool('late', '192.0.2.8/30', '203.0.113.0/24')];
    const bgpAdvertisements = [made('a', { ipAddressPools: ['late'], aggregationLength: 24 })];
    expect(attached({ pools, bgpAdvertisements })).toEqual({ four: [], late: ['a'] });
  });
});

describe('local preferences', () => {
  const rack = (name: string) => ({ nodeSelectors: [{ matchLabels: { rack: name } }] });
  const nodes = [
    { name: 'n1', labels: { rack: 'a' } },
    { name: 'n2', labels: { rack: 'b' } },
  ];
  const near = { nodeSelectors: [{ matchExpressions: [{ key: 'rack', operator: 'Exists' }] }] };

  /** Whether two advertisements of different preference are both in force for the pool. */
  const agree = (target: CustomResource, a: object, b: object): boolean =>
    attached({
      pools: [target],
      nodes,
      bgpAdvertisements: [made('a', { localPref: 100, ...a }), made('b', { localPref: 200, ...b })],
    })[target.metadata.name]!.length === 2;

  test.each<[string, CustomResource, object, object, boolean]>([
    ['nothing else', four, {}, {}, false],
    ['nothing, not even the preference', four, { localPref: 7 }, { localPref: 7 }, true],
    ['the IPv4 length, of an IPv4 pool', four, {}, { aggregationLength: 31 }, true],
    ['the IPv6 length, of an IPv4 pool', four, {}, { aggregationLengthV6: 127 }, false],
    ['the IPv6 length, of an IPv6 pool', six, {}, { aggregationLengthV6: 127 }, true],
    ['one length, of a pool of both families', dual, {}, { aggregationLength: 31 }, false],
    ['both lengths', dual, {}, { aggregationLength: 31, aggregationLengthV6: 127 }, true],
    ['the peers', four, { peers: ['p', 'q'] }, { peers: ['r'] }, true],
    ['some of the peers', four, { peers: ['p', 'q'] }, { peers: ['q', 'r'] }, false],
    ['the peers, of which one names none', four, { peers: ['p'] }, {}, false],
    ['the nodes', four, rack('a'), rack('b'), true],
    ['some of the nodes', four, rack('a'), near, false],
    ['the nodes, of which one chooses none', four, rack('a'), {}, false],
    ['the nodes, of which one has no node yet', four, rack('z'), {}, true],
    ['a service selector', four, {}, { serviceSelectors: [{}] }, true],
  ])('advertisements that differ in the preference and %s', (_, target, a, b, expected) => {
    expect([agree(target, a, b), agree(target, b, a)]).toEqual([expected, expected]);
  });

  test('while no node is known the nodes make no difference', () => {
    const bgpAdvertisements = [made('a', { localPref: 1, ...rack('a') }), made('b', { localPref: 2, ...rack('b') })];
    expect(attached({ pools: [four], bgpAdvertisements })).toEqual({ four: ['a'] });
  });

  test('the older one stays, and of several pools one problem tells', () => {
    const pools = ['a', 'b', 'c', 'd', 'e'].map((name, index) => pool(name, `10.0.${index}.0/24`));
    const bgpAdvertisements = [made('new', { localPref: 100 }, 2), made('old', { localPref: 200 }, 1)];
    expect(Object.values(attached({ pools, bgpAdvertisements })).flat()).toEqual(Array(5).fill('old'));
    expect(problemTexts({ pools, bgpAdvertisements })).toEqual([
      'BGPAdvertisement new spec.localPref Conflict: invalid local preference 100: local preference 200 was already set ' +
        'for the same type of BGP update. Check existing BGP advertisements with common pools and aggregation lengths; it ' +
        'was set by "old", and the advertisement does not announce pools "a", "b", "c" and 2 more',
    ]);
  });

  test('one that was kept away hinders nobody', () => {
    const bgpAdvertisements = [
      made('a', { localPref: 1, peers: ['p'] }, 1),
      made('b', { localPref: 2, peers: ['p', 'q'] }, 2),
      made('c', { localPref: 3, peers: ['q'] }, 3),
    ];
    expect(attached({ pools: [four], bgpAdvertisements })).toEqual({ four: ['a', 'c'] });
  });
});

describe('BFD echo', () => {
  const peer = (name: string, bfdProfile?: string) =>
    resource(name, { myASN: 1, peerASN: 2, peerAddress: '192.0.2.1', bfdProfile });
  const input = (spec: object): Partial<ConfigurationInput> => ({
    pools: [four, six],
    bfdProfiles: [resource('echo', { echoMode: true }), resource('plain', {})],
    bgpPeers: [peer('e', 'echo'), peer('f', 'plain'), peer('g')],
    bgpAdvertisements: [made('a', spec)],
  });
  const peersOf = (spec: object) =>
    assemble(input(spec)).configuration.pools.map(({ bgpAdvertisements: [first] }) => first && first.peers);

  test('IPv6 pools are not announced to a peer with echo, and are to the others', () => {
    expect(peersOf({})).toEqual([undefined, new Set(['f', 'g'])]);
    expect(peersOf({ peers: ['e', 'f', 'x'] })).toEqual([new Set(['e', 'f', 'x']), new Set(['f', 'x'])]);
    expect(peersOf({ peers: ['e'] })).toEqual([new Set(['e']), undefined]);
    expect(peersOf({ peers: ['f'] })).toEqual([new Set(['f']), new Set(['f'])]);
    expect(problemTexts(input({}))).toEqual([
      'BGPAdvertisement a spec.peers Conflict: pool six has bgpadvertisement a which references peer e which has bfd echo ' +
        'enabled, which is not possible; it is not announced to that peer',
    ]);
    expect(problemTexts(input({ peers: ['f', 'g'] }))).toEqual([]);
  });
});

test('the order of the objects makes no difference', () => {
  const advertisements = [
    made('a', { localPref: 1 }, 3),
    made('b', { localPref: 2, peers: ['p'] }, 2),
    made('c', { localPref: 3, aggregationLength: 31 }, 2),
    made('d', { localPref: 4, ipAddressPools: ['four'] }, 1),
  ];
  const pools = [four, six, dual];
  const expected = assemble({ pools, bgpAdvertisements: advertisements });
  fc.assert(
    fc.property(fc.shuffledSubarray(advertisements, { minLength: 4 }), (bgpAdvertisements) => {
      expect(assemble({ pools, bgpAdvertisements })).toEqual(expected);
    }),
  );
});
