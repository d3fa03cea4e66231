import { type Allocation, type Allocator, givesSameAddresses, heldIps } from '../src/domain/allocator/allocator.ts';
import type { Configuration, Pool } from '../src/domain/config/configuration.ts';
import { annotation, type ObjectKey, type ServiceView } from '../src/domain/objects.ts';
import type { ServiceEvent } from '../src/domain/service/events.ts';
import {
  claimOf,
  type DesiredStatus,
  isWritten,
  type PlanContext,
  planService,
  type ServicePlan,
} from '../src/domain/service/plan.ts';
import { WaitingList } from '../src/domain/service/waiting-list.ts';
import { familyOf, type Ip } from '../src/lib/ip.ts';
import { compareText } from '../src/lib/sorted.ts';
import type { Clock } from '../src/lib/time.ts';
import { isOlderVersion } from './resource-version.ts';
import { type StandingEvents, standingEvents } from './standing-events.ts';

/** What the reconciler asks of the world. None of it may throw. */
export type ReconcilerPorts = {
  readonly clock: Clock;
  /** Wants `write` to be called for that service, soon. */
  readonly requestWrite: (service: ObjectKey) => void;
  readonly tell: (service: ServiceView, event: ServiceEvent) => void;
  /** Told of every plan that was made. */
  readonly onPlanned: (service: ServiceView, plan: ServicePlan) => void;
  /** Told of pools whose counters may have changed. */
  readonly onUsageChanged: (pool: string) => void;
};

/** A status that waits to be written, and the state of the service it was planned from. */
export type PendingWrite = { readonly service: ServiceView; readonly status: DesiredStatus };

type ServiceRecord = {
  /** The newest state known: from the watch, or from the answer to a write. */
  view: ServiceView;
  /** Undefined: the status says already what it should. */
  unwritten: DesiredStatus | undefined;
  /** Told when the status is written. */
  events: { readonly service: ObjectKey; readonly event: ServiceEvent }[];
  readonly standing: StandingEvents;
};

/**
 * Keeps the plan of every service current and the allocator in step with it. An address is reserved in memory the
 * moment it is planned, so writes may be as slow, as many at a time and as often repeated as they need; a state of the
 * service that is older than our own write is not looked at.
 */
export class ServiceReconciler {
  readonly #ports: ReconcilerPorts;
  readonly #allocator: Allocator;
  #context: PlanContext;
  readonly #records = new Map<ObjectKey, ServiceRecord>();
  readonly #waiting = new WaitingList();
  /** Services that should have an address and have none. */
  readonly #blocked = new Set<ObjectKey>();
  /** Services with an address that is in no pool. */
  readonly #outside = new Set<ObjectKey>();
  /** Addresses given back whose waiters have not been looked at. */
  readonly #freed: Ip[] = [];

  constructor(
    ports: ReconcilerPorts,
    allocator: Allocator,
    options: Pick<PlanContext, 'lbClass' | 'metallbNamespace'>,
  ) {
    this.#ports = ports;
    this.#allocator = allocator;
    this.#context = { ...options, pools: [], l2Advertisements: [], allocations: allocator };
  }

  /** Takes up what the statuses say, the older service first where two say the same, and then plans every service. */
  start(services: Iterable<ServiceView>, configuration: Configuration): void {
    const { pools } = configuration;
    this.#allocator.setPools(pools);
    this.#context = { ...this.#context, ...configuration };
    const byAge = [...services].sort(byCreation);
    const claiming: ServiceRecord[] = [];
    const others: ServiceRecord[] = [];
    for (const view of byAge) {
      const record = this.#addRecord(view);
      const claim = claimOf(view, this.#context);
      const ips = (claim?.ips ?? []).filter((ip) => this.#allocator.holdersOf(ip).length === 0);
      if (ips.length > 0) this.#allocator.assign(view.key, { ips, pool: claim?.pool });
      (claim === undefined ? others : claiming).push(record);
    }
    for (const record of [...claiming, ...others]) this.#plan(record);
    this.#serveWaiting();
    for (const { name } of pools) this.#ports.onUsageChanged(name);
  }

  /** Takes a new state of a service. */
  upsert(view: ServiceView): void {
    const known = this.#records.get(view.key);
    if (known !== undefined && known.view.uid === view.uid) {
      if (isOlderVersion(view.resourceVersion, known.view.resourceVersion)) return;
      const isKnown = view.resourceVersion === known.view.resourceVersion;
      known.view = view;
      if (isKnown) return;
      this.#takeBack(known);
      this.#plan(known);
    } else {
      // Another object under the same name: the first one's deletion was not seen.
      if (known !== undefined) this.#forget(known);
      this.#plan(this.#addRecord(view));
    }
    this.#serveWaiting();
  }

  /** Takes the answer to a write; one for a service that was deleted meanwhile is late. */
  confirm(view: ServiceView): void {
    if (this.#records.get(view.key)?.view.uid === view.uid) this.upsert(view);
  }

  /** Takes back what a deleted service had. */
  remove(service: ObjectKey): void {
    const record = this.#records.get(service);
    if (record === undefined) return;
    this.#forget(record);
    this.#serveWaiting();
  }

  /** Puts another configuration in force; plans again what it can affect. */
  configure(configuration: Configuration): void {
    const { pools } = configuration;
    const before = new Map(this.#context.pools.map((pool) => [pool.name, pool]));
    const after = new Map(pools.map((pool) => [pool.name, pool]));
    const names = new Set([...before.keys(), ...after.keys()]);
    const affected = new Set<ObjectKey>();
    const addHolders = (name: string): void => {
      for (const service of this.#allocator.servicesOf(name)) affected.add(service);
    };
    const touched = [...names].filter((name) => touchesHolders(before.get(name), after.get(name)));
    for (const name of touched) addHolders(name);
    this.#allocator.setPools(pools);
    this.#context = { ...this.#context, ...configuration };
    for (const name of touched) addHolders(name);
    for (const service of this.#outside) affected.add(service);
    if ([...names].some((name) => touchesSeekers(before.get(name), after.get(name)))) {
      for (const service of this.#blocked) affected.add(service);
    }
    const records = [...affected].flatMap((service) => this.#records.get(service) ?? []);
    for (const record of records.sort((a, b) => byCreation(a.view, b.view))) this.#plan(record);
    this.#serveWaiting();
    for (const name of touched) this.#ports.onUsageChanged(name);
  }

  /** What is to be written for a service now; undefined if nothing is. */
  pendingWrite(service: ObjectKey): PendingWrite | undefined {
    const record = this.#records.get(service);
    return record?.unwritten && { service: record.view, status: record.unwritten };
  }

  /** How many services there are. */
  get size(): number {
    return this.#records.size;
  }

  #addRecord(view: ServiceView): ServiceRecord {
    const record: ServiceRecord = {
      view,
      unwritten: undefined,
      events: [],
      standing: standingEvents(this.#ports.clock, (event) => this.#ports.tell(record.view, event)),
    };
    this.#records.set(view.key, record);
    return record;
  }

  #forget(record: ServiceRecord): void {
    const { key } = record.view;
    record.standing.set([]);
    this.#records.delete(key);
    this.#blocked.delete(key);
    this.#outside.delete(key);
    this.#waiting.set(key, []);
    this.#reserve(key, undefined, []);
  }

  #plan(record: ServiceRecord): void {
    const { view } = record;
    const { key } = view;
    const plan = planService(view, this.#context, record.unwritten);
    this.#reserve(key, plan.allocation, view.ingress);
    this.#note(key, plan);
    record.unwritten = plan.status !== undefined && !isWritten(view, plan.status) ? plan.status : undefined;
    // An address that was taken back before it was written is not told.
    if (plan.events.length > 0) record.events = record.events.filter(({ event }) => event.reason !== 'IPAllocated');
    record.events.push(...plan.events.map((event) => ({ service: key, event })), ...plan.eventsForOthers);
    if (record.unwritten === undefined) this.#tellEvents(record);
    else this.#ports.requestWrite(key);
    record.standing.set(plan.standing);
    this.#ports.onPlanned(view, plan);
  }

  /**
   * Gives the service what the plan says, and remembers what became free. An address given up stays reserved while the
   * status `shown` has it, so that no two services ever show one address.
   */
  #reserve(service: ObjectKey, allocation: ServicePlan['allocation'], shown: ServiceView['ingress']): void {
    const { ips, pool }: Allocation = allocation ?? { ips: [], pool: undefined };
    const before = heldIps(this.#allocator.allocationOf(service));
    const leaving = before.filter((ip) => !ips.includes(ip) && shown.some((entry) => entry.ip === ip));
    this.#allocator.assign(service, { ips, pool, leaving });
    const now = [...ips, ...leaving];
    const freed = before.filter((ip) => !now.includes(ip));
    this.#freed.push(...freed);
    for (const ip of [...freed, ...now.filter((ip) => !before.includes(ip))]) {
      const touched = this.#allocator.poolOf(ip);
      if (touched !== undefined) this.#ports.onUsageChanged(touched.name);
    }
  }

  /**
   * A newer state has outrun every write that was planned before: those can only fail, or are in it. So the service has
   * what it shows, as a controller that starts now would see it, and its wish is held against that.
   */
  #takeBack(record: ServiceRecord): void {
    const { view, unwritten } = record;
    const held = this.#allocator.allocationOf(view.key);
    const ips = heldIps(held).filter((ip) => view.ingress.some((entry) => entry.ip === ip));
    if (held === undefined || ips.length === 0) return;
    const isGivenUp = ips.some((ip) => !held.ips.includes(ip));
    if (unwritten === undefined && !isGivenUp) return;
    const from = annotation(view, 'allocatedFromPool') ?? held.pool;
    const pool = from ?? ips.map((ip) => this.#allocator.poolOf(ip)?.name).find((name) => name !== undefined);
    this.#reserve(view.key, { ips, pool }, view.ingress);
    record.unwritten = undefined;
    if (isGivenUp) record.events = record.events.filter(({ event }) => event.reason !== 'IPAllocated');
  }

  /** Keeps the lists of those whom a later change can concern. */
  #note(service: ObjectKey, { outcome, allocation }: ServicePlan): void {
    if (outcome.type === 'blocked') this.#blocked.add(service);
    else this.#blocked.delete(service);
    this.#waiting.set(service, outcome.type === 'blocked' ? outcome.waits : []);
    if (allocation?.ips.some((ip) => this.#allocator.poolOf(ip) === undefined)) this.#outside.add(service);
    else this.#outside.delete(service);
  }

  /** Offers each freed address to those that wait for it, then to those that wait for its pool, while it lasts. */
  #serveWaiting(): void {
    for (let ip = this.#freed.shift(); ip !== undefined; ip = this.#freed.shift()) {
      const freed = ip;
      this.#offer(this.#waiting.forAddress(freed), () => this.#allocator.holdersOf(freed).length === 0);
      const pool = this.#allocator.poolOf(freed)?.name;
      if (pool === undefined) continue;
      const family = familyOf(freed);
      const isLeft = (): boolean => this.#allocator.firstFree(pool, family) !== undefined;
      this.#offer(this.#waiting.forPool(pool, family), isLeft);
    }
  }

  #offer(waiting: Iterable<ObjectKey>, isLeft: () => boolean): void {
    for (const service of waiting) {
      if (!isLeft()) return;
      const record = this.#records.get(service);
      if (record !== undefined) this.#plan(record);
    }
  }

  #tellEvents(record: ServiceRecord): void {
    const { events } = record;
    record.events = [];
    for (const { service, event } of events) {
      const view = this.#records.get(service)?.view;
      if (view !== undefined) this.#ports.tell(view, event);
    }
  }
}

const byCreation = (a: ServiceView, b: ServiceView): number =>
  compareText(a.createdAt, b.createdAt) || compareText(a.key, b.key);

/** Whether an edit concerns services that have an address of the pool. */
const touchesHolders = (before: Pool | undefined, after: Pool | undefined): boolean =>
  before === undefined ||
  after === undefined ||
  !givesSameAddresses(before, after) ||
  (before.l2Advertisements.length === 0) !== (after.l2Advertisements.length === 0);

/** Whether an edit may help services that have none. Selectors cannot be compared, so equal ones count as changed. */
const touchesSeekers = (before: Pool | undefined, after: Pool | undefined): boolean => {
  if (before === undefined || after === undefined) return true;
  if (before === after) return false;
  if (!givesSameAddresses(before, after) || before.autoAssign !== after.autoAssign) return true;
  const [a, b] = [before.serviceAllocation, after.serviceAllocation];
  if (a === undefined || b === undefined) return a !== b;
  return (
    a.priority !== b.priority ||
    a.namespaces?.size !== b.namespaces?.size ||
    ![...(a.namespaces ?? [])].every((name) => b.namespaces?.has(name)) ||
    a.serviceSelectors.length !== b.serviceSelectors.length ||
    !a.serviceSelectors.every((selector, i) => selector === b.serviceSelectors[i])
  );
};
