import type { GroupAddress } from '../../lib/group-order.ts';
import type { Ip } from '../../lib/ip.ts';
import type { ObjectKey } from '../objects.ts';

/** Why a service, or one of its addresses, is announced by nobody; the words appear in logs, conditions and tests. */
export type SilenceReason =
  | 'notLoadBalancer'
  /** Its load balancer class is handled by somebody else. */
  | 'otherClass'
  | 'noIPAllocated'
  | 'invalidIP'
  /** The address lies in no pool, and nothing says that it came from one. */
  | 'ipNotAllowed'
  /** No advertisement covers the pool and the service. */
  | 'noMatchingAdvertisement'
  /** No endpoint can serve, on whatever node. */
  | 'noEndpoint'
  /** `externalTrafficPolicy: Local`, and no node has endpoints of all services that share the addresses. */
  | 'clashingEndpoints'
  /** Every node has a reason of its own. */
  | 'noCandidate';

/** Why a node may not own a group; the words appear in statuses, conditions and tests. */
export type NodeReason =
  /** No speaker that takes part runs there. */
  | 'notMember'
  /** It has no Node object. */
  | 'noNode'
  /** Its condition NetworkUnavailable is True. */
  | 'networkUnavailable'
  /** It has the label `node.kubernetes.io/exclude-from-external-load-balancers`. */
  | 'excludedLabel'
  /** The node selectors of no advertisement choose it. */
  | 'notSelected'
  /** `externalTrafficPolicy: Local`, and no endpoint that can serve is there. */
  | 'noEndpoint'
  /** It has none of the interfaces that the advertisements name. */
  | 'noInterface';

/** An address that nobody announces for this service, whoever owns the group. */
export type SilentAddress = {
  readonly ip: Ip;
  readonly reason: Extract<SilenceReason, 'ipNotAllowed' | 'noMatchingAdvertisement'>;
};

/** How a service is announced, in the eyes of this node. */
export type ServiceAnnouncement = {
  /** Key of its group; undefined if it has no addresses to announce. */
  readonly key: Ip | undefined;
  /** The node that owns the group, as far as known. */
  readonly owner: string | undefined;
  /** What this node answers for on behalf of the service; empty unless it owns the group and answers. */
  readonly answered: readonly GroupAddress[];
  /** Addresses that this node owns, and has none of the named interfaces for. */
  readonly withoutInterface: readonly Ip[];
  readonly silent: readonly SilentAddress[];
  /** Why nobody can announce the service at all. */
  readonly reason: SilenceReason | undefined;
  /** With `clashingEndpoints`: all services that share addresses and have endpoints, this one among them. */
  readonly clashing: readonly ObjectKey[];
  /** Why each node cannot; empty if one can. */
  readonly nodes: ReadonlyMap<string, NodeReason>;
};
