import { describe, expect, test } from 'vitest';
import { resource } from '../../../test/support/custom-resources.ts';
import { nothingConfigured } from '../config/assemble.ts';
import type { CustomResource } from '../config/custom-resource.ts';
import { ok } from '../../lib/result.ts';
import { admit, type AdmissionRequest, type AdmissionSettings, type LiveObjects } from './admission.ts';

const settings: AdmissionSettings = { metallbNamespace: 'metallb-system', bgpType: 'native' };

const decide = (
  operation: AdmissionRequest['operation'],
  kind: AdmissionRequest['kind'],
  object: CustomResource,
  live: Partial<LiveObjects> = {},
  more: Partial<AdmissionSettings> = {},
) => {
  const { namespace, name } = object.metadata;
  const objects = operation === 'DELETE' ? { oldObject: object } : { object };
  const request = { operation, kind, namespace, name, ...objects };
  return admit(request, { ...nothingConfigured, services: [], ...live }, { ...settings, ...more });
};

const allowed = (...warnings: readonly string[]) => ({ allowed: true, warnings });
const denied = (message: string, ...warnings: readonly string[]) => ({ allowed: false, message, code: 403, warnings });

const pool = (name: string, addresses: readonly string[], metadata: object = {}) =>
  resource(name, { addresses }, metadata);
const peer = (spec: object = {}, name = 'p') =>
  resource(name, { myASN: 64512, peerASN: 64513, peerAddress: '192.0.2.1', ...spec });

describe('a creation', () => {
  test.each(['IPAddressPool', 'L2Advertisement', 'BGPAdvertisement', 'BGPPeer', 'BFDProfile', 'Community'] as const)(
    'of a %s elsewhere is denied',
    (kind) => {
      const elsewhere = resource('x', {}, { namespace: 'default' });
      expect(decide('CREATE', kind, elsewhere)).toEqual(denied('resource must be created in metallb-system namespace'));
      expect(decide('UPDATE', kind, elsewhere)).toEqual(
        allowed(`a ${kind} counts only in the namespace metallb-system`),
      );
    },
  );

  test.each<[AdmissionRequest['kind'], CustomResource, string]>([
    [
      'IPAddressPool',
      pool('a', ['192.0.2.0/24', '192.0.2.300/32', 'x']),
      'spec.addresses[1]: invalid CIDR "192.0.2.300/32" in pool "a": invalid CIDR "192.0.2.300/32"',
    ],
    [
      'L2Advertisement',
      resource('a', { ipAddressPools: ['x', 'x'] }),
      'spec.ipAddressPools[1]: duplicate definition of ipAddressPools "x"',
    ],
    [
      'BGPAdvertisement',
      resource('a', { communities: ['no-export', '1:x:2'] }),
      'spec.communities[1]: invalid community "1:x:2" in BGP advertisement: invalid community format: 1:x:2',
    ],
    ['BGPPeer', peer({ myASN: 0 }), 'spec.myASN: missing local ASN'],
    [
      'BFDProfile',
      resource('a', { detectMultiplier: 1 }),
      'spec.detectMultiplier: invalid detect multiplier value: invalid value 1, must be in 2-255 range',
    ],
    [
      'Community',
      resource('a', { communities: [{ name: 'x', value: '1' }] }),
      'spec.communities[0].value: parsing community "x": invalid community format: 1',
    ],
  ])('of a faulty %s is denied with one sentence that names the field', (kind, object, message) =>
    expect(decide('CREATE', kind, object)).toEqual(denied(message)),
  );

  test('of a sound object is allowed without a word', () => {
    expect(decide('CREATE', 'IPAddressPool', pool('a', ['192.0.2.0/24']))).toEqual(allowed());
    expect(decide('CREATE', 'BGPPeer', peer())).toEqual(allowed());
  });

  test('never takes addresses from a pool that is there, even of the same second', () => {
    const live = { pools: [pool('prod', ['192.0.2.0/24'])] };
    expect(decide('CREATE', 'IPAddressPool', pool('a-test', ['192.0.2.0/25']), live)).toEqual(
      denied(
        'spec.addresses[0]: CIDR "192.0.2.0/25" in pool "a-test" overlaps with already defined CIDR "192.0.2.0/24" in ' +
          'pool "prod"',
      ),
    );
  });

  test('without the object is a bad request', () => {
    const request = { operation: 'CREATE', kind: 'Community', namespace: 'metallb-system', name: 'c' } as const;
    expect(admit(request, { ...nothingConfigured, services: [] }, settings)).toEqual({
      allowed: false,
      message: 'the Community "c" itself is missing',
      code: 400,
      warnings: [],
    });
  });

  test('is not hindered by what is wrong already', () => {
    const live = { pools: [pool('bad', ['nonsense'])], bgpPeers: [peer({ myASN: 0 }, 'q')] };
    expect(decide('CREATE', 'IPAddressPool', pool('a', ['192.0.2.0/24']), live)).toEqual(allowed());
  });
});

describe('what may still come is only warned about', () => {
  test('a BFD profile', () =>
    expect(decide('CREATE', 'BGPPeer', peer({ bfdProfile: 'fast' }))).toEqual(
      allowed('spec.bfdProfile: peer p referencing non existing bfd profile fast; the peer is left out'),
    ));

  test('the alias of a community, while the rest of the advertisement is checked', () => {
    const live = {
      pools: [pool('a', ['192.0.2.0/24'])],
      bgpAdvertisements: [resource('old', { localPref: 1 })],
    };
    const alias = (spec: object) => resource('new', { communities: ['no-export'], ...spec });
    expect(decide('CREATE', 'BGPAdvertisement', alias({ localPref: 1 }), live)).toEqual(
      allowed(
        'spec.communities[0]: invalid community "no-export" in BGP advertisement: invalid community format: no-export; the ' +
          'advertisement is left out, so that nothing is announced without it',
      ),
    );
    expect(decide('CREATE', 'BGPAdvertisement', alias({ localPref: 2 }), live)).toMatchObject({
      allowed: false,
      message: expect.stringMatching(/^spec\.localPref: invalid local preference 2/),
    });
  });

  test('a VRF', () => {
    expect(decide('CREATE', 'BGPPeer', peer({ vrf: 'red' }))).toMatchObject({
      allowed: true,
      warnings: [expect.stringContaining('spec.vrf: ')],
    });
    expect(decide('CREATE', 'BGPPeer', peer({ vrf: 'red' }), {}, { bgpType: 'frr-k8s' })).toEqual(allowed());
  });

  test('disableMP, and the peer is checked all the same', () => {
    const warning = "disable mp is deprecated and has no effect since it's the default behavior now";
    expect(decide('CREATE', 'BGPPeer', peer({ disableMP: true }))).toEqual(allowed(warning));
    expect(decide('CREATE', 'BGPPeer', peer({ disableMP: true, myASN: 0 }))).toEqual(
      denied('spec.myASN: missing local ASN', warning),
    );
  });
});

describe('an update', () => {
  const live = { pools: [pool('a', ['192.0.2.0/24', 'nonsense'])] };

  test('is denied for the fault it brings and not for the one that was there, wherever that stands now', () => {
    const moved = pool('a', ['198.51.100.0/24', '192.0.2.0/24', 'nonsense']);
    expect(decide('UPDATE', 'IPAddressPool', moved, live)).toEqual(allowed());
    const worse = pool('a', ['192.0.2.0/24', 'nonsense', 'more nonsense']);
    expect(decide('UPDATE', 'IPAddressPool', worse, live)).toEqual(
      denied('spec.addresses[2]: invalid CIDR "more nonsense" in pool "a": invalid CIDR "more nonsense"'),
    );
    expect(decide('UPDATE', 'IPAddressPool', pool('a', ['nonsense', 'nonsense']), live).allowed).toBe(false);
  });

  test('is compared with the old object that came with it, if what was read is older', () => {
    const request = { operation: 'UPDATE', kind: 'IPAddressPool', namespace: 'metallb-system', name: 'a' } as const;
    const object = pool('a', ['nonsense']);
    const objects = { ...nothingConfigured, services: [] };
    expect(admit({ ...request, object, oldObject: object }, objects, settings).allowed).toBe(true);
    expect(admit({ ...request, object }, objects, settings).allowed).toBe(false);
  });

  test('is denied if it breaks another object', () => {
    const objects = {
      pools: [pool('a', ['192.0.2.0/24'])],
      bgpAdvertisements: [resource('wide', { aggregationLength: 24 })],
    };
    expect(decide('UPDATE', 'IPAddressPool', pool('a', ['192.0.2.0/25']), objects)).toEqual(
      denied(
        'this would break BGPAdvertisement "wide": spec.aggregationLength: invalid aggregation length 24: prefix 25 in ' +
          'this pool is more specific than the aggregation length for addresses 192.0.2.0/25',
      ),
    );
    const pools = [pool('old', ['192.0.2.0/24']), pool('young', ['198.51.100.0/24'], { creationTimestamp: '2027' })];
    expect(decide('UPDATE', 'IPAddressPool', pool('old', ['192.0.2.0/24', '198.51.0.0/16']), { pools })).toEqual(
      denied(
        'this would break IPAddressPool "young": spec.addresses[0]: CIDR "198.51.100.0/24" in pool "young" overlaps with ' +
          'already defined CIDR "198.51.0.0/16" in pool "old"',
      ),
    );
  });

  test('of a profile is denied if its peers cannot have it', () => {
    const objects = {
      pools: [pool('six', ['2001:db8::/64'])],
      bgpPeers: [peer({ bfdProfile: 'fast' })],
      bgpAdvertisements: [resource('a', {})],
      bfdProfiles: [resource('fast', {})],
    };
    expect(decide('UPDATE', 'BFDProfile', resource('fast', { echoMode: true }), objects)).toEqual(
      denied(
        'this would break BGPAdvertisement "a": spec.peers: pool six has bgpadvertisement a which references peer p which ' +
          'has bfd echo enabled, which is not possible',
      ),
    );
  });
});

describe('a deletion', () => {
  test('of a BFD profile is denied while a peer uses it', () => {
    const profile = resource('fast', {});
    const bgpPeers = [peer({ bfdProfile: 'fast' }, 'z'), peer({ bfdProfile: 'fast' }, 'b'), peer({}, 'a')];
    expect(decide('DELETE', 'BFDProfile', profile, { bgpPeers })).toEqual(
      denied('failed to delete BFDProfile fast, used by BGPPeer b'),
    );
    expect(decide('DELETE', 'BFDProfile', resource('slow', {}), { bgpPeers })).toEqual(allowed());
    const elsewhere = resource('fast', {}, { namespace: 'default' });
    expect(decide('DELETE', 'BFDProfile', elsewhere, { bgpPeers })).toEqual(allowed());
  });

  test('of anything else is allowed', () => {
    const communities = [resource('c', { communities: [{ name: 'x', value: '1:1' }] })];
    const bgpAdvertisements = [resource('a', { communities: ['x'] })];
    expect(decide('DELETE', 'Community', communities[0]!, { communities, bgpAdvertisements })).toEqual(allowed());
  });
});

describe('addresses in use that leave their pool', () => {
  const service = (key: string, ...ips: readonly string[]) => ({ key, ingress: ips.map((ip) => ({ ip })) });
  const pools = [pool('a', ['192.0.2.0/24']), pool('b', ['198.51.100.0/24'])];
  const services = [
    service('default/web', '192.0.2.200'),
    service('default/dns', '192.0.2.7'),
    service('team/both', '192.0.2.201', '2001:db8::1'),
    service('team/b', '198.51.100.200'),
    { key: 'team/name', ingress: [{ hostname: 'lb.example' }] },
  ];
  const smaller = pool('a', ['192.0.2.0/25']);

  test('are named in a warning when the pool is edited', () => {
    expect(decide('UPDATE', 'IPAddressPool', smaller, { pools, services })).toEqual(
      allowed(
        '2 services keep addresses that are in no pool any more: 192.0.2.200 (default/web), 192.0.2.201 (team/both)',
      ),
    );
    expect(decide('UPDATE', 'IPAddressPool', pool('a', ['192.0.0.0/16']), { pools, services })).toEqual(allowed());
  });

  test('are named when it is deleted', () => {
    expect(decide('DELETE', 'IPAddressPool', pools[1]!, { pools, services })).toEqual(
      allowed('1 service keeps addresses that are in no pool any more: 198.51.100.200 (team/b)'),
    );
  });

  test('are not kept with --reassign-on-pool-change', () => {
    expect(
      decide('DELETE', 'IPAddressPool', pools[1]!, { pools, services }, { reassignOnPoolChange: true }).warnings,
    ).toEqual(['1 service changes addresses that are in no pool any more: 198.51.100.200 (team/b)']);
  });

  test('are as many as 256 octets have room for', () => {
    const many = Array.from({ length: 200 }, (_, index) => service(`default/web-${index}`, `192.0.2.${index}`));
    const { warnings } = decide('DELETE', 'IPAddressPool', pools[0]!, { pools, services: many });
    expect(warnings).toEqual([
      expect.stringMatching(/^200 services keep .*192\.0\.2\.5 \(default\/web-5\) and 194 more$/),
    ]);
    expect(warnings[0]!.length).toBeLessThanOrEqual(256);
  });
});

test('the old ConfigMap denies nothing', () => {
  const document = { 'address-pools': [{ name: 'default', protocol: 'layer2', addresses: ['192.0.2.0/24'] }] };
  const legacy = { namespace: 'metallb-system', name: 'config', uid: 'u', isInUse: true, config: ok(document) };
  expect(decide('CREATE', 'IPAddressPool', pool('a', ['192.0.2.0/25']), { legacy })).toEqual(
    allowed(
      'ConfigMap "config": address-pools[0].addresses[0]: CIDR "192.0.2.0/24" in pool "default" overlaps with already ' +
        'defined CIDR "192.0.2.0/25" in pool "a"; the entry is left out',
    ),
  );
  expect(decide('CREATE', 'IPAddressPool', pool('default', ['192.0.2.0/25']), { legacy }).warnings).toEqual([
    'ConfigMap "config": address-pools[0]: there is a custom resource IPAddressPool "default"; it counts instead of this ' +
      'entry',
  ]);
});

test('texts are bounded, whatever is asked for', () => {
  const long = 'ä'.repeat(100_000);
  const decision = decide('CREATE', 'IPAddressPool', pool('a', [long]));
  expect(decision.allowed ? 0 : Buffer.byteLength(decision.message)).toBeLessThanOrEqual(1024);
  const communities = Array.from({ length: 1000 }, (_, index) => `${'ä'.repeat(500)}${index}`);
  const { warnings } = decide('CREATE', 'BGPAdvertisement', resource('a', { communities }));
  expect(warnings).toHaveLength(9);
  expect(warnings.at(-1)).toBe('and 992 more');
  expect(Math.max(...warnings.map((warning) => Buffer.byteLength(warning)))).toBeLessThanOrEqual(256);
});
