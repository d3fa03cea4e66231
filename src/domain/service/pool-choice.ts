import { formatRange } from '../../lib/address-range.ts';
import type { Ip, IpFamily } from '../../lib/ip.ts';
import type { AllocationView } from '../allocator/allocator.ts';
import type { Pool, ServiceAllocation } from '../config/configuration.ts';
import type { ServiceView } from '../objects.ts';
import { joinBounded, quote, quoteList } from './text.ts';

/** What an address is chosen from. */
export type ChoiceContext = {
  /** In order of name. */
  readonly pools: readonly Pool[];
  readonly allocations: AllocationView;
  /** Where the user's configuration lives; named in hints. */
  readonly metallbNamespace: string;
};

/** What a service asks of the choice. */
export type Wish = {
  readonly family: IpFamily;
  /** Addresses asked for; none means any. */
  readonly requested: readonly Ip[];
  /** The pool asked for by annotation. */
  readonly pool: string | undefined;
};

/** What a service without an address waits for: trying again before it comes is in vain. */
export type Wait =
  | { readonly type: 'address'; readonly ip: Ip }
  | { readonly type: 'pool'; readonly pool: string; readonly family: IpFamily };

export type Choice =
  | { readonly type: 'chosen'; readonly ip: Ip; readonly pool: string }
  | {
      readonly type: 'refused';
      readonly message: string;
      /** Stays the same while the reasons do, whatever the counts in the message. */
      readonly signature: string;
      readonly waits: readonly Wait[];
    };

/** Why a pool is not for a service; a stable word for signatures. */
type Mismatch = 'otherNamespace' | 'otherServices' | 'autoAssignOff';

/** Why a pool that is for it gives it nothing. */
type Emptiness = 'full' | 'otherFamily';

type Refused = { readonly pool: string; readonly word: Mismatch | Emptiness; readonly text: string };

/** Chooses an address for a service that has none. */
export const chooseAddress = (service: ServiceView, wish: Wish, context: ChoiceContext): Choice => {
  if (wish.requested.length > 0) return chooseRequested(service, wish, context);
  return wish.pool === undefined
    ? chooseAutomatically(service, wish.family, context)
    : chooseFrom(service, wish.pool, wish.family, context);
};

const refused = (message: string, signature: string, waits: readonly Wait[] = []): Choice => ({
  type: 'refused',
  message,
  signature,
  waits,
});

const chooseRequested = (service: ServiceView, wish: Wish, { pools, allocations }: ChoiceContext): Choice => {
  const list = quoteList(wish.requested);
  const [ip] = wish.requested;
  if (ip === undefined || wish.requested.length > 1 || ip.includes(':') !== (wish.family === 'IPv6')) {
    const message = `requested loadBalancer IP(s) ${list} does not match the ipFamily of the service (${wish.family})`;
    return refused(message, 'otherFamily');
  }
  const pool = allocations.poolOf(ip);
  if (pool === undefined) {
    return refused(`${list} is not allowed in config: ${describePools(pools)}`, `notInPool ${ip}`);
  }
  const refusal = mismatch(service, pool);
  if (refusal !== undefined) {
    const message = `pool ${pool.name} not compatible for ip assignment: it ${explain(refusal, service)}`;
    return refused(message, `${refusal} ${ip} ${pool.name}`);
  }
  if (wish.pool !== undefined && wish.pool !== pool.name) {
    const message = `requested loadBalancer IP(s) ${list} is not compatible with requested address pool ${wish.pool}`;
    return refused(`${message.slice(0, 600)}: it is of pool ${quote(pool.name)}`, `otherPool ${ip} ${pool.name}`);
  }
  const holders = allocations.holdersOf(ip).filter((holder) => holder !== service.key);
  return holders.length === 0
    ? { type: 'chosen', ip, pool: pool.name }
    : refused(addressInUse(ip, holders), `inUse ${ip} ${holders.join()}`, [{ type: 'address', ip }]);
};

/** MetalLB's words for an address that other services hold. */
export const addressInUse = (ip: Ip, holders: readonly string[]): string =>
  `can't change sharing key for ${quote(ip)}, address also in use by ${joinBounded(holders, ',')}`;

const chooseFrom = (service: ServiceView, name: string, family: IpFamily, context: ChoiceContext): Choice => {
  const pool = context.pools.find((candidate) => candidate.name === name);
  if (pool === undefined) {
    return refused(`unknown pool ${quote(name)}: ${describePools(context.pools)}`, `unknownPool ${quote(name)}`);
  }
  const refusal = mismatch(service, pool);
  if (refusal !== undefined) {
    const message = `pool ${name} not compatible for ip assignment: it ${explain(refusal, service)}`;
    return refused(message, `${refusal} ${name}`);
  }
  const ip = context.allocations.firstFree(name, family);
  if (ip !== undefined) return { type: 'chosen', ip, pool: name };
  const { text, word, waits } = emptiness(pool, family, context.allocations);
  return refused(`no available IPs in pool ${name}: it ${text}`, `${word} ${name}`, waits);
};

const chooseAutomatically = (service: ServiceView, family: IpFamily, context: ChoiceContext): Choice => {
  const { pools, allocations } = context;
  if (pools.length === 0) return refused(`no available IPs: ${describePools(pools)}${poolHint(context)}`, 'noPools');
  const waits: Wait[] = [];
  const empty: Refused[] = [];
  for (const pool of candidates(service, pools)) {
    const ip = allocations.firstFree(pool.name, family);
    if (ip !== undefined) return { type: 'chosen', ip, pool: pool.name };
    const { text, word, waits: more } = emptiness(pool, family, allocations);
    empty.push({ pool: pool.name, word, text });
    waits.push(...more);
  }
  const unsuited = pools.flatMap((pool): readonly Refused[] => {
    const word = mismatch(service, pool) ?? (pool.autoAssign ? undefined : 'autoAssignOff');
    return word === undefined ? [] : [{ pool: pool.name, word, text: explain(word, service) }];
  });
  const all = [...empty, ...unsuited];
  return refused(
    `no available IPs: ${joinBounded(
      all.map(({ pool, text }) => `pool ${quote(pool)} ${text}`),
      '; ',
    )}`,
    joinBounded(
      all.map(({ pool, word }) => `${word} ${pool}`),
      '; ',
    ),
    waits,
  );
};

/** The pools that may serve a service unasked, in the order they are tried: pinned ones by priority, then the others. */
const candidates = (service: ServiceView, pools: readonly Pool[]): readonly Pool[] => {
  const open = pools.filter((pool) => pool.autoAssign && mismatch(service, pool) === undefined);
  const rank = ({ priority }: ServiceAllocation): number => (priority === 0 ? Number.POSITIVE_INFINITY : priority);
  const pinned = open.flatMap((pool) =>
    pool.serviceAllocation === undefined ? [] : [{ pool, rank: rank(pool.serviceAllocation) }],
  );
  return [
    ...pinned.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ pool }) => pool),
    ...open.filter((pool) => pool.serviceAllocation === undefined),
  ];
};

/** Why the pool is not for this service at all. */
const mismatch = (service: ServiceView, { serviceAllocation }: Pool): Mismatch | undefined => {
  if (serviceAllocation === undefined) return undefined;
  const { namespaces, serviceSelectors } = serviceAllocation;
  if (namespaces !== undefined && !namespaces.has(service.namespace)) return 'otherNamespace';
  const isSelected = serviceSelectors.length === 0 || serviceSelectors.some((matches) => matches(service.labels));
  return isSelected ? undefined : 'otherServices';
};

/** Why a pool that suits the service has no address for it. */
const emptiness = (
  { name }: Pool,
  family: IpFamily,
  allocations: AllocationView,
): { readonly text: string; readonly word: Emptiness; readonly waits: readonly Wait[] } => {
  const { assigned, capacity } = allocations.usageOf(name)?.[family] ?? { assigned: 0n, capacity: 0n };
  return capacity === 0n
    ? { text: `has no ${family} addresses`, word: 'otherFamily', waits: [] }
    : {
        text: `is full (${assigned} of ${capacity} in use)`,
        word: 'full',
        waits: [{ type: 'pool', pool: name, family }],
      };
};

const explain = (mismatch: Mismatch, service: ServiceView): string =>
  ({
    otherNamespace: `is not for namespace ${quote(service.namespace)}`,
    otherServices: 'is not for services with these labels',
    autoAssignOff: 'has autoAssign off',
  })[mismatch];

const describePools = (pools: readonly Pool[]): string =>
  pools.length === 0
    ? 'there is no valid IPAddressPool'
    : `the pools are ${joinBounded(
        pools.map(({ name, ranges }) => `${quote(name)} (${joinBounded(ranges.slice(0, 4).map(formatRange), ', ')})`),
        ', ',
      )}`;

const poolHint = ({ metallbNamespace }: ChoiceContext): string =>
  '; create one with free addresses of your network, for example: {apiVersion: metallb.io/v1beta1, ' +
  `kind: IPAddressPool, metadata: {name: default, namespace: ${metallbNamespace}}, ` +
  'spec: {addresses: [192.168.1.240-192.168.1.250]}}';
