import { familyOf, type Ip, parseIp } from '../../lib/ip.ts';
import { compareText } from '../../lib/sorted.ts';
import type { Allocation } from '../allocator/allocator.ts';
import type { SharingRefusal } from '../allocator/sharing.ts';
import { annotation, type ObjectKey, type ServiceView } from '../objects.ts';
import type { PlanContext } from './plan-context.ts';
import { mismatch } from './pool-suitability.ts';
import { describeRefusal } from './sharing.ts';
import type { Wish } from './wish.ts';

/** An address that the service has and may not keep, though it asks for no other. */
export type LostAddress = {
  readonly ip: Ip;
  /** In MetalLB's words. */
  readonly why: string;
  /** The services that keep it instead; none if no pool gives it. */
  readonly holders: readonly ObjectKey[];
};

/** Which of its addresses a service keeps. */
export type Kept = {
  /** At most one of each family, in the order of the status. */
  readonly ips: readonly Ip[];
  /** The pool they came from; undefined if nobody knows. */
  readonly pool: string | undefined;
  /** Whether there was anything to keep. */
  readonly hasClaim: boolean;
  readonly lost: readonly LostAddress[];
  /** Services that must give an address up to this one. */
  readonly displaces: readonly { readonly service: ObjectKey; readonly ip: Ip }[];
};

/**
 * Says which addresses a service keeps: one of each family that it wants, out of those that its status shows and are
 * ours, else of those it was given. Whatever happens to the pools, it keeps them until it asks for others, unless the
 * user wants the old way of MetalLB. `news` are addresses of the status that somebody else wrote there since it was last
 * looked at.
 */
export const keep = (service: ServiceView, wish: Wish, context: PlanContext, news: readonly Ip[] = []): Kept => {
  const held = context.allocations.allocationOf(service.key);
  const shown = shownAddresses(service, context);
  const had = [...new Set([...shown, ...(held?.ips ?? [])])];
  const from = annotation(service, 'allocatedFromPool') ?? held?.pool;
  const ips = new Set<Ip>();
  const lost: LostAddress[] = [];
  const displaces: Kept['displaces'][number][] = [];
  for (const family of wish.families) {
    for (const ip of had) {
      if (familyOf(ip) !== family || asksForAnother(ip, had, from, wish, context)) continue;
      const why = context.reassignOnPoolChange ? poolRefusal(service, ip, context) : undefined;
      const rivals = why === undefined ? rivalsFor(service, ip, wish, context, news) : undefined;
      if (why !== undefined) lost.push({ ip, why, holders: [] });
      else if (rivals?.type === 'stay') lost.push({ ip, why: rivals.why, holders: rivals.services });
      else {
        for (const rival of rivals?.services ?? []) displaces.push({ service: rival, ip });
        ips.add(ip);
        break;
      }
    }
  }
  const hasClaim = had.length > 0 || held?.leaving !== undefined;
  return { ips: had.filter((ip) => ips.has(ip)), pool: from, hasClaim, lost, displaces };
};

/** The pool that is noted for kept addresses: the one that has them now, unless the service asked for the old one. */
export const poolOfKept = (
  { ips, pool }: Pick<Allocation, 'ips' | 'pool'>,
  asked: string | undefined,
  { allocations }: PlanContext,
): string | undefined => {
  if (asked !== undefined && asked === pool) return pool;
  return ips.map((ip) => allocations.poolOf(ip)?.name).find((name) => name !== undefined) ?? pool;
};

/**
 * The addresses that the status shows and that are ours: those of our pools, those we gave, and, of a service that we
 * know nothing of yet, those our annotation vouches for.
 */
export const shownAddresses = (service: ServiceView, { allocations }: PlanContext): readonly Ip[] => {
  const held = allocations.allocationOf(service.key);
  const isVouchedFor = held === undefined && annotation(service, 'allocatedFromPool') !== undefined;
  return statusIps(service).filter(
    (ip) =>
      isVouchedFor ||
      allocations.poolOf(ip) !== undefined ||
      held?.ips.includes(ip) === true ||
      held?.leaving?.includes(ip) === true,
  );
};

/** Whether the status has that address. */
export const shows = ({ ingress }: Pick<ServiceView, 'ingress'>, ip: Ip): boolean =>
  ingress.some((entry) => entry.ip === ip);

/** Orders services by age, and by name where that is equal. */
export const compareAge = (a: Age, b: Age): number =>
  compareText(a.createdAt, b.createdAt) || compareText(a.key, b.key);

type Age = Pick<ServiceView, 'createdAt' | 'key'>;

/**
 * Whether the service wants another address or pool than it has. A pool that lost the address is not asked. One who asks
 * for an address of one family only, and has that, may have any of the other.
 */
const asksForAnother = (
  ip: Ip,
  had: readonly Ip[],
  from: string | undefined,
  { families, requested, pool }: Wish,
  { allocations }: PlanContext,
): boolean => {
  if (requested.length > 0 && !requested.includes(ip)) {
    const isNamedFamily = requested.some((other) => familyOf(other) === familyOf(ip));
    const isServed = requested.every((other) => had.includes(other) && families.includes(familyOf(other)));
    if (isNamedFamily || !isServed) return true;
  }
  return pool !== undefined && pool !== from && pool !== allocations.poolOf(ip)?.name;
};

/** Why MetalLB would take the address away after a change of pools. */
const poolRefusal = (service: ServiceView, ip: Ip, { allocations }: PlanContext): string | undefined => {
  const pool = allocations.poolOf(ip);
  if (pool === undefined) return `["${ip}"] is not allowed in config`;
  return mismatch(service, pool) === undefined ? undefined : `pool ${pool.name} not compatible for ip assignment`;
};

/** Others who have the address and may not share it with this service: they stay there, or they must go. */
type Rivals =
  | { readonly type: 'stay'; readonly services: readonly ObjectKey[]; readonly why: string }
  | { readonly type: 'go'; readonly services: readonly ObjectKey[] };

/**
 * A service that does not get on any more with those it shared an address with has itself changed: it goes, unless they
 * were given the address only now and it is in no status of theirs. One that turns up with an address which others have
 * was served by another controller, as they were by this one: the oldest stays.
 */
const rivalsFor = (
  service: ServiceView,
  ip: Ip,
  { sharing }: Wish,
  context: PlanContext,
  news: readonly Ip[],
): Rivals | undefined => {
  const { allocations, viewOf } = context;
  const refusal = allocations.refusalOf(ip, service.key, sharing);
  if (refusal === undefined) return undefined;
  const services = rivalsOf(service, ip, refusal, context);
  const isShown = shows(viewOf(service.key) ?? service, ip);
  const mustYield = (key: ObjectKey): boolean => {
    const rival = viewOf(key);
    if (rival === undefined) return false;
    return (isShown && !shows(rival, ip)) || (news.includes(ip) && compareAge(service, rival) < 0);
  };
  // Without rivals it is kept out by those who are about to leave; that is so only where its status has not the address.
  return services.length > 0 && services.every(mustYield)
    ? { type: 'go', services }
    : { type: 'stay', services, why: describeRefusal(ip, refusal) };
};

const rivalsOf = (
  { key, ports }: ServiceView,
  ip: Ip,
  refusal: SharingRefusal,
  { allocations }: PlanContext,
): readonly ObjectKey[] =>
  allocations.holdersOf(ip).filter((holder) => {
    const other = allocations.allocationOf(holder);
    if (holder === key || other?.ips.includes(ip) !== true) return false;
    return refusal.type === 'key' || other.sharing?.ports.some((port) => ports.includes(port)) === true;
  });

const statusIps = ({ ingress }: ServiceView): readonly Ip[] =>
  ingress.flatMap((entry) => {
    const ip = parseIp(entry.ip ?? '');
    return ip.ok ? [ip.value] : [];
  });
