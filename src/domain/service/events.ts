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

/** No pool could give an address. `signature` names the cause without the figures in `why`. */
export const allocationFailed = (service: ObjectKey, why: string, signature: string): StandingEvent =>
  warning('AllocationFailed', `Failed to allocate IP for "${service}": ${why}`, signature);

/** The addresses that the service asks for cannot be read, or do not fit together. */
export const invalidRequest = (why: string): StandingEvent =>
  warning('LoadBalancerFailed', `invalid requested loadbalancer IPs: ${why}`, why);

/** The service has no cluster IP to take the family of its address from, as a headless one. */
export const noClusterIp = (clusterIPs: readonly string[]): StandingEvent => {
  const list = quoteList(clusterIPs);
  const text = `Failed to retrieve ClusterIPs IPFamily for ${list} ${clusterIPs[0] ?? ''}: there is no cluster IP`;
  return warning('noclusterIPsIPFamily', text, list);
};

/** A pool edit took the address away, and the service keeps it. */
export const outsidePools = (ip: Ip, from: string | undefined): StandingEvent => {
  const origin = from === undefined ? '' : ` (it came from pool ${quote(from)})`;
  const end = 'until it asks for another address or pool, stops being a LoadBalancer or is deleted';
  const text = `IP ${quote(ip)} is in no pool any more${origin}; the service keeps it ${end}`;
  return warning('AddressOutsidePools', text, ip);
};

/** The address is of a pool that no advertisement covers. */
export const notAnnounced = (ip: Ip, pool: string, metallbNamespace: string): StandingEvent => {
  const example =
    '{apiVersion: metallb.io/v1beta1, kind: L2Advertisement, metadata: ' +
    `{name: ${pool}, namespace: ${metallbNamespace}}, spec: {ipAddressPools: [${pool}]}}`;
  const text = `IP ${quote(ip)} is not announced: no advertisement covers pool ${quote(pool)}; apply one, for example`;
  return { ...warning('NotAnnounced', `${text}: ${example}`, pool), after: advertisementPatience };
};

/** A family that is allocated, but that no speaker answers for. */
export const familyNotAnnounced = (ip: Ip): StandingEvent => {
  const text =
    `IP ${quote(ip)} is not announced: this version of metallb-ts gives IPv6 addresses but does not announce them yet; ` +
    'only IPv4 addresses are reachable from the LAN';
  return warning('NotAnnounced', text, ip);
};

const warning = (reason: string, message: string, signature: string): StandingEvent => ({
  type: 'Warning',
  reason,
  message,
  signature: `${reason} ${signature}`,
  after: millis(0),
});
