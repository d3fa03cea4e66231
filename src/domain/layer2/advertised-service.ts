import { exact } from '../../lib/exact.ts';
import { type Ip, parseIp } from '../../lib/ip.ts';
import { advertisementsOf } from '../config/advertisements-of.ts';
import type { Configuration, L2Advertisement } from '../config/configuration.ts';
import { revisionOf } from '../config/custom-resource.ts';
import { findPool } from '../config/find-pool.ts';
import { annotation, type EndpointSliceView, handlesClass, type ObjectKey, type ServiceView } from '../objects.ts';
import type { SilenceReason, SilentAddress } from './announcement.ts';

/** An address that advertisements are to announce for a service. */
export type AdvertisedAddress = {
  readonly ip: Ip;
  /** Those that cover its pool and the service; at least one. */
  readonly advertisements: readonly L2Advertisement[];
};

/** What a service of type LoadBalancer brings into its group, whichever node looks at it. */
export type AdvertisedService = {
  readonly service: ObjectKey;
  /** `metadata.creationTimestamp`. */
  readonly createdAt: string;
  /** All its addresses, distinct, in the order of its status; none with a reason that leaves it out of any group. */
  readonly addresses: readonly Ip[];
  /** What is to be announced while there is no `reason`. */
  readonly advertised: readonly AdvertisedAddress[];
  readonly silent: readonly SilentAddress[];
  /** Why nothing is announced on its behalf. */
  readonly reason: SilenceReason | undefined;
  /** With `externalTrafficPolicy: Local`: the nodes with an endpoint that can serve. */
  readonly servingNodes: ReadonlySet<string> | undefined;
  /** Those of them whose endpoints do not all end: there requests are still served in a moment. */
  readonly lastingNodes: ReadonlySet<string> | undefined;
  /** The pools whose change can change this; undefined stands for an address that no pool has. */
  readonly pools: readonly (string | undefined)[];
  /** The newest version of the service, its endpoints, its pools and their advertisements, as a number. */
  readonly revision: number;
};

/** What a service is read against. */
export type ServiceContext = {
  /** Class of the services that are handled (`--lb-class`); empty: those without a class. */
  readonly loadBalancerClass: string;
  readonly configuration: Configuration;
  /** The version of a pool and its advertisements when they last came to say something else. */
  readonly poolRevision: (pool: string | undefined) => number;
};

/** Reads what a service, its endpoints and the advertisements of its pools want announced. */
export const readService = (
  service: ServiceView,
  slices: readonly EndpointSliceView[],
  { loadBalancerClass, configuration, poolRevision }: ServiceContext,
): AdvertisedService => {
  const revision = Math.max(revisionOf(service), ...slices.map(revisionOf));
  const base = { service: service.key, createdAt: service.createdAt };
  const nothing = (reason: SilenceReason): AdvertisedService => ({ ...base, ...noAddresses, reason, revision });
  if (service.type !== 'LoadBalancer') return nothing('notLoadBalancer');
  if (!handlesClass(loadBalancerClass, service)) return nothing('otherClass');
  const addresses = new Set<Ip>();
  for (const { ip } of service.ingress) {
    const parsed = parseIp(ip ?? '');
    if (!parsed.ok) return nothing('invalidIP');
    addresses.add(parsed.value);
  }
  if (addresses.size === 0) return nothing('noIPAllocated');

  const advertised: AdvertisedAddress[] = [];
  const silent: SilentAddress[] = [];
  const pools = new Set<string | undefined>();
  for (const ip of addresses) {
    const pool = findPool(configuration, ip);
    pools.add(pool?.name);
    const covering = pool?.l2Advertisements ?? advertisementsOutsidePools(service, configuration);
    const advertisements = covering && forService(covering, service);
    if (advertisements === undefined) silent.push({ ip, reason: 'ipNotAllowed' });
    else if (advertisements.length === 0) silent.push({ ip, reason: 'noMatchingAdvertisement' });
    else advertised.push({ ip, advertisements });
  }
  return {
    ...base,
    addresses: [...addresses],
    advertised: exact(advertised),
    silent,
    reason: hasUsableEndpoint(slices) ? (advertised.length > 0 ? undefined : silent[0]?.reason) : 'noEndpoint',
    ...(service.externalTrafficPolicy === 'Local' ? localNodes(slices) : everyNode),
    pools: [...pools],
    revision: Math.max(revision, ...Array.from(pools, poolRevision)),
  };
};

const everyNode = { servingNodes: undefined, lastingNodes: undefined };
const noAddresses = { addresses: [], advertised: [], silent: [], ...everyNode, pools: [] };

/**
 * Advertisements for an address that its pool no longer has: those of the pool that the controller noted on the
 * service. Without that note the address is somebody else's.
 */
const advertisementsOutsidePools = (
  service: ServiceView,
  configuration: Configuration,
): readonly L2Advertisement[] | undefined => {
  const poolName = annotation(service, 'allocatedFromPool');
  return poolName === undefined ? undefined : advertisementsOf(configuration, poolName);
};

/** Those that select the service; the same list if all do, so that services share it. */
const forService = (
  advertisements: readonly L2Advertisement[],
  { labels }: ServiceView,
): readonly L2Advertisement[] => {
  const selects = ({ serviceSelectors }: L2Advertisement): boolean =>
    serviceSelectors.length === 0 || serviceSelectors.some((matches) => matches(labels));
  return advertisements.every(selects) ? advertisements : advertisements.filter(selects);
};

/** Whether any endpoint of the service, on whatever node, can serve. */
const hasUsableEndpoint = (slices: readonly EndpointSliceView[]): boolean =>
  slices.some(({ endpoints }) => endpoints.some(({ usable }) => usable));

const localNodes = (slices: readonly EndpointSliceView[]): Pick<AdvertisedService, 'servingNodes' | 'lastingNodes'> => {
  const servingNodes = new Set<string>();
  const lastingNodes = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { nodeName, usable, ready } of endpoints) {
      if (!usable || nodeName === undefined) continue;
      servingNodes.add(nodeName);
      if (ready) lastingNodes.add(nodeName);
    }
  }
  return { servingNodes, lastingNodes };
};
