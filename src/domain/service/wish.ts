import { familyOf, type IpFamily, type Ip, parseIp } from '../../lib/ip.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import type { Sharing } from '../allocator/sharing.ts';
import { annotation, type ServiceView } from '../objects.ts';
import { invalidRequest, noClusterIp, notEnoughClusterIps, type StandingEvent } from './events.ts';
import { requestedAddresses } from './requested-addresses.ts';
import { sharingOf } from './sharing.ts';

/** What a service asks for. */
export type Wish = {
  /** The families it has cluster IPs of, the primary one first. */
  readonly families: readonly IpFamily[];
  /** Without the second family it is served all the same. */
  readonly isOneFamilyEnough: boolean;
  /** Addresses asked for; none means any. */
  readonly requested: readonly Ip[];
  /** The pool asked for by annotation. */
  readonly pool: string | undefined;
  readonly sharing: Sharing | undefined;
};

/** Why nobody can say what a service asks for. What it has stays. */
export type Unclear = {
  readonly reason: 'NoClusterIP' | 'NotEnoughClusterIPs' | 'InvalidRequest';
  readonly message: string;
  readonly event: StandingEvent;
};

/** Reads what a service asks for: the families from its cluster IPs, the rest from spec and annotations. */
export const wishOf = (service: ServiceView): Result<Wish, Unclear> => {
  const { clusterIPs, ipFamilyPolicy } = service;
  const families = familiesOf(service);
  const [primary] = families;
  if (primary === undefined) {
    const message = 'the service has no cluster IP, which tells the family of its address';
    return err({ reason: 'NoClusterIP', message, event: noClusterIp(clusterIPs) });
  }
  if (ipFamilyPolicy === 'RequireDualStack' && families.length < 2) {
    const event = notEnoughClusterIps(clusterIPs);
    return err({ reason: 'NotEnoughClusterIPs', message: event.message, event });
  }
  const requested = requestedAddresses(service);
  if (!requested.ok) {
    const event = invalidRequest(requested.error);
    return err({ reason: 'InvalidRequest', message: event.message, event });
  }
  return ok({
    families: ipFamilyPolicy === 'SingleStack' ? [primary] : families,
    isOneFamilyEnough: ipFamilyPolicy !== 'RequireDualStack',
    requested: requested.value,
    pool: annotation(service, 'addressPool') || undefined,
    sharing: sharingOf(service),
  });
};

/** Asks for nothing but what is there already. */
export const anythingGoes = (service: ServiceView): Wish => ({
  families: ['IPv4', 'IPv6'],
  isOneFamilyEnough: true,
  requested: [],
  pool: undefined,
  sharing: sharingOf(service),
});

const familiesOf = ({ clusterIPs }: ServiceView): readonly IpFamily[] => {
  const families = clusterIPs.flatMap((text) => {
    const ip = parseIp(text);
    return ip.ok ? [familyOf(ip.value)] : [];
  });
  return [...new Set(families)];
};
