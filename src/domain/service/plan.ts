import { familyOf, type Ip } from '../../lib/ip.ts';
import type { Allocation } from '../allocator/allocator.ts';
import { annotation, handlesClass, type ObjectKey, type ServiceView } from '../objects.ts';
import { whatToKnow } from './announcements.ts';
import { type AllocatedReason, allocated } from './conditions.ts';
import { type DesiredStatus, emptyStatus, hasCondition, withStatus } from './desired-status.ts';
import {
  additionalFailed,
  addressConflict,
  allocationFailed,
  assigned,
  assignedAdditional,
  clearAssignment,
  deprecations,
  type ServiceEvent,
  type StandingEvent,
} from './events.ts';
import { keep, type Kept, poolOfKept, shownAddresses } from './keeping.ts';
import type { PlanContext } from './plan-context.ts';
import { chooseAdditional, chooseAddresses, familyMismatch, type Refusal, type Wait } from './pool-choice.ts';
import { sharingOf } from './sharing.ts';
import { quoteList } from './text.ts';
import { anythingGoes, type Unclear, type Wish, wishOf } from './wish.ts';

export type ServicePlan = {
  readonly outcome:
    | { readonly type: 'settled' }
    /** It lacks an address that it should have; a stable word says why. */
    | { readonly type: 'blocked'; readonly reason: BlockedReason; readonly waits: readonly Wait[] };
  /** What the service holds from now on; undefined: nothing. */
  readonly allocation: Allocation | undefined;
  /** Services that must give up an address which this one holds from now on. Each is to be planned again. */
  readonly displaces: Kept['displaces'];
  /** Undefined: the status is not ours to write. */
  readonly status: DesiredStatus | undefined;
  /** Of this very change, told once when it is done. Planning again after that gives none. */
  readonly events: readonly ServiceEvent[];
  /** As `events`, for other services. */
  readonly eventsForOthers: readonly { readonly service: ObjectKey; readonly event: ServiceEvent }[];
  readonly standing: readonly StandingEvent[];
};

export type BlockedReason = Exclude<AllocatedReason, 'Allocated' | 'AllocatedOutsidePools'> | 'ServedByOthers';

/** What the one who asks for a plan knows of the service besides its present state. */
export type Circumstances = {
  /** A status planned before that is still on its way: then what the object shows is the past. */
  readonly unwritten?: DesiredStatus | undefined;
  /** Addresses of the status that somebody else wrote there since the last plan. */
  readonly news?: readonly Ip[];
};

/**
 * Says what must change for one service. Decides only; the caller performs it. An address that stands in the status
 * is kept whatever happens to the pools, until the service asks for another one.
 */
export const planService = (
  observed: ServiceView,
  context: PlanContext,
  { unwritten, news }: Circumstances = {},
): ServicePlan => {
  const service = unwritten === undefined ? observed : withStatus(observed, unwritten);
  if (!isServed(service, context)) return planUnserved(service, context, unwritten !== undefined);
  const wish = wishOf(service);
  if (!wish.ok) return planUnclear(service, wish.error, context);
  const kept = keep(service, wish.value, context, news);
  const noted = { ...kept, pool: poolOfKept(kept, wish.value.pool, context) };
  return kept.ips.length > 0
    ? planServed(service, wish.value, noted, kept, context)
    : planNew(service, wish.value, kept, context);
};

/** What a service may take up of what its status says: addresses of our pools, and those our annotation vouches for. */
export const claimOf = (service: ServiceView, context: PlanContext): Allocation | undefined => {
  if (!isServed(service, context)) return undefined;
  const wish = wishOf(service);
  const { ips, pool } = keep(service, wish.ok ? wish.value : anythingGoes(service), context);
  return ips.length === 0 ? undefined : { ips, pool, sharing: sharingOf(service) };
};

/** Whether a service of that type and class is ours to serve. */
export const isServed = (
  service: Pick<ServiceView, 'type' | 'loadBalancerClass'>,
  { lbClass }: Pick<PlanContext, 'lbClass'>,
): boolean => service.type === 'LoadBalancer' && handlesClass(lbClass, service);

/** Whether a service can concern us: it is ours to serve, or carries what we wrote and should carry no more. */
export const mayConcern = (service: ServiceView, context: Pick<PlanContext, 'lbClass'>): boolean =>
  isServed(service, context) || isMarked(service);

/** A service has what we wrote. */
const isMarked = (service: ServiceView): boolean =>
  annotation(service, 'allocatedFromPool') !== undefined || hasCondition(service);

const makePlan = (plan: Partial<ServicePlan>): ServicePlan => ({
  outcome: { type: 'settled' },
  allocation: undefined,
  displaces: [],
  status: undefined,
  events: [],
  eventsForOthers: [],
  standing: [],
  ...plan,
});

/**
 * A service of another type gives back what it had; whatever its class was, the API server has taken that away with the
 * type. One of another class is none of our business.
 */
const planUnserved = (service: ServiceView, { allocations }: PlanContext, hasUnwritten: boolean): ServicePlan => {
  const wasOurs = hasUnwritten || allocations.allocationOf(service.key) !== undefined || isMarked(service);
  return makePlan({ status: wasOurs && service.type !== 'LoadBalancer' ? emptyStatus : undefined });
};

/** Nobody can say what the service wants: it keeps what it has, and gets nothing. */
const planUnclear = (service: ServiceView, unclear: Unclear, context: PlanContext): ServicePlan => {
  const kept = keep(service, anythingGoes(service), context);
  const { ips, lost, displaces, hasClaim } = kept;
  const standing = [unclear.event];
  const outcome = { type: 'blocked', reason: unclear.reason, waits: [] } as const;
  if (isForeign(service, kept)) return planForeign(service, outcome.waits, standing);
  const allocation =
    ips.length === 0 ? undefined : { ips, pool: poolOfKept(kept, undefined, context), sharing: sharingOf(service) };
  return makePlan({
    outcome,
    allocation,
    displaces,
    status: {
      ingress: hasClaim ? ips : undefined,
      allocatedFrom: allocation?.pool,
      condition: allocated(allocation, unclear, context),
    },
    ...eventsOfLoss(service, lost),
    standing: [...standing, ...(allocation === undefined ? [] : whatToKnow(allocation, context))],
  });
};

/** A service without an address that it may keep. */
const planNew = (service: ServiceView, wish: Wish, kept: Kept, context: PlanContext): ServicePlan => {
  const choice = chooseAddresses(service, wish, context);
  if (choice.type === 'chosen') return planServed(service, wish, choice, kept, context);
  const standing = [allocationFailed(service.key, choice.message, choice.lasting)];
  if (isForeign(service, kept)) return planForeign(service, choice.waits, standing);
  return makePlan({
    outcome: { type: 'blocked', reason: choice.reason, waits: choice.waits },
    status: { ...emptyStatus, condition: allocated(undefined, choice, context) },
    ...eventsOfLoss(service, kept.lost),
    standing,
  });
};

/** A service that has an address of one family at least; it gets that of the other if it wants one. */
const planServed = (
  service: ServiceView,
  wish: Wish,
  given: Pick<Allocation, 'ips' | 'pool'>,
  kept: Kept,
  context: PlanContext,
): ServicePlan => {
  const ips = [...given.ips];
  let refusal: Refusal | undefined;
  for (const family of wish.families) {
    if (ips.some((ip) => familyOf(ip) === family)) continue;
    const choice = chooseAdditional(service, family, wish, given, context);
    if (choice.type === 'chosen') ips.push(...choice.ips);
    else refusal = choice;
  }
  if (wish.requested.some((ip) => !wish.families.includes(familyOf(ip)))) refusal = familyMismatch(wish);
  const allocation: Allocation = { ips, pool: given.pool, sharing: wish.sharing };
  const loss = eventsOfLoss(service, kept.lost);
  return makePlan({
    outcome:
      refusal === undefined
        ? { type: 'settled' }
        : { type: 'blocked', reason: 'AllocatedPartly', waits: refusal.waits },
    allocation,
    displaces: kept.displaces,
    status: { ingress: ips, allocatedFrom: given.pool, condition: allocated(allocation, refusal, context) },
    events: [...loss.events, ...eventsOfReplaced(service, kept), ...eventsOfGain(service, ips, context)],
    eventsForOthers: loss.eventsForOthers,
    standing: [
      ...(refusal === undefined ? [] : [partlyFailed(service.key, wish, refusal)]),
      ...whatToKnow(allocation, context),
    ],
  });
};

const partlyFailed = (key: ObjectKey, wish: Wish, { message, lasting }: Refusal): StandingEvent =>
  wish.isOneFamilyEnough && wish.families.length > 1
    ? additionalFailed(message, lasting)
    : allocationFailed(key, message, lasting);

/** What stands in the status was written by somebody else, and nothing of it is ours. */
const isForeign = ({ ingress }: ServiceView, { hasClaim }: Kept): boolean => !hasClaim && ingress.length > 0;

/** Whoever gave that address serves it on; only one who asks for ours by name hears why he does not get it. */
const planForeign = (service: ServiceView, waits: readonly Wait[], standing: readonly StandingEvent[]): ServicePlan => {
  const asksUs =
    annotation(service, 'addressPool') !== undefined || annotation(service, 'loadBalancerIPs') !== undefined;
  return makePlan({
    outcome: { type: 'blocked', reason: 'ServedByOthers', waits },
    status: { ingress: undefined, allocatedFrom: undefined, condition: undefined },
    standing: asksUs ? standing.map((event) => ({ ...event, isInCondition: false })) : [],
  });
};

/** Tells the service of addresses that it may not keep, and those who have them that it showed them as well. */
const eventsOfLoss = ({ key }: ServiceView, lost: Kept['lost']): Pick<ServicePlan, 'events' | 'eventsForOthers'> => ({
  events: lost.map(({ why }) => clearAssignment(key, why)),
  eventsForOthers: lost.flatMap(({ ip, holders }) =>
    holders.map((holder) => ({ service: holder, event: addressConflict(ip, holder, key) })),
  ),
});

/** Somebody else's addresses are replaced by ours. */
const eventsOfReplaced = (service: ServiceView, kept: Kept): readonly ServiceEvent[] =>
  isForeign(service, kept)
    ? [clearAssignment(service.key, `${quoteList(ingressTexts(service))} is not allowed in config`)]
    : [];

/** Tells of addresses that the status does not show yet. */
const eventsOfGain = (service: ServiceView, ips: readonly Ip[], context: PlanContext): readonly ServiceEvent[] => {
  const shown = shownAddresses(service, context);
  const fresh = ips.filter((ip) => !shown.includes(ip));
  if (fresh.length === 0) return [];
  const isAddition = fresh.length < ips.length;
  return [...deprecations(service), ...(isAddition ? fresh.map(assignedAdditional) : [assigned(ips)])];
};

const ingressTexts = ({ ingress }: ServiceView): readonly string[] =>
  ingress.flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
