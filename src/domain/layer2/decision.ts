import { familyOf, type Ip, parseIp } from '../../lib/ip.ts';
import { advertisementsOf } from '../config/advertisements-of.ts';
import type { Configuration, L2Advertisement } from '../config/configuration.ts';
import { findPool } from '../config/find-pool.ts';
import { annotation, type EndpointSliceView, handlesClass, type ServiceView } from '../objects.ts';
import { isAnnouncedFamily } from './announced-families.ts';
import { candidatesFor, hasUsableEndpoint } from './candidates.ts';
import type { ElectionPolicy, Group } from './election.ts';

/** What a speaker knows when it decides. */
export type ClusterView = {
  /** Name of the node that decides. */
  readonly self: string;
  /** Class of the services that are handled (`--lb-class`); empty: those without a class. */
  readonly loadBalancerClass: string;
  readonly configuration: Configuration;
  /** Nodes that may own addresses, from `candidateNodes`. */
  readonly candidates: ReadonlySet<string>;
  /** Names of this node's interfaces that can announce. */
  readonly interfaces: ReadonlySet<string>;
  readonly order: ElectionPolicy;
};

/** Why a node is silent about an address; the words appear in logs and tests. */
export type SilenceReason =
  | 'serviceDeleted'
  | 'notLoadBalancer'
  /** Its load balancer class is handled by somebody else. */
  | 'otherClass'
  | 'noIPAllocated'
  | 'invalidIP'
  /** The address lies in no pool, and nothing says that it came from one. */
  | 'ipNotAllowed'
  /** Addresses of its family are given, but not announced yet. */
  | 'familyNotServed'
  /** No endpoint can serve, or another node comes first. */
  | 'notOwner'
  | 'noMatchingAdvertisement'
  /** This node owns the address, and has none of the interfaces the advertisements name. */
  | 'noInterface';

/** An address to answer for. */
export type Announcement = {
  readonly ip: Ip;
  /** Names to answer on, sorted; undefined: every interface. */
  readonly interfaces: readonly string[] | undefined;
};

/** An address to be silent about. */
export type Silence = { readonly ip: Ip; readonly reason: SilenceReason };

/** What one node does about one service. */
export type Decision = {
  readonly announce: readonly Announcement[];
  readonly silent: readonly Silence[];
  /** Why the node is silent about the service; undefined if it announces an address, or has a reason per address. */
  readonly reason: SilenceReason | undefined;
  /** What the owner is elected for; undefined if the service has no address we could announce. */
  readonly group: Group | undefined;
  /** The pools whose change can change the decision; undefined stands for an address that no pool has. */
  readonly pools: ReadonlySet<string | undefined>;
};

/** The decision to announce nothing, whatever the configuration. */
export const silence = (reason: SilenceReason): Decision => ({
  announce: [],
  silent: [],
  reason,
  group: undefined,
  pools: new Set(),
});

/** Decides which addresses of a service this node answers for, and why not the others. */
export const decide = (service: ServiceView, slices: readonly EndpointSliceView[], view: ClusterView): Decision => {
  if (service.type !== 'LoadBalancer') return silence('notLoadBalancer');
  if (!handlesClass(view.loadBalancerClass, service)) return silence('otherClass');
  const addresses: Ip[] = [];
  for (const { ip } of service.ingress) {
    const parsed = parseIp(ip ?? '');
    if (!parsed.ok) return silence('invalidIP');
    addresses.push(parsed.value);
  }
  const [key] = addresses;
  if (key === undefined) return silence('noIPAllocated');

  const group = { key };
  const isOwner =
    hasUsableEndpoint(slices) && view.order(candidatesFor(service, slices, view.candidates), group)[0] === view.self;
  const pools = new Set<string | undefined>();
  const announce: Announcement[] = [];
  const silent: Silence[] = [];
  for (const ip of new Set(addresses)) {
    const pool = findPool(view.configuration, ip);
    pools.add(pool?.name);
    const advertisements = pool?.l2Advertisements ?? advertisementsOutsidePools(service, view.configuration);
    const reason = whyNot(ip, advertisements, isOwner, view.interfaces);
    if (reason === undefined) announce.push({ ip, interfaces: unionOfInterfaces(advertisements ?? []) });
    else silent.push({ ip, reason });
  }
  return { announce, silent, reason: undefined, group, pools };
};

const whyNot = (
  ip: Ip,
  advertisements: readonly L2Advertisement[] | undefined,
  isOwner: boolean,
  present: ReadonlySet<string>,
): SilenceReason | undefined => {
  if (advertisements === undefined) return 'ipNotAllowed';
  if (!isAnnouncedFamily(familyOf(ip))) return 'familyNotServed';
  if (advertisements.length === 0) return 'noMatchingAdvertisement';
  if (!isOwner) return 'notOwner';
  const interfaces = unionOfInterfaces(advertisements);
  return interfaces === undefined || interfaces.some((name) => present.has(name)) ? undefined : 'noInterface';
};

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

/** An advertisement without `interfaces` is for all of them, whatever others name. */
const unionOfInterfaces = (advertisements: readonly L2Advertisement[]): readonly string[] | undefined => {
  const names = new Set<string>();
  for (const { interfaces } of advertisements) {
    if (interfaces === undefined) return undefined;
    for (const name of interfaces) names.add(name);
  }
  return [...names].sort();
};
