import type { Ip } from '../../lib/ip.ts';
import { millis, type Millis, seconds } from '../../lib/time.ts';
import type { ObjectKey, ServiceView } from '../objects.ts';
import { quote, quoteList } from './text.ts';

/** What `kubectl describe` is to show. */
export type ServiceEvent = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
};

/** An event about a state that lasts: it is told when the state begins, and not again until it has ended. */
export type StandingEvent = ServiceEvent & {
  /** Names the state; what merely counts in the message is not part of it. */
  readonly signature: string;
  /** How long the state must last before it is told. */
  readonly after: Millis;
  /** The condition says it as well: whoever finds the condition written knows that it was told. */
  readonly isInCondition: boolean;
};

/**
 * An advertisement is often applied together with its pool, a moment after it: nobody is told in between that the
 * pool has none.
 */
const advertisementPatience = seconds(1);

/** The service got other addresses than it had. */
export const assigned = (ips: readonly Ip[]): ServiceEvent => ({
  type: 'Normal',
  reason: 'IPAllocated',
  message: `Assigned IP ${quoteList(ips)}`,
});

/** The service got an address of the family it had none of, and kept the other. */
export const assignedAdditional = (ip: Ip): ServiceEvent => ({
  type: 'Normal',
  reason: 'IPAllocated',
  message: `Assigned additional IP ${quote(ip)}`,
});

/** Whether an event tells of a new address only: when the address is taken back there is nothing to tell. */
export const isOfAssignment = ({ reason }: ServiceEvent): boolean =>
  reason === 'IPAllocated' || reason === 'deprecatedAnnotation';

/** Told before another address is looked for. */
export const clearAssignment = (service: ObjectKey, why: string): ServiceEvent => ({
  type: 'Normal',
  reason: 'ClearAssignment',
  message: `current IP for "${service}" not allowed by config, will attempt for new IP assignment: ${why}`,
});

/** Somebody else writes the status, too: each write of ours is changed back. */
export const statusQuarrel = (service: ObjectKey): ServiceEvent => ({
  type: 'Warning',
  reason: 'StatusConflict',
  message:
    `the status of "${service}" is changed back each time it is written: another load balancer controller serves it, ` +
    'too (on k3s its servicelb: start k3s with --disable=servicelb); from now on it is written every 5 s at most',
});

/** Told to the service that keeps an address which another one had in its status as well. */
export const addressConflict = (ip: Ip, keeper: ObjectKey, loser: ObjectKey): ServiceEvent => ({
  type: 'Warning',
  reason: 'AddressConflict',
  message: `the status of service "${loser}" had IP ${quote(ip)} as well; "${keeper}" keeps it`,
});

/** One for each annotation with the old prefix. */
export const deprecations = (service: Pick<ServiceView, 'annotations'>): readonly ServiceEvent[] =>
  Object.keys(service.annotations)
    .filter((key) => key.startsWith('metallb.universe.tf'))
    .map((key) => ({
      type: 'Warning',
      reason: 'deprecatedAnnotation',
      message: `Service uses deprecated annotation ${key}`,
    }));

/** No pool could give an address. `lasting` is the reason without the figures in `why`. */
export const allocationFailed = (service: ObjectKey, why: string, lasting: string): StandingEvent =>
  standing('Warning', 'AllocationFailed', `Failed to allocate IP for "${service}": ${why}`, lasting);

/** A service that would take addresses of both families has only one. */
export const additionalFailed = (why: string, lasting: string): StandingEvent =>
  standing('Normal', 'AdditionalAssignFailed', `cannot assign additional IP in PreferDualStack: ${why}`, lasting);

/** The addresses that the service asks for cannot be read, or do not fit together. */
export const invalidRequest = (why: string): StandingEvent =>
  standing('Warning', 'LoadBalancerFailed', `invalid requested loadbalancer IPs: ${why}`, why);

/** The service has no cluster IP to take the family of its address from, as a headless one. */
export const noClusterIp = (clusterIPs: readonly string[]): StandingEvent => {
  const list = quoteList(clusterIPs);
  const text = `Failed to retrieve ClusterIPs IPFamily for ${list} ${clusterIPs[0] ?? ''}: there is no cluster IP`;
  return standing('Warning', 'noclusterIPsIPFamily', text, list);
};

/** The service requires two families and has cluster IPs of one. */
export const notEnoughClusterIps = (clusterIPs: readonly string[]): StandingEvent => {
  const text = `Service requires dual stack but not enough clusterips [${clusterIPs.join(' ')}]`;
  return standing('Warning', 'not enough clusterips', text, text);
};

/** A pool edit took the address away, and the service keeps it. */
export const outsidePools = (ip: Ip, from: string | undefined): StandingEvent => {
  const text = describeOutside(ip, from);
  return standing('Warning', 'AddressOutsidePools', text, text);
};

export const describeOutside = (ip: Ip, from: string | undefined): string => {
  const origin = from === undefined ? '' : ` (it came from pool ${quote(from)})`;
  const end = 'until it asks for another address or pool, stops being a LoadBalancer or is deleted';
  return `IP ${quote(ip)} is in no pool any more${origin}; the service keeps it ${end}`;
};

/** The address is of a pool that no advertisement covers. */
export const notAnnounced = (ip: Ip, pool: string, metallbNamespace: string): StandingEvent => {
  const example =
    '{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: ' +
    `{name: ${pool}, namespace: ${metallbNamespace}}, spec: {ipAddressPools: [${pool}]}}`;
  const text = `IP ${quote(ip)} is not announced: no advertisement covers pool ${quote(pool)}; apply one, for example`;
  return {
    ...standing('Warning', 'NotAnnounced', `${text}: ${example}`, pool),
    after: advertisementPatience,
    isInCondition: false,
  };
};

const standing = (type: ServiceEvent['type'], reason: string, message: string, signature: string): StandingEvent => ({
  type,
  reason,
  message,
  signature: `${reason} ${signature}`,
  after: millis(0),
  isInCondition: true,
});
