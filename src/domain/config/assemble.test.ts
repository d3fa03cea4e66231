import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangesOverlap } from '../../../test/support/ranges.ts';
import { formatRange, parseAddressRange } from '../../lib/address-range.ts';
import { assemble, problemTexts, resource } from '../../../test/support/custom-resources.ts';
import type { ConfigurationInput } from './assemble.ts';
import type { Pool } from './configuration.ts';
import type { CustomResource } from './custom-resource.ts';

const ranges = (pool: Pool | undefined): string[] | undefined => pool?.ranges.map(formatRange);

const namesOf = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name);

describe('pools', () => {
  test('a pool with addresses alone gets every default', () => {
    const { configuration, problems } = assemble({ pools: [resource('first', { addresses: ['192.0.2.0/24'] })] });
    expect(problems).toEqual([]);
    expect(configuration.pools).toEqual([
      {
        name: 'first',
        ranges: [{ family: 'IPv4', first: 0xc000_0200n, last: 0xc000_02ffn }],
        autoAssign: true,
        avoidBuggyIPs: false,
        revision: 0,
        serviceAllocation: undefined,
        l2Advertisements: [],
        bgpAdvertisements: [],
      },
    ]);
  });

  test('every field of a pool is read', () => {
    const spec = {
      addresses: ['2001:db8::/64', '192.0.2.10 - 192.0.2.20'],
      autoAssign: false,
      avoidBuggyIPs: true,
      serviceAllocation: {
        priority: 7,
        namespaces: ['a'],
        namespaceSelectors: [{ matchLabels: { team: 'x' } }],
        serviceSelectors: [{ matchExpressions: [{ key: 'public', operator: 'Exists' }] }],
      },
    };
    const namespaces = [
      { name: 'b', labels: { team: 'x' } },
      { name: 'c', labels: { team: 'y' } },
    ];
    const [pool] = assemble({ pools: [resource('p', spec)], namespaces }).configuration.pools;
    expect(ranges(pool)).toEqual(['2001:db8::-2001:db8::ffff:ffff:ffff:ffff', '192.0.2.10-192.0.2.20']);
    expect([pool?.autoAssign, pool?.avoidBuggyIPs]).toEqual([false, true]);
    expect(pool?.serviceAllocation?.priority).toBe(7);
    expect(pool?.serviceAllocation?.namespaces).toEqual(new Set(['a', 'b']));
    expect(pool?.serviceAllocation?.serviceSelectors.map((matches) => [matches({ public: '' }), matches({})])).toEqual([
      [true, false],
    ]);
  });

  test('pools stand in order of name, and those of other namespaces do not count', () => {
    const elsewhere = resource('elsewhere', { addresses: ['nonsense'] }, { namespace: 'default' });
    const pools = [
      resource('b', { addresses: ['192.0.2.1/32'] }),
      elsewhere,
      resource('a', { addresses: ['192.0.2.2/32'] }),
    ];
    const { configuration, problems } = assemble({ pools });
    expect(namesOf(configuration.pools)).toEqual(['a', 'b']);
    expect(problems).toEqual([]);
  });

  test('an entry that cannot be read takes only itself down', () => {
    const pools = [
      resource('first', { addresses: ['192.0.2.1/32', '192.0.2.300/32', '192.0.2.3-192.0.2.2', '192.0.2.4/32'] }),
    ];
    expect(ranges(assemble({ pools }).configuration.pools[0])).toEqual(['192.0.2.1', '192.0.2.4']);
    expect(assemble({ pools }).problems).toEqual([
      {
        kind: 'IPAddressPool',
        namespace: 'metallb-system',
        name: 'first',
        uid: 'uid-first',
        field: 'spec.addresses[1]',
        reason: 'InvalidAddresses',
        message: 'invalid CIDR "192.0.2.300/32" in pool "first": invalid CIDR "192.0.2.300/32"',
        cause: 'invalid CIDR "192.0.2.300/32" in pool "first": invalid CIDR "192.0.2.300/32"',
        severity: 'error',
      },
      expect.objectContaining({
        field: 'spec.addresses[2]',
        message:
          'invalid CIDR "192.0.2.3-192.0.2.2" in pool "first": invalid IP range "192.0.2.3-192.0.2.2": ' +
          'start IP "192.0.2.3" is after the end IP "192.0.2.2"',
      }),
    ]);
  });

  test('a pool without entries is there, and said to be empty', () => {
    const pools = [resource('empty', { addresses: [] })];
    expect(ranges(assemble({ pools }).configuration.pools[0])).toEqual([]);
    expect(problemTexts({ pools })).toEqual([
      'IPAddressPool empty spec.addresses InvalidAddresses: pool has no prefixes defined',
    ]);
  });

  test.each<[string, unknown, string[]]>([
    ['no spec', undefined, ['spec.addresses InvalidSpec: must be of type array']],
    ['text for a list', { addresses: '192.0.2.0/24' }, ['spec.addresses InvalidSpec: must be of type array']],
    [
      'several wrong types',
      { addresses: [1], autoAssign: 'yes', serviceAllocation: { priority: 1.5 } },
      [
        'spec.addresses[0] InvalidSpec: must be of type string',
        'spec.autoAssign InvalidSpec: must be of type boolean',
        'spec.serviceAllocation.priority InvalidSpec: must be a whole number',
      ],
    ],
  ])('a pool with %s is left out, the others stay', (_, spec, expected) => {
    const pools = [resource('bad', spec), resource('good', { addresses: ['192.0.2.0/24'] })];
    expect(namesOf(assemble({ pools }).configuration.pools)).toEqual(['good']);
    expect(problemTexts({ pools })).toEqual(expected.map((text) => `IPAddressPool bad ${text}`));
  });
});

describe('overlaps', () => {
  test('the older pool keeps its addresses, the younger loses only the entry that overlaps', () => {
    const pools = [
      resource(
        'a-test',
        { addresses: ['192.0.2.128/25', '198.51.100.0/24'] },
        { creationTimestamp: '2026-02-01T00:00:00Z' },
      ),
      resource('prod', { addresses: ['192.0.2.0/24'] }, { creationTimestamp: '2026-01-01T00:00:00Z' }),
    ];
    expect(assemble({ pools }).configuration.pools.map(ranges)).toEqual([
      ['198.51.100.0-198.51.100.255'],
      ['192.0.2.0-192.0.2.255'],
    ]);
    expect(problemTexts({ pools })).toEqual([
      'IPAddressPool a-test spec.addresses[0] OverlappingAddresses: CIDR "192.0.2.128/25" in pool "a-test" overlaps with ' +
        'already defined CIDR "192.0.2.0/24" in pool "prod"; the entry is left out',
    ]);
  });

  test('of pools of one age the first by name keeps its addresses', () => {
    const pools = [resource('b', { addresses: ['192.0.2.0/24'] }), resource('a', { addresses: ['192.0.2.0/24'] })];
    expect(assemble({ pools }).configuration.pools.map(ranges)).toEqual([['192.0.2.0-192.0.2.255'], []]);
  });

  test('a pool that is about to be created is younger than all others', () => {
    const spec = { addresses: ['192.0.2.0/24'] };
    const pools = [resource('a', spec, { creationTimestamp: undefined }), resource('b', spec)];
    expect(assemble({ pools }).configuration.pools.map(ranges)).toEqual([[], ['192.0.2.0-192.0.2.255']]);
  });

  test('inside a pool the later entry is left out', () => {
    const pools = [resource('p', { addresses: ['192.0.2.4/31', '192.0.2.0/24', '192.0.2.6/32'] })];
    expect(ranges(assemble({ pools }).configuration.pools[0])).toEqual(['192.0.2.4-192.0.2.5', '192.0.2.6']);
    expect(problemTexts({ pools })).toEqual([
      'IPAddressPool p spec.addresses[1] OverlappingAddresses: CIDR "192.0.2.0/24" in pool "p" overlaps with already ' +
        'defined CIDR "192.0.2.4/31"; the entry is left out',
    ]);
  });

  test('what was left out is in nobody else’s way', () => {
    const pools = [
      resource('a', { addresses: ['192.0.2.0/25'] }, { creationTimestamp: '2026-01-01T00:00:00Z' }),
      resource('b', { addresses: ['192.0.2.0/24'] }, { creationTimestamp: '2026-01-02T00:00:00Z' }),
      resource('c', { addresses: ['192.0.2.128/25'] }, { creationTimestamp: '2026-01-03T00:00:00Z' }),
    ];
    expect(assemble({ pools }).configuration.pools.map(ranges)).toEqual([
      ['192.0.2.0-192.0.2.127'],
      [],
      ['192.0.2.128-192.0.2.255'],
    ]);
  });

  const entry = fc
    .tuple(fc.nat(250), fc.nat(12))
    .map(([start, more]) => `192.0.2.${start}-192.0.2.${Math.min(start + more, 255)}`);
  const somePools = fc.uniqueArray(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      age: fc.nat(3),
      addresses: fc.array(entry, { maxLength: 6 }),
    }),
    { selector: ({ name }) => name },
  );

  test('the sweep leaves out what a pairwise comparison would', () => {
    fc.assert(
      fc.property(somePools, (drafts) => {
        const kept: { name: string; text: string }[] = [];
        const range = (text: string) => {
          const parsed = parseAddressRange(text);
          if (!parsed.ok) throw new Error(parsed.error);
          return parsed.value;
        };
        const byAge = drafts.toSorted((a, b) => a.age - b.age || (a.name < b.name ? -1 : 1));
        for (const { name, addresses } of byAge) {
          for (const text of addresses) {
            if (!kept.some((other) => rangesOverlap(range(other.text), range(text)))) kept.push({ name, text });
          }
        }
        const pools = drafts.map(({ name, age, addresses }) =>
          resource(name, { addresses }, { creationTimestamp: `2026-01-0${age + 1}T00:00:00Z` }),
        );
        const outcome = assemble({ pools }).configuration.pools.flatMap(({ name, ranges }) =>
          ranges.map((item) => `${name} ${formatRange(item)}`),
        );
        const expected = kept.map(({ name, text }) => `${name} ${formatRange(range(text))}`);
        expect(outcome.sort()).toEqual(expected.sort());
      }),
    );
  });
});

describe('serviceAllocation', () => {
  const allocation = (serviceAllocation: unknown, namespaces: ConfigurationInput['namespaces'] = []) =>
    assemble({ pools: [resource('p', { addresses: ['192.0.2.0/24'], serviceAllocation })], namespaces }).configuration
      .pools[0]?.serviceAllocation;

  test('with a priority alone a pool is reserved for every service', () => {
    expect(allocation({ priority: 3 })).toEqual({ priority: 3, namespaces: undefined, serviceSelectors: [] });
    expect(allocation({})).toEqual({ priority: 0, namespaces: undefined, serviceSelectors: [] });
  });

  test('selectors that match no namespace make a pool nobody’s', () => {
    expect(allocation({ namespaceSelectors: [{ matchLabels: { a: 'b' } }] })?.namespaces).toEqual(new Set());
  });

  test('a selector that cannot be read matches nothing, and the others count', () => {
    const bad = { matchExpressions: [{ key: 'zone', operator: 'Near', values: ['a'] }] };
    const good = { matchLabels: { zone: 'a' } };
    const spec = { namespaceSelectors: [bad, good], serviceSelectors: [bad] };
    const result = allocation(spec, [{ name: 'n', labels: { zone: 'a' } }]);
    expect(result?.namespaces).toEqual(new Set(['n']));
    expect(result?.serviceSelectors.map((matches) => matches({ zone: 'a' }))).toEqual([false]);
    expect(problemTexts({ pools: [resource('p', { addresses: ['192.0.2.0/24'], serviceAllocation: spec })] })).toEqual([
      'IPAddressPool p spec.serviceAllocation.namespaceSelectors[0] InvalidSelector: invalid namespace label selector in ' +
        'ip pool "p": "Near" is not a valid label selector operator',
      'IPAddressPool p spec.serviceAllocation.serviceSelectors[0] InvalidSelector: invalid service label selector in ip ' +
        'pool "p": "Near" is not a valid label selector operator',
    ]);
  });

  test('what stands there twice is reported, and does no harm', () => {
    const zone = (...values: string[]) => ({ key: 'zone', operator: 'In', values });
    const spec = {
      namespaces: ['a', 'a'],
      serviceSelectors: [
        { matchExpressions: [zone('x', 'y')] },
        { matchExpressions: [zone('y', 'x')] },
        { matchExpressions: [zone('z', 'z'), zone('z', 'z')] },
      ],
    };
    expect(allocation(spec)?.namespaces).toEqual(new Set(['a']));
    const at = 'IPAddressPool p spec.serviceAllocation';
    expect(problemTexts({ pools: [resource('p', { addresses: ['192.0.2.0/24'], serviceAllocation: spec })] })).toEqual([
      `${at}.namespaces[1] DuplicateDefinition: duplicate definition in namespaces field: "a"`,
      `${at}.serviceSelectors[1] DuplicateDefinition: duplicate definition of serviceSelectors "zone in (y,x)"`,
      `${at}.serviceSelectors[2].matchExpressions[0].values DuplicateDefinition: duplicate definition of match expression ` +
        'value in label selector "zone in (z,z),zone in (z,z)"',
      `${at}.serviceSelectors[2].matchExpressions[1].values DuplicateDefinition: duplicate definition of match expression ` +
        'value in label selector "zone in (z,z),zone in (z,z)"',
      `${at}.serviceSelectors[2].matchExpressions[1] DuplicateDefinition: duplicate definition of match expressions "zone"`,
    ]);
  });
});

describe('L2 advertisements', () => {
  const pools = [
    resource('gold', { addresses: ['192.0.2.1/32'] }, { labels: { tier: 'gold' } }),
    resource('lead', { addresses: ['192.0.2.2/32'] }, { labels: { tier: 'lead' } }),
    resource('plain', { addresses: ['192.0.2.3/32'] }),
  ];

  /** The names of the pools that the advertisements cover, with the names of those. */
  const coverage = (...l2Advertisements: CustomResource[]): Record<string, string[]> =>
    Object.fromEntries(
      assemble({ pools, l2Advertisements })
        .configuration.pools.filter((pool) => pool.l2Advertisements.length > 0)
        .map((pool) => [pool.name, namesOf(pool.l2Advertisements)]),
    );

  test.each<[string, unknown, string[]]>([
    ['an empty spec', {}, ['gold', 'lead', 'plain']],
    ['no spec', undefined, ['gold', 'lead', 'plain']],
    ['empty lists', { ipAddressPools: [], ipAddressPoolSelectors: [], nodeSelectors: [] }, ['gold', 'lead', 'plain']],
    ['names, of which one is unknown', { ipAddressPools: ['plain', 'tin'] }, ['plain']],
    ['only an unknown name', { ipAddressPools: ['tin'] }, []],
    ['a selector', { ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }] }, ['gold']],
    ['the empty selector', { ipAddressPoolSelectors: [{}] }, ['gold', 'lead', 'plain']],
    [
      'names and a selector',
      { ipAddressPools: ['gold', 'plain'], ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }] },
      ['gold', 'plain'],
    ],
  ])('%s covers the pools it says', (_, spec, covered) => {
    expect(assemble({ pools, l2Advertisements: [resource('l2', spec)] }).problems).toEqual([]);
    expect(coverage(resource('l2', spec))).toEqual(Object.fromEntries(covered.map((name) => [name, ['l2']])));
  });

  test('interfaces are a set; none means all', () => {
    const l2Advertisements = [
      resource('a', { interfaces: ['eth1', 'eth0', 'eth1'] }),
      resource('b', { interfaces: [] }),
    ];
    expect(assemble({ pools, l2Advertisements }).configuration.pools[0]?.l2Advertisements).toMatchObject([
      { name: 'a', interfaces: ['eth0', 'eth1'] },
      { name: 'b', interfaces: undefined },
    ]);
  });

  test('of advertisements that say the same of a pool the first by name stays', () => {
    const onEth0 = { interfaces: ['eth0'] };
    expect(
      coverage(
        resource('d', onEth0),
        resource('c', { ...onEth0, ipAddressPools: ['gold'] }),
        resource('b', {}),
        resource('a', { ipAddressPools: ['lead'] }),
      ),
    ).toEqual({ gold: ['b', 'c'], lead: ['a', 'd'], plain: ['b', 'd'] });
  });

  test('selectors and weights are kept, for nodes and services as they are when an announcement is decided', () => {
    const spec = {
      nodeSelectors: [{ matchLabels: { rack: 'a' } }, { matchLabels: { rack: 'b' } }],
      serviceSelectors: [{ matchLabels: { tier: 'web' } }],
      preferredNodeSelectors: [{ weight: 7, preference: { matchLabels: { nic: 'fast' } } }],
    };
    const [pool] = assemble({ pools, l2Advertisements: [resource('l2', spec)] }).configuration.pools;
    const { nodeSelectors, serviceSelectors, preferences } = pool!.l2Advertisements[0]!;
    expect(nodeSelectors.map((matches) => [matches({ rack: 'a' }), matches({ rack: 'b' })])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(serviceSelectors.map((matches) => [matches({ tier: 'web' }), matches({})])).toEqual([[true, false]]);
    expect(preferences.map(({ weight, selector }) => [weight, selector({ nic: 'fast' }), selector({})])).toEqual([
      [7, true, false],
    ]);
  });

  test('advertisements that differ in a selector or a weight alone both stay', () => {
    const selected = (field: string, value: string) => ({ [field]: [{ matchLabels: { a: value } }] });
    const preferred = (weight: number, times: number) => ({
      preferredNodeSelectors: Array.from({ length: times }, () => ({ weight, preference: {} })),
    });
    for (const [one, other] of [
      [selected('nodeSelectors', 'x'), selected('nodeSelectors', 'y')],
      [selected('serviceSelectors', 'x'), selected('nodeSelectors', 'x')],
      [preferred(1, 1), preferred(2, 1)],
      [preferred(1, 1), preferred(1, 2)],
    ]) {
      expect(coverage(resource('a', one!), resource('b', other!), resource('c', one!))['gold']).toEqual(['a', 'b']);
    }
  });

  test('one whose only selector cannot be read covers nothing rather than everything', () => {
    const bad = resource('l2', { ipAddressPoolSelectors: [{ matchLabels: { 'a b': 'c' } }] });
    expect(coverage(bad)).toEqual({});
    expect(problemTexts({ l2Advertisements: [bad] })).toEqual([
      'L2Advertisement l2 spec.ipAddressPoolSelectors[0] InvalidSelector: invalid label selector: "a b" is not a valid ' +
        'label key',
    ]);
  });

  test('a name that stands there twice is reported', () => {
    expect(problemTexts({ l2Advertisements: [resource('l2', { ipAddressPools: ['gold', 'lead', 'gold'] })] })).toEqual([
      'L2Advertisement l2 spec.ipAddressPools[2] DuplicateDefinition: duplicate definition of ipAddressPools "gold"',
    ]);
  });

  test('one that cannot be read is left out, the others stay', () => {
    const bad = resource('bad', { interfaces: 'eth0', preferredNodeSelectors: [{ weight: 101, preference: {} }] });
    expect(coverage(bad, resource('good', {}))).toEqual({ gold: ['good'], lead: ['good'], plain: ['good'] });
    expect(problemTexts({ l2Advertisements: [bad] })).toEqual([
      'L2Advertisement bad spec.interfaces InvalidSpec: must be of type array',
      'L2Advertisement bad spec.preferredNodeSelectors[0].weight InvalidSpec: must be at most 100',
    ]);
  });
});

test('the order of the objects makes no difference', () => {
  const objects = ['a', 'b', 'c', 'd'].map((name, n) =>
    resource(name, { addresses: [`192.0.2.${n * 2}-192.0.2.${n * 2 + 3}`] }),
  );
  const expected = assemble({ pools: objects });
  fc.assert(
    fc.property(fc.shuffledSubarray(objects, { minLength: 4 }), (pools) => {
      expect(assemble({ pools })).toEqual(expected);
    }),
  );
});
