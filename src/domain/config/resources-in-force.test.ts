import { describe, expect, test } from 'vitest';
import { assemble, problemTexts, resource } from '../../../test/support/custom-resources.ts';
import { ok } from '../../lib/result.ts';
import type { ConfigMapView } from '../objects.ts';
import type { ConfigurationInput } from './assemble.ts';

const addressPool = (name: string, ...addresses: readonly string[]) => ({ name, protocol: 'layer2', addresses });

const configMap = (document: unknown, more: Partial<ConfigMapView> = {}): ConfigMapView => ({
  namespace: 'metallb-system',
  name: 'config',
  uid: 'uid-config',
  isInUse: true,
  config: ok(document),
  ...more,
});

const poolsOf = (input: Partial<ConfigurationInput>) =>
  assemble(input).configuration.pools.map(({ name, ranges, l2Advertisements }) => [
    name,
    ranges.length,
    l2Advertisements.length,
  ]);

const document = { 'address-pools': [addressPool('default', '192.0.2.0/24')] };
const custom = resource('default', { addresses: ['198.51.100.0/24'] });

describe('a ConfigMap without the mark', () => {
  const unmarked = configMap(document, { isInUse: false });

  test('is to be marked when it is all there is, and is not in force until then', () => {
    const { configuration, problems, wantsMark } = assemble({ legacy: unmarked });
    expect([configuration.pools, problems, wantsMark]).toEqual([[], [], true]);
    const elsewhere = resource('x', {}, { namespace: 'default' });
    expect(assemble({ legacy: unmarked, pools: [elsewhere] }).wantsMark).toBe(true);
  });

  test.each(['pools', 'l2Advertisements', 'bgpAdvertisements', 'bgpPeers', 'bfdProfiles', 'communities'] as const)(
    'is left out whole beside %s, with advice',
    (collection) => {
      const { wantsMark, problems } = assemble({ legacy: unmarked, [collection]: [resource('x', { addresses: [] })] });
      expect(wantsMark).toBe(false);
      expect(problems[0]).toEqual({
        kind: 'ConfigMap',
        namespace: 'metallb-system',
        name: 'config',
        uid: 'uid-config',
        field: 'metadata.annotations',
        message:
          'there are custom resources, and this ConfigMap is not marked as in use; it is left out whole: delete it, or ' +
          'give it the annotation metallb.io/in-use=true to use it as well',
        cause: 'there are custom resources, and this ConfigMap is not marked as in use',
        reason: 'NotInUse',
        severity: 'warning',
      });
    },
  );

  test('is nothing if nothing of MetalLB is in it', () => {
    const empty = { ...unmarked, config: undefined };
    expect(assemble({ legacy: empty }).wantsMark).toBe(false);
    expect(problemTexts({ legacy: empty, pools: [custom] })).toEqual([]);
  });
});

describe('a marked ConfigMap', () => {
  test('is in force', () => {
    const { problems, wantsMark } = assemble({ legacy: configMap(document) });
    expect([problems, wantsMark]).toEqual([[], false]);
    expect(poolsOf({ legacy: configMap(document) })).toEqual([['default', 1, 1]]);
  });

  test('loses an entry to a custom resource of its kind and name, and keeps the rest', () => {
    const input = { legacy: configMap(document), pools: [custom] };
    expect(problemTexts(input)).toEqual([
      'ConfigMap config address-pools[0] Replaced: there is a custom resource IPAddressPool "default"; it counts instead ' +
        'of this entry',
    ]);
    const [pool] = assemble(input).configuration.pools;
    expect(pool?.ranges[0]?.first).toBe(0xc633_6400n);
    expect(pool?.l2Advertisements.map(({ name }) => name)).toEqual(['l2advertisement1']);
  });

  test('loses an overlapping range even to a custom resource that is only about to be made', () => {
    const pools = [resource('z', { addresses: ['192.0.2.128/25'] }, { creationTimestamp: undefined })];
    const both = { 'address-pools': [addressPool('default', '192.0.2.0/24', '203.0.113.0/24')] };
    const input = { legacy: configMap(both), pools };
    expect(poolsOf(input)).toEqual([
      ['default', 1, 1],
      ['z', 1, 0],
    ]);
    expect(problemTexts(input)).toEqual([
      'ConfigMap config address-pools[0].addresses[0] OverlappingAddresses: CIDR "192.0.2.0/24" in pool "default" overlaps ' +
        'with already defined CIDR "192.0.2.128/25" in pool "z"; the entry is left out',
    ]);
  });

  test('gives the addresses to the entry that stands first', () => {
    const twice = { 'address-pools': [addressPool('z', '192.0.2.0/24'), addressPool('a', '192.0.2.0/24')] };
    expect(poolsOf({ legacy: configMap(twice) })).toEqual([
      ['a', 0, 1],
      ['z', 1, 1],
    ]);
  });

  test('has its faults told with the path in its own words', () => {
    const faulty = {
      peers: [{ 'my-asn': '64512', 'peer-asn': '64513', 'peer-address': '192.0.2.1', 'bfd-profile': 'gone' }],
      'address-pools': [
        {
          name: 'p',
          protocol: 'bgp',
          addresses: ['192.0.2.0/24', '192.0.2.300/32'],
          'bgp-advertisements': [{ 'aggregation-length': '16' }, { localpref: '5' }, { localpref: '6' }],
        },
      ],
    };
    const input = { legacy: configMap(faulty), bfdProfiles: [resource('other', {})] };
    expect(assemble(input).problems.map(({ kind, field, reason }) => [kind, field, reason])).toEqual([
      ['ConfigMap', 'peers[0].bfd-profile', 'UnknownBfdProfile'],
      ['ConfigMap', 'address-pools[0].addresses[1]', 'InvalidAddresses'],
      ['ConfigMap', 'address-pools[0].bgp-advertisements[0].aggregation-length', 'InvalidAdvertisement'],
      ['ConfigMap', 'address-pools[0].bgp-advertisements[2].localpref', 'Conflict'],
    ]);
  });

  test('that cannot be read says so', () => {
    const legacy = configMap(undefined, { config: { ok: false, error: 'could not parse config: x' } });
    expect(problemTexts({ legacy, pools: [custom] })).toEqual([
      'ConfigMap config data.config InvalidConfigMap: could not parse config: x',
    ]);
    expect(poolsOf({ legacy, pools: [custom] })).toEqual([['default', 1, 0]]);
  });
});
