import { familyOf, type Ip, type IpFamily } from '../../lib/ip.ts';
import type { Allocation } from '../allocator/allocator.ts';
import type { Sharing } from '../allocator/sharing.ts';
import type { Pool } from '../config/configuration.ts';
import type { ServiceView } from '../objects.ts';
import type { PlanContext } from './plan-context.ts';
import { automaticMismatch, candidates, describePools, explain, mismatch, notCompatible } from './pool-suitability.ts';
import { describeRefusal, summarizeRefusal } from './sharing.ts';
import { joinBounded, quote, quoteList, shorten } from './text.ts';
import type { Wish } from './wish.ts';

/** What an address is chosen from. */
export type ChoiceContext = Pick<PlanContext, 'pools' | 'allocations' | 'metallbNamespace'>;

/** What a service that lacks an address waits for: trying again before it comes is in vain. */
export type Wait =
  /** Any change of those who hold the address. */
  | { readonly type: 'address'; readonly ip: Ip }
  /** That whoever has that port on the address leaves, or has it no more. */
  | { readonly type: 'port'; readonly ip: Ip; readonly port: string }
  /** An address of the pool; with sharing, also one that is or comes to be shared on such terms. */
  | { readonly type: 'pool'; readonly pool: string; readonly family: IpFamily; readonly sharing: Sharing | undefined };

/** Why there is no address. */
export type Refusal = {
  readonly type: 'refused';
  /** Somebody has the very address that is asked for; or no pool gives one. */
  readonly reason: 'AddressInUse' | 'AllocationFailed';
  readonly message: string;
  /** The same without figures: it stays the same while the reasons do. */
  readonly lasting: string;
  readonly waits: readonly Wait[];
};

export type Choice = { readonly type: 'chosen'; readonly ips: readonly Ip[]; readonly pool: string } | Refusal;

/** Chooses addresses for a service that has none. Of two families the IPv4 address comes first. */
export const chooseAddresses = (service: ServiceView, wish: Wish, context: ChoiceContext): Choice => {
  if (wish.requested.length > 0) return chooseRequested(service, wish, context);
  return wish.pool === undefined
    ? chooseAutomatically(service, wish, context)
    : chooseFromNamed(service, wish.pool, wish, context);
};

/**
 * Chooses the address of the other family for a service that has one already: the one it asks for, else one of the
 * same pool.
 */
export const chooseAdditional = (
  service: ServiceView,
  family: IpFamily,
  wish: Wish,
  held: Pick<Allocation, 'ips' | 'pool'>,
  context: ChoiceContext,
): Choice => {
  if (wish.requested.some((ip) => familyOf(ip) === family)) {
    const choice = chooseRequested(service, wish, context);
    return choice.type === 'refused' ? choice : { ...choice, ips: choice.ips.filter((ip) => familyOf(ip) === family) };
  }
  const current = held.ips.map((ip) => context.allocations.poolOf(ip)?.name).find((name) => name !== undefined);
  const name = wish.pool ?? current ?? held.pool;
  return chooseFromNamed(service, name ?? '', { ...wish, families: [family], isOneFamilyEnough: false }, context);
};

/** The addresses asked for are not those of the service's families. */
export const familyMismatch = ({ requested, families }: Wish): Refusal => {
  const wanted = families.join(' and ');
  return refused(
    `requested loadBalancer IP(s) ${quoteList(requested)} does not match the ipFamily of the service (${wanted})`,
  );
};

const refused = (message: string, lasting = message, waits: readonly Wait[] = []): Refusal => ({
  type: 'refused',
  reason: 'AllocationFailed',
  message,
  lasting,
  waits,
});

const chooseRequested = (service: ServiceView, wish: Wish, { pools, allocations }: ChoiceContext): Choice => {
  const { requested, families } = wish;
  const list = quoteList(requested);
  const isMatch = requested.length === families.length && requested.every((ip) => families.includes(familyOf(ip)));
  if (!isMatch) return familyMismatch(wish);
  const homes = requested.map((ip) => allocations.poolOf(ip));
  const [pool] = homes;
  if (pool === undefined || homes.includes(undefined)) {
    const message = `${list} is not allowed in config`;
    return refused(`${message}: ${describePools(pools)}`, `${message}: no pool has it`);
  }
  const other = homes.find((home) => home !== pool);
  if (other !== undefined) {
    return refused(`${list} is not allowed in config: they are of pools ${quote(pool.name)} and ${quote(other.name)}`);
  }
  const unsuited = mismatch(service, pool);
  if (unsuited !== undefined) return refused(notCompatible(pool, unsuited, service));
  if (wish.pool !== undefined && wish.pool !== pool.name) {
    const message = `requested loadBalancer IP(s) ${list} is not compatible with requested address pool`;
    return refused(`${message} ${shorten(wish.pool)}: it is of pool ${quote(pool.name)}`);
  }
  const refusals = requested.map((ip) => ({ ip, refusal: allocations.refusalOf(ip, service.key, wish.sharing) }));
  for (const { ip, refusal } of refusals) {
    if (refusal === undefined) continue;
    return {
      type: 'refused',
      reason: 'AddressInUse',
      message: describeRefusal(ip, refusal),
      lasting: summarizeRefusal(ip, refusal),
      waits: refusals.map(({ ip, refusal }) =>
        refusal?.type === 'port' ? { type: 'port', ip, port: refusal.port } : { type: 'address', ip },
      ),
    };
  }
  return { type: 'chosen', ips: ipv4First(requested), pool: pool.name };
};

const chooseFromNamed = (service: ServiceView, name: string, wish: Wish, context: ChoiceContext): Choice => {
  const pool = context.pools.find((candidate) => candidate.name === name);
  if (pool === undefined) {
    const message = `unknown pool ${quote(name)}`;
    return refused(`${message}: ${describePools(context.pools)}`, message);
  }
  const unsuited = mismatch(service, pool);
  if (unsuited !== undefined) return refused(notCompatible(pool, unsuited, service));
  const best = bestOf(service, wish, [pool], context);
  if (best !== undefined) return best;
  const { text, lasting, waits } = shortage(service, pool, wish, context);
  const message = `no available IPs in pool ${name}: it`;
  return refused(`${message} ${text}`, `${message} ${lasting}`, waits);
};

const chooseAutomatically = (service: ServiceView, wish: Wish, context: ChoiceContext): Choice => {
  const { pools } = context;
  if (pools.length === 0) return refused(`no available IPs: ${describePools(pools)}${poolHint(context)}`);
  const tried = candidates(service, pools);
  for (const group of tried) {
    const best = bestOf(service, wish, group, context);
    if (best !== undefined) return best;
  }
  const reasons = [
    ...tried.flat().map((pool) => ({ pool, ...shortage(service, pool, wish, context) })),
    ...pools.flatMap((pool) => {
      const unsuited = automaticMismatch(service, pool);
      if (unsuited === undefined) return [];
      const text = explain(unsuited, service);
      return [{ pool, text, lasting: text, waits: [] }];
    }),
  ];
  const list = (say: (reason: (typeof reasons)[number]) => string): string =>
    `no available IPs: ${joinBounded(
      reasons.map((reason) => `pool ${quote(reason.pool.name)} ${say(reason)}`),
      '; ',
    )}`;
  return refused(
    list(({ text }) => text),
    list(({ lasting }) => lasting),
    reasons.flatMap(({ waits }) => waits),
  );
};

/**
 * The best of pools that all may serve the service: the first with free addresses of every family; if one family is
 * enough, else the first with one of the primary family, else the first with one of the other. Pools where an address
 * is shared already on its terms come before all others.
 */
const bestOf = (service: ServiceView, wish: Wish, pools: readonly Pool[], context: ChoiceContext) => {
  const { families, sharing } = wish;
  const { allocations } = context;
  let fallback: { readonly rank: number; readonly ip: Ip; readonly pool: string } | undefined;
  for (const { name } of sharedFirst(service, wish, pools, context)) {
    const free = families.map((family) => allocations.firstFree(name, family, sharing, service.key));
    const ips = free.filter((ip) => ip !== undefined);
    if (ips.length === families.length) return { type: 'chosen', ips: ipv4First(ips), pool: name } as const;
    const rank = free.findIndex((ip) => ip !== undefined);
    const ip = free[rank];
    if (ip !== undefined && (fallback === undefined || rank < fallback.rank)) fallback = { rank, ip, pool: name };
  }
  if (fallback === undefined || !wish.isOneFamilyEnough) return undefined;
  return { type: 'chosen', ips: [fallback.ip], pool: fallback.pool } as const;
};

const sharedFirst = (
  { key }: ServiceView,
  { families, sharing }: Wish,
  pools: readonly Pool[],
  { allocations }: ChoiceContext,
): readonly Pool[] => {
  if (sharing === undefined || pools.length < 2) return pools;
  // An address that somebody has is never the one that is given to a service which shares with nobody.
  const isShared = ({ name }: Pool): boolean =>
    families.some(
      (family) => allocations.firstFree(name, family, sharing, key) !== allocations.firstFree(name, family),
    );
  const shared = pools.filter(isShared);
  return shared.length === 0 ? pools : [...shared, ...pools.filter((pool) => !shared.includes(pool))];
};

const ipv4First = (ips: readonly Ip[]): readonly Ip[] =>
  ips.toSorted((a, b) => Number(a.includes(':')) - Number(b.includes(':')));

/**
 * Why a pool that suits the service has not what it needs; follows the name of the pool in a sentence. What lasts of it
 * does not tell which of two families is full: that changes while the outcome stays the same.
 */
const shortage = (
  { key }: ServiceView,
  { name }: Pool,
  { families, isOneFamilyEnough, sharing }: Wish,
  { allocations }: ChoiceContext,
): { readonly text: string; readonly lasting: string; readonly waits: readonly Wait[] } => {
  const usage = allocations.usageOf(name);
  const possible = families.filter((family) => usage !== undefined && usage[family].capacity > 0n);
  const impossible = families.filter((family) => !possible.includes(family));
  const reasons = impossible.map((family) => `has no ${family} addresses`);
  if (possible.length === 0 || (impossible.length > 0 && !isOneFamilyEnough)) {
    return { text: reasons.join(' and '), lasting: reasons.join(' and '), waits: [] };
  }
  if (families.length === 1) reasons.push('is full');
  else if (possible.length === 1) reasons.push(`has no free ${possible.join()} address`);
  else reasons.push(`has not ${isOneFamilyEnough ? 'one' : 'both'} of an IPv4 and an IPv6 address free`);
  const figures = possible.map((family) => {
    const { assigned, capacity } = usage?.[family] ?? { assigned: 0n, capacity: 0n };
    return `${assigned} of ${capacity}${families.length === 1 ? '' : ` ${family}`} in use`;
  });
  const lacking = possible.filter((family) => allocations.firstFree(name, family, sharing, key) === undefined);
  return {
    text: `${reasons.join(' and ')} (${figures.join(', ')})`,
    lasting: reasons.join(' and '),
    waits: lacking.map((family) => ({ type: 'pool', pool: name, family, sharing })),
  };
};

const poolHint = ({ metallbNamespace }: ChoiceContext): string =>
  '; create one with free addresses of your network, for example: {apiVersion: metallb.io/v1beta1, ' +
  `kind: IPAddressPool, metadata: {name: default, namespace: ${metallbNamespace}}, ` +
  'spec: {addresses: [192.168.1.240-192.168.1.250]}}';
