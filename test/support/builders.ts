import type { Configuration, L2Advertisement, Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { parseAddressRange } from '../../src/lib/address-range.ts';

/** A service of type LoadBalancer, `default/web` unless told otherwise, before it has an address. */
export const serviceView = (more: Partial<ServiceView> = {}): ServiceView => {
  const { namespace = 'default', name = 'web' } = more;
  return {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: `uid-${name}`,
    resourceVersion: '1',
    createdAt: '2026-01-01T00:00:00Z',
    labels: {},
    annotations: {},
    type: 'LoadBalancer',
    loadBalancerClass: undefined,
    clusterIPs: ['10.96.0.10'],
    loadBalancerIP: undefined,
    ipFamilies: ['IPv4'],
    ipFamilyPolicy: 'SingleStack',
    externalTrafficPolicy: 'Cluster',
    selector: 'app=web',
    ports: ['TCP/80'],
    ingress: [],
    conditions: [],
    ...more,
  };
};

/** A pool of one CIDR or range that serves everybody and is announced on every interface. Throws on a bad range. */
export const poolOf = (name: string, addresses: string, more: Partial<Pool> = {}): Pool => {
  const range = parseAddressRange(addresses);
  if (!range.ok) throw new Error(range.error);
  return {
    name,
    ranges: [range.value],
    autoAssign: true,
    avoidBuggyIPs: false,
    serviceAllocation: undefined,
    l2Advertisements: [l2Advertisement('l2')],
    bgpAdvertisements: [],
    revision: 0,
    ...more,
  };
};

/** An advertisement for every node, service and interface. `text` is made of what is told apart here: the interfaces. */
export const l2Advertisement = (name: string, more: Partial<L2Advertisement> = {}): L2Advertisement => ({
  name,
  interfaces: undefined,
  nodeSelectors: [],
  serviceSelectors: [],
  preferences: [],
  text: (more.interfaces ?? ['*']).join(),
  revision: 0,
  ...more,
});

/** A configuration without BGP. */
export const configurationOf = (
  pools: readonly Pool[],
  l2Advertisements: Configuration['l2Advertisements'] = [],
): Configuration => ({ pools, l2Advertisements, bgpAdvertisements: [], peers: [], bfdProfiles: [] });
