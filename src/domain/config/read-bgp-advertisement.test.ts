import { describe, expect, test } from 'vitest';
import { assemble, problemTexts, resource } from '../../../test/support/custom-resources.ts';
import type { ConfigurationInput } from './assemble.ts';
import type { CustomResource } from './custom-resource.ts';

const pools = [
  resource('four', { addresses: ['192.0.2.0/24', '198.51.100.8/30'] }, { labels: { tier: 'gold' } }),
  resource('six', { addresses: ['2001:db8::/64'] }),
];

const input = (...bgpAdvertisements: readonly CustomResource[]): Partial<ConfigurationInput> => ({
  pools,
  bgpAdvertisements,
});

/** The names of the pools that have advertisements, with the names of those. */
const coverage = (given: Partial<ConfigurationInput>): Record<string, string[]> =>
  Object.fromEntries(
    assemble(given)
      .configuration.pools.filter((pool) => pool.bgpAdvertisements.length > 0)
      .map((pool) => [pool.name, pool.bgpAdvertisements.map(({ name }) => name)]),
  );

test('an advertisement with an empty spec covers every pool with every default', () => {
  const { configuration, problems } = assemble(input(resource('a', undefined)));
  const advertisement = {
    name: 'a',
    aggregationLength: { IPv4: 32, IPv6: 128 },
    localPref: 0,
    communities: [],
    peers: undefined,
    nodeSelectors: [],
    serviceSelectors: [],
  };
  expect(problems).toEqual([]);
  expect(configuration.pools.map((pool) => pool.bgpAdvertisements)).toEqual([[advertisement], [advertisement]]);
  expect(configuration.bgpAdvertisements).toEqual([{ advertisement, poolNames: undefined }]);
});

test('every field of an advertisement is read', () => {
  const spec = {
    aggregationLength: 30,
    aggregationLengthV6: 64,
    localPref: 4294967295,
    communities: ['64512:100', 'no-advertise', 'large:1:2:3'],
    ipAddressPools: ['gone'],
    ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }],
    nodeSelectors: [{ matchLabels: { rack: 'a' } }],
    peers: ['p', 'unknown'],
  };
  const { configuration, problems } = assemble({
    ...input(resource('a', spec)),
    communities: [resource('c', { communities: [{ name: 'no-advertise', value: '65535:65282' }] })],
  });
  expect(problems).toEqual([]);
  const [four, six] = configuration.pools;
  const [{ nodeSelectors, ...advertisement } = { nodeSelectors: [] }] = four!.bgpAdvertisements;
  expect(six?.bgpAdvertisements).toEqual([]);
  expect(nodeSelectors.map((matches) => [matches({ rack: 'a' }), matches({})])).toEqual([[true, false]]);
  expect(advertisement).toEqual({
    name: 'a',
    aggregationLength: { IPv4: 30, IPv6: 64 },
    localPref: 4294967295,
    communities: [
      { type: 'standard', asn: 64512, value: 100 },
      { type: 'standard', asn: 65535, value: 65282 },
      { type: 'large', globalAdministrator: 1, localData1: 2, localData2: 3 },
    ],
    peers: new Set(['p', 'unknown']),
    serviceSelectors: [],
  });
  expect(configuration.bgpAdvertisements.map(({ poolNames }) => poolNames)).toEqual([new Set(['gone'])]);
});

describe('a fault of an advertisement leaves it out', () => {
  const mixed = 'are mutually exclusive, both cannot be set in a';
  const serviceSelectors = [{}];
  test.each<[string, object, string]>([
    ['aggregationLength', { aggregationLength: 33 }, 'invalid aggregation length 33 for IPv4'],
    ['aggregationLengthV6', { aggregationLengthV6: 129 }, 'invalid aggregation length 129 for IPv6'],
    ['aggregationLengthV6', { aggregationLengthV6: -1 }, 'invalid aggregation length -1 for IPv6'],
    [
      'aggregationLength',
      { serviceSelectors, aggregationLength: 31 },
      `serviceSelectors and aggregationLength ${mixed}`,
    ],
    [
      'aggregationLengthV6',
      { serviceSelectors, aggregationLengthV6: 64 },
      `serviceSelectors and aggregationLengthV6 ${mixed}`,
    ],
    ['localPref', { localPref: -1 }, 'must be from 0 to 4294967295'],
    ['localPref', { localPref: 4294967296 }, 'must be from 0 to 4294967295'],
  ])('%s: %j', (field, spec, cause) => {
    const given = input(resource('a', spec), resource('b', {}));
    expect(problemTexts(given)).toEqual([
      `BGPAdvertisement a spec.${field} InvalidAdvertisement: ${cause}; the advertisement is left out`,
    ]);
    expect(coverage(given)).toEqual({ four: ['b'], six: ['b'] });
  });

  const left = 'the advertisement is left out, so that nothing is announced without it';
  test.each([
    ['no-export', 'UnknownCommunity', 'invalid community format: no-export'],
    ['1:2:3', 'InvalidCommunity', 'invalid community format: 1:2:3'],
  ])('the community %j', (community, reason, why) => {
    const given = input(resource('a', { communities: ['1:1', community] }), resource('b', {}));
    expect(problemTexts(given)).toEqual([
      `BGPAdvertisement a spec.communities[1] ${reason}: invalid community "${community}" in BGP advertisement: ${why}; ` +
        left,
    ]);
    expect(coverage(given)).toEqual({ four: ['b'], six: ['b'] });
  });
});

test('what stands there twice is reported with its place, and does no harm', () => {
  const twice = { ipAddressPools: ['four', 'four'], peers: ['p', 'q', 'p'], communities: ['1:1', '1:1', 'x'] };
  const communities = [resource('c', { communities: [{ name: 'x', value: '2:2' }] })];
  const given = {
    ...input(resource('a', { ...twice, nodeSelectors: [{}, {}], serviceSelectors: [{}, {}] })),
    communities,
  };
  expect(problemTexts(given)).toEqual([
    'BGPAdvertisement a spec.ipAddressPools[1] DuplicateDefinition: duplicate definition of ipAddressPools "four"',
    'BGPAdvertisement a spec.peers[2] DuplicateDefinition: duplicate definition of peers "p"',
    'BGPAdvertisement a spec.communities[1] DuplicateDefinition: duplicate definition of community "1:1"',
    'BGPAdvertisement a spec.nodeSelectors[1] DuplicateDefinition: duplicate definition of nodeSelectors ""',
    'BGPAdvertisement a spec.serviceSelectors[1] DuplicateDefinition: duplicate definition of serviceSelectors ""',
  ]);
  const [advertisement] = assemble(given).configuration.pools[0]!.bgpAdvertisements;
  expect(advertisement?.communities).toHaveLength(2);
});

test('selectors that cannot be read match nothing', () => {
  const near = [{ matchExpressions: [{ key: 'x', operator: 'Near' }] }];
  const spec = { nodeSelectors: near, serviceSelectors: near, ipAddressPoolSelectors: near };
  const why = '"Near" is not a valid label selector operator';
  expect(problemTexts(input(resource('a', spec)))).toEqual([
    `BGPAdvertisement a spec.ipAddressPoolSelectors[0] InvalidSelector: invalid label selector: ${why}`,
    `BGPAdvertisement a spec.nodeSelectors[0] InvalidSelector: failed to parse node selector for a: ${why}`,
    'BGPAdvertisement a spec.serviceSelectors[0] InvalidSelector: failed to parse service selector for a: invalid ' +
      `service selector: ${why}`,
  ]);
  expect(coverage(input(resource('a', spec)))).toEqual({});
});

describe('names of communities', () => {
  const communities = (...entries: readonly (readonly [object: string, name: string, value: string, year: number])[]) =>
    entries.map(([object, name, value, year]) =>
      resource(object, { communities: [{ name, value }] }, { creationTimestamp: `${year}-01-01T00:00:00Z` }),
    );
  const resolved = (given: readonly CustomResource[]) =>
    assemble({ ...input(resource('a', { communities: ['x'] })), communities: given }).configuration.pools[0]
      ?.bgpAdvertisements[0]?.communities;

  test('a name wins over what it looks like', () => {
    const named = communities(['c', '1:1', '2:2', 2026]);
    const given = { ...input(resource('a', { communities: ['1:1'] })), communities: named };
    expect(assemble(given).configuration.pools[0]?.bgpAdvertisements[0]?.communities).toEqual([
      { type: 'standard', asn: 2, value: 2 },
    ]);
  });

  test('of two that are different the older one counts', () => {
    const two = communities(['a', 'x', '1:1', 2026], ['z', 'x', '2:2', 2025]);
    expect(problemTexts({ communities: two })).toEqual([
      'Community a spec.communities[0] InvalidCommunity: duplicate definition of community "x"; "x" stays 2:2',
    ]);
    expect(resolved(two)).toEqual([{ type: 'standard', asn: 2, value: 2 }]);
  });

  test('the same twice does no harm', () => {
    const two = communities(['a', 'x', '1:1', 2026], ['z', 'x', '1:01', 2025]);
    expect(problemTexts({ communities: two })).toEqual([
      'Community a spec.communities[0] DuplicateDefinition: duplicate definition of community "x"',
    ]);
  });

  test('one that cannot be read is left out, and the others of its object stay', () => {
    const object = resource('c', { communities: [{ name: 'bad', value: '1' }, { name: 'x', value: '1:1' }, {}] });
    expect(problemTexts({ communities: [object] })).toEqual([
      'Community c spec.communities[0].value InvalidCommunity: parsing community "bad": invalid community format: 1; the ' +
        'entry is left out',
      'Community c spec.communities[2].value InvalidCommunity: parsing community "": invalid community format: ; the ' +
        'entry is left out',
    ]);
    expect(resolved([object])).toEqual([{ type: 'standard', asn: 1, value: 1 }]);
  });
});
