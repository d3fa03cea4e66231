import { familyOf, type Ip, type IpFamily, parseIp } from '../../lib/ip.ts';
import type { Allocation } from '../allocator/allocator.ts';
import { advertisementsOf } from '../config/advertisements-of.ts';
import type { Configuration } from '../config/configuration.ts';
import { isAnnouncedFamily } from '../layer2/announced-families.ts';
import { annotation, annotationKeys, handlesClass, type ObjectKey, type ServiceView } from '../objects.ts';
import {
  addressConflict,
  allocationFailed,
  assigned,
  clearAssignment,
  deprecations,
  familyNotAnnounced,
  invalidRequest,
  noClusterIp,
  notAnnounced,
  outsidePools,
  type ServiceEvent,
  type StandingEvent,
} from './events.ts';
import { addressInUse, chooseAddress, type ChoiceContext, type Wait } from './pool-choice.ts';
import { requestedAddresses } from './requested-addresses.ts';
import { quoteList } from './text.ts';

/** Everything a plan depends on besides the service. */
export type PlanContext = ChoiceContext &
  Pick<Configuration, 'pools' | 'l2Advertisements'> & {
    /** `--lb-class`; empty: services without a class. */
    readonly lbClass: string;
  };

/** What is to stand in the service's status and in our annotation. */
export type DesiredStatus = {
  readonly ingress: readonly Ip[];
  /** Value of `metallb.io/ip-allocated-from-pool`; undefined: no such annotation. */
  readonly allocatedFrom: string | undefined;
};

export type ServicePlan = {
  readonly outcome:
    | { readonly type: 'settled' }
    /** It should have an address and has none; a stable word says why. */
    | { readonly type: 'blocked'; readonly reason: BlockedReason; readonly waits: readonly Wait[] };
  /** What the service holds from now on; undefined: nothing. */
  readonly allocation: Allocation | undefined;
  /** Undefined: the status is not ours to write. */
  readonly status: DesiredStatus | undefined;
  /** Of this very change, told once when it is done. Planning again after that gives none. */
  readonly events: readonly ServiceEvent[];
  /** As `events`, for other services. */
  readonly eventsForOthers: readonly { readonly service: ObjectKey; readonly event: ServiceEvent }[];
  readonly standing: readonly StandingEvent[];
};

export type BlockedReason = 'NoClusterIP' | 'DualStack' | 'InvalidRequest' | 'AllocationFailed' | 'ServedByOthers';

const [allocatedFromKey] = annotationKeys.allocatedFromPool;

/**
 * Says what must change for one service. Decides only; the caller performs it. An address that stands in the status
 * is kept whatever happens to the pools, until the service asks for another one. `unwritten` is a status planned
 * before that is still on its way: then what the object shows is the past.
 */
export const planService = (observed: ServiceView, context: PlanContext, unwritten?: DesiredStatus): ServicePlan => {
  const service = unwritten === undefined ? observed : withStatus(observed, unwritten);
  if (!isServed(service, context)) return planUnserved(service, context, unwritten !== undefined);
  const families = clusterFamilies(service);
  const [family] = families;
  if (family === undefined) return planWithoutClusterIp(service, context);
  if (families.length > 1) return planDualStack(service, context);
  return planSingleStack(service, family, context);
};

/** What a service may keep of what its status says: addresses of our pools, and those our annotation vouches for. */
export const claimOf = (service: ServiceView, context: PlanContext): Allocation | undefined => {
  if (!isServed(service, context)) return undefined;
  const families = clusterFamilies(service);
  const from = service.annotations[allocatedFromKey];
  const isOurs = (ip: Ip): boolean => from !== undefined || context.allocations.poolOf(ip) !== undefined;
  const ips = families.flatMap(
    (family) => statusIps(service).find((ip) => familyOf(ip) === family && isOurs(ip)) ?? [],
  );
  // The status tells the order, which for two families need not be that of the cluster addresses.
  const ordered = statusIps(service).filter((ip) => ips.includes(ip));
  return ips.length === 0 ? undefined : { ips: [...new Set(ordered)], pool: from ?? poolOfAll(ips, from, context) };
};

/** Whether status and annotation say already what they should. */
export const isWritten = (service: ServiceView, status: DesiredStatus): boolean =>
  service.ingress.length === status.ingress.length &&
  service.ingress.every((entry, i) => entry.ip === status.ingress[i] && entry.hostname === undefined) &&
  service.annotations[allocatedFromKey] === status.allocatedFrom;

/** The service as it will be when a status that is being written stands. */
export const withStatus = (service: ServiceView, { ingress, allocatedFrom }: DesiredStatus): ServiceView => {
  const { [allocatedFromKey]: _, ...annotations } = service.annotations;
  return {
    ...service,
    ingress: ingress.map((ip) => ({ ip })),
    annotations: allocatedFrom === undefined ? annotations : { ...annotations, [allocatedFromKey]: allocatedFrom },
  };
};

const statusOf = ({ ips, pool }: Allocation): DesiredStatus => ({ ingress: ips, allocatedFrom: pool });

const settled: ServicePlan['outcome'] = { type: 'settled' };

const makePlan = (plan: Partial<ServicePlan>): ServicePlan => ({
  outcome: settled,
  allocation: undefined,
  status: undefined,
  events: [],
  eventsForOthers: [],
  standing: [],
  ...plan,
});

const isServed = (service: ServiceView, context: PlanContext): boolean =>
  service.type === 'LoadBalancer' && handlesClass(context.lbClass, service);

/** A service of another type gives back what it had; one of another class is none of our business. */
const planUnserved = (
  service: ServiceView,
  { lbClass, allocations }: PlanContext,
  hasUnwritten: boolean,
): ServicePlan => {
  const wasOurs =
    hasUnwritten ||
    allocations.allocationOf(service.key) !== undefined ||
    (handlesClass(lbClass, service) && service.annotations[allocatedFromKey] !== undefined);
  const isOver = wasOurs && service.type !== 'LoadBalancer';
  return makePlan({ status: isOver ? { ingress: [], allocatedFrom: undefined } : undefined });
};

/** What the service holds, or may take up from its status; and who holds that instead. */
const heldBy = (
  service: ServiceView,
  context: PlanContext,
): { readonly allocation: Allocation | undefined; readonly conflicts: readonly Ip[] } => {
  const held = context.allocations.allocationOf(service.key);
  const claim = held ?? claimOf(service, context);
  if (claim === undefined) return { allocation: undefined, conflicts: [] };
  const conflicts = claim.ips.filter((ip) => otherHolders(service, ip, context).length > 0);
  const ips = claim.ips.filter((ip) => !conflicts.includes(ip));
  return { allocation: ips.length === 0 ? undefined : { ...claim, ips }, conflicts };
};

const otherHolders = (service: ServiceView, ip: Ip, { allocations }: PlanContext): readonly ObjectKey[] =>
  allocations.holdersOf(ip).filter((holder) => holder !== service.key);

const planWithoutClusterIp = (service: ServiceView, context: PlanContext): ServicePlan =>
  makePlan({
    outcome: { type: 'blocked', reason: 'NoClusterIP', waits: [] },
    allocation: heldBy(service, context).allocation,
    standing: [noClusterIp(service.clusterIPs)],
  });

/** Two families are not served yet: what such a service has is kept for it, and it is told that it gets no more. */
const planDualStack = (service: ServiceView, context: PlanContext): ServicePlan => {
  const { allocation } = heldBy(service, context);
  const why = 'dual-stack services are not served yet; spec.ipFamilyPolicy SingleStack is';
  const status = allocation && statusOf(allocation);
  if (allocation !== undefined && allocation.ips.length > 1) {
    return makePlan({ allocation, status, standing: kept(allocation, context) });
  }
  return makePlan({
    outcome: { type: 'blocked', reason: 'DualStack', waits: [] },
    allocation,
    status,
    standing: [allocationFailed(service.key, why, 'dualStack'), ...kept(allocation, context)],
  });
};

const planSingleStack = (service: ServiceView, family: IpFamily, context: PlanContext): ServicePlan => {
  const { allocation, conflicts } = heldBy(service, context);
  const own = allocation?.ips.find((ip) => familyOf(ip) === family);
  const requested = requestedAddresses(service);
  if (!requested.ok) {
    return makePlan({
      outcome: { type: 'blocked', reason: 'InvalidRequest', waits: [] },
      allocation,
      status: allocation && statusOf(allocation),
      standing: [invalidRequest(requested.error), ...kept(allocation, context)],
    });
  }
  const pool = annotation(service, 'addressPool') || undefined;
  if (own !== undefined && !asksForAnother(own, allocation?.pool, requested.value, pool, context)) {
    return keep(own, allocation?.pool, pool, context);
  }
  const choice = chooseAddress(service, { family, requested: requested.value, pool }, context);
  const conflict = conflicts.map((ip) => ({ ip, holders: otherHolders(service, ip, context) }));
  const isForeign = allocation === undefined && conflicts.length === 0 && service.ingress.length > 0;
  const cleared = [
    ...conflict.map(({ ip, holders }) => clearAssignment(service.key, addressInUse(ip, holders))),
    ...(isForeign
      ? [clearAssignment(service.key, `${quoteList(ingressTexts(service))} is not allowed in config`)]
      : []),
  ];
  if (choice.type === 'refused') {
    const standing = allocationFailed(service.key, choice.message, choice.signature);
    // Whoever gave that address serves it on; only one who asks for ours by name hears why he does not get it.
    if (isForeign) {
      const asksUs = pool !== undefined || annotation(service, 'loadBalancerIPs') !== undefined;
      return makePlan({
        outcome: { type: 'blocked', reason: 'ServedByOthers', waits: choice.waits },
        standing: asksUs ? [standing] : [],
      });
    }
    return makePlan({
      outcome: { type: 'blocked', reason: 'AllocationFailed', waits: choice.waits },
      status: { ingress: [], allocatedFrom: undefined },
      events: cleared,
      eventsForOthers: conflict.flatMap((found) => tellHolders(service, found)),
      standing: [standing],
    });
  }
  const given: Allocation = { ips: [choice.ip], pool: choice.pool };
  return makePlan({
    allocation: given,
    status: statusOf(given),
    events: [...cleared, ...deprecations(service), assigned(given.ips)],
    eventsForOthers: conflict.flatMap((found) => tellHolders(service, found)),
    standing: kept(given, context),
  });
};

/** Whether the service wants another address or pool than it has. A pool that lost the address is not asked. */
const asksForAnother = (
  own: Ip,
  from: string | undefined,
  requested: readonly Ip[],
  pool: string | undefined,
  { allocations }: PlanContext,
): boolean => {
  if (requested.length > 0 && !(requested.length === 1 && requested[0] === own)) return true;
  return pool !== undefined && pool !== from && pool !== allocations.poolOf(own)?.name;
};

/**
 * Keeps the address. The annotation follows the address into the pool that has it now, unless the service asked for
 * the pool it came from: it has what it asked for, though the pool was edited since.
 */
const keep = (ip: Ip, from: string | undefined, asked: string | undefined, context: PlanContext): ServicePlan => {
  const isAsked = asked !== undefined && asked === from;
  const allocation = { ips: [ip], pool: isAsked ? from : poolOfAll([ip], from, context) };
  return makePlan({
    allocation,
    status: statusOf(allocation),
    standing: kept(allocation, context),
  });
};

/** The pool that has the addresses now, else the one they came from. */
const poolOfAll = (ips: readonly Ip[], from: string | undefined, { allocations }: PlanContext): string | undefined =>
  ips.map((ip) => allocations.poolOf(ip)?.name).find((name) => name !== undefined) ?? from;

/** What the owner of kept addresses should know: their pool lost them, or nothing announces them. */
const kept = (allocation: Allocation | undefined, context: PlanContext): readonly StandingEvent[] =>
  (allocation?.ips ?? []).flatMap((ip) => {
    const from = allocation?.pool;
    const pool = context.allocations.poolOf(ip);
    return [
      ...(pool === undefined ? [outsidePools(ip, from)] : []),
      ...whyNotAnnounced(ip, pool?.name ?? from, context),
    ];
  });

const whyNotAnnounced = (ip: Ip, poolName: string | undefined, context: PlanContext): readonly StandingEvent[] => {
  if (!isAnnouncedFamily(familyOf(ip))) return [familyNotAnnounced(ip)];
  if (poolName === undefined || advertisementsOf(context, poolName).length > 0) return [];
  return [notAnnounced(ip, poolName, context.metallbNamespace)];
};

/** Tells those who keep an address that this service had it in its status as well. */
const tellHolders = (
  { key }: ServiceView,
  { ip, holders }: { readonly ip: Ip; readonly holders: readonly ObjectKey[] },
): ServicePlan['eventsForOthers'] =>
  holders.map((holder) => ({ service: holder, event: addressConflict(ip, holder, key) }));

const clusterFamilies = ({ clusterIPs }: ServiceView): readonly IpFamily[] =>
  clusterIPs.flatMap((text) => {
    const ip = parseIp(text);
    return ip.ok ? [familyOf(ip.value)] : [];
  });

const ingressTexts = ({ ingress }: ServiceView): readonly string[] =>
  ingress.flatMap(({ ip, hostname }) => ip ?? hostname ?? []);

const statusIps = ({ ingress }: ServiceView): readonly Ip[] =>
  ingress.flatMap((entry) => {
    const ip = parseIp(entry.ip ?? '');
    return ip.ok ? [ip.value] : [];
  });
