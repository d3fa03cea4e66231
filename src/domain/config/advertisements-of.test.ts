import { expect, test } from 'vitest';
import { advertisementsOf } from './advertisements-of.ts';
import { assembleConfiguration, nothingConfigured } from './assemble.ts';
import type { CustomResource } from './custom-resource.ts';

const resource = (name: string, spec: object): CustomResource => ({
  metadata: { name, namespace: 'metallb-system', uid: name, labels: { tier: 'gold' } },
  spec,
});

test('a pool that is gone has the advertisements that name it or cover every pool, by name; one that is there its own', () => {
  const { configuration } = assembleConfiguration({
    ...nothingConfigured,
    pools: [resource('here', { addresses: ['192.0.2.0/24'] })],
    l2Advertisements: [
      resource('e', { ipAddressPools: ['gone'], nodeSelectors: [{ matchLabels: { a: 'b' } }] }),
      resource('d', { ipAddressPoolSelectors: [{ matchLabels: { tier: 'gold' } }], interfaces: ['eth3'] }),
      resource('c', { interfaces: ['eth2'] }),
      resource('b', { ipAddressPools: ['other'], interfaces: ['eth1'] }),
      resource('a', { ipAddressPools: ['here', 'gone'], interfaces: ['eth0'] }),
    ],
    metallbNamespace: 'metallb-system',
  });
  const names = (pool: string): string[] => advertisementsOf(configuration, pool).map(({ name }) => name);
  expect(names('gone')).toEqual(['a', 'c', 'e']);
  expect(names('here')).toEqual(['a', 'c', 'd']);
});
