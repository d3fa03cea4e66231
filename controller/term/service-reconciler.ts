import { type Allocation, type Allocator, heldIps } from '../../src/domain/allocator/allocator.ts';
import { isSameSharing } from '../../src/domain/allocator/sharing.ts';
import type { Configuration } from '../../src/domain/config/configuration.ts';
import type { ObjectKey, ServiceView } from '../../src/domain/objects.ts';
import { type DesiredStatus, isConditionWritten, isWritten } from '../../src/domain/service/desired-status.ts';
import { isOfAssignment, type ServiceEvent } from '../../src/domain/service/events.ts';
import { compareAge, shownAddresses, shows } from '../../src/domain/service/keeping.ts';
import type { PlanContext } from '../../src/domain/service/plan-context.ts';
import { claimOf, isServed, planService, type ServicePlan } from '../../src/domain/service/plan.ts';
import { isForSameServices, touchesHolders, touchesSeekers } from '../../src/domain/service/pool-edits.ts';
import { mayShare, sharingOf } from '../../src/domain/service/sharing.ts';
import { WaitingList } from '../../src/domain/service/waiting-list.ts';
import { isOlderVersion } from '../../src/k8s/watch/resource-version.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Clock } from '../../src/lib/time.ts';
import { type StandingEvents, standingEvents } from './standing-events.ts';
import { Waiters } from './waiters.ts';

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

export type ReconcilerOptions = Pick<PlanContext, 'lbClass' | 'metallbNamespace' | 'reassignOnPoolChange'>;

/** A status that waits to be written, and the state of the service it was planned from. */
export type PendingWrite = { readonly service: ServiceView; readonly status: DesiredStatus };

type ServiceRecord = {
  /** The newest state known: from the watch, or from the answer to a write. */
  view: ServiceView;
  /** Undefined: the status says already what it should. */
  unwritten: DesiredStatus | undefined;
  /** Told when the status is written. */
  events: { readonly service: ObjectKey; readonly event: ServiceEvent }[];
  /** The addresses of the last plan. */
  planned: readonly Ip[];
  /** The addresses that the status was last seen to have as planned. */
  written: readonly Ip[];
  /** Addresses of all statuses that were to be written since the service is as it is: they may stand there already. */
  sent: readonly Ip[];
};

const noIps: readonly Ip[] = [];

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
  readonly #waiters: Waiters;
  readonly #standing: StandingEvents;
  #isStarting = false;
  /** Services that lack an address they should have. */
  readonly #blocked = new Set<ObjectKey>();
  /** Services with an address that is in no pool. */
  readonly #outside = new Set<ObjectKey>();

  constructor(ports: ReconcilerPorts, allocator: Allocator, options: ReconcilerOptions) {
    this.#ports = ports;
    this.#allocator = allocator;
    this.#context = {
      ...options,
      pools: [],
      l2Advertisements: [],
      bgpAdvertisements: [],
      allocations: allocator,
      viewOf: (service) => this.#records.get(service)?.view,
    };
    this.#standing = standingEvents(ports.clock, (service, event) => {
      const view = this.#records.get(service)?.view;
      if (view !== undefined) ports.tell(view, event);
    });
    this.#waiters = new Waiters({
      allocations: allocator,
      list: this.#waiting,
      sharingOf: (service) => {
        const record = this.#records.get(service);
        return record && sharingOf(record.view);
      },
      wake: (service) => {
        const record = this.#records.get(service);
        if (record !== undefined) this.#plan(record);
      },
    });
  }

  /** Takes up what the statuses say, the older service first where two say the same, and then plans every service. */
  start(services: Iterable<ServiceView>, configuration: Configuration): void {
    this.#allocator.setPools(configuration.pools);
    this.#context = { ...this.#context, ...configuration };
    const records = [...services].sort(compareAge).map((view) => this.#addRecord(view));
    const claiming = records.filter((record) => this.#reserveShown(record).length > 0);
    for (const record of claiming) {
      const claim = claimOf(record.view, this.#context);
      if (claim !== undefined) this.#reserve(record, claim);
    }
    const others = records.filter(({ view }) => this.#allocator.allocationOf(view.key) === undefined);
    this.#isStarting = true;
    for (const record of [...claiming, ...others]) this.#plan(record);
    this.#isStarting = false;
    this.#waiters.serve();
    for (const { name } of configuration.pools) this.#ports.onUsageChanged(name);
  }

  /** Takes a new state of a service. */
  upsert(view: ServiceView): void {
    const known = this.#records.get(view.key);
    if (known !== undefined && known.view.uid === view.uid) {
      if (isOlderVersion(view.resourceVersion, known.view.resourceVersion)) return;
      const isKnown = view.resourceVersion === known.view.resourceVersion;
      if (!isKnown) this.#forgetSent(known);
      known.view = view;
      if (isKnown) return;
      // A newer state has outrun every write that was planned before: those can only fail, or are in it. What is to be
      // told of them is planned again.
      if (known.unwritten !== undefined && !isWritten(view, known.unwritten)) known.events = [];
      known.unwritten = undefined;
      this.#plan(known, this.#reserveShown(known));
    } else {
      // Another object under the same name: the first one's deletion was not seen.
      if (known !== undefined) this.#forget(known);
      const record = this.#addRecord(view);
      this.#plan(record, this.#reserveShown(record));
    }
    this.#waiters.serve();
  }

  /** Takes the answer to a write; one for a service that was deleted meanwhile is late. */
  confirm(view: ServiceView): void {
    const known = this.#records.get(view.key)?.view;
    // If the watch was quicker, its view is kept: that one the mirror holds as well.
    if (known?.uid === view.uid && known.resourceVersion !== view.resourceVersion) this.upsert(view);
  }

  /** Takes back what a deleted service had. */
  remove(service: ObjectKey): void {
    const record = this.#records.get(service);
    if (record === undefined) return;
    this.#forget(record);
    this.#waiters.serve();
  }

  /** Puts another configuration in force; plans again what it can affect. */
  configure(configuration: Configuration): void {
    const { pools } = configuration;
    const before = new Map(this.#context.pools.map((pool) => [pool.name, pool]));
    const after = new Map(pools.map((pool) => [pool.name, pool]));
    const edits = [...new Set([...before.keys(), ...after.keys()])].map((name) => ({
      name,
      before: before.get(name),
      after: after.get(name),
    }));
    const affected = new Set<ObjectKey>(this.#outside);
    const addHolders = (name: string): void => {
      for (const service of this.#allocator.servicesOf(name)) affected.add(service);
    };
    const { reassignOnPoolChange } = this.#context;
    const touched = edits.filter((edit) => touchesHolders(edit) || (reassignOnPoolChange && !isForSameServices(edit)));
    for (const { name } of touched) addHolders(name);
    this.#allocator.setPools(pools);
    this.#context = { ...this.#context, ...configuration };
    for (const { name } of touched) addHolders(name);
    if (edits.some(touchesSeekers)) for (const service of this.#blocked) affected.add(service);
    const records = [...affected].flatMap((service) => this.#records.get(service) ?? []);
    records.sort((a, b) => compareAge(a.view, b.view));
    for (const record of records) this.#reserveShown(record);
    for (const record of records) this.#plan(record);
    this.#waiters.serve();
    for (const { name } of touched) this.#ports.onUsageChanged(name);
  }

  /** What is to be written for a service now; undefined if nothing is. Counts as sent from then on. */
  pendingWrite(service: ObjectKey): PendingWrite | undefined {
    const record = this.#records.get(service);
    if (record?.unwritten === undefined) return undefined;
    const fresh = record.unwritten.ingress?.filter((ip) => !record.sent.includes(ip)) ?? noIps;
    if (fresh.length > 0) record.sent = [...record.sent, ...fresh];
    return { service: record.view, status: record.unwritten };
  }

  /** The newest known state of a service. */
  viewOf(service: ObjectKey): ServiceView | undefined {
    return this.#records.get(service)?.view;
  }

  /** Tells nothing more. */
  end(): void {
    this.#standing.end();
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
      planned: noIps,
      written: noIps,
      sent: noIps,
    };
    this.#records.set(view.key, record);
    return record;
  }

  #forget(record: ServiceRecord): void {
    const { key } = record.view;
    this.#standing.set(key, []);
    this.#records.delete(key);
    this.#blocked.delete(key);
    this.#outside.delete(key);
    this.#waiting.set(key, []);
    this.#assign(key, undefined);
  }

  #plan(record: ServiceRecord, news: readonly Ip[] = noIps): void {
    const { view } = record;
    const plan = planService(view, this.#context, { unwritten: record.unwritten, news });
    for (const { service, ip } of plan.displaces) this.#displace(service, ip);
    this.#reserve(record, plan.allocation);
    const displaced = new Set([...plan.displaces.map(({ service }) => service), ...this.#displaceNewcomers(record)]);
    this.#note(view.key, plan);
    record.unwritten = plan.status !== undefined && !isWritten(view, plan.status) ? plan.status : undefined;
    this.#collectEvents(record, plan);
    if (record.unwritten !== undefined) this.#ports.requestWrite(view.key);
    else {
      record.written = record.planned;
      this.#tellEvents(record);
    }
    const isSaid = plan.status?.condition !== undefined && isConditionWritten(view, plan.status);
    // What the condition says has been told by whoever wrote it, and before our start all the rest as well.
    this.#standing.set(view.key, plan.standing, (event) => isSaid && (event.isInCondition || this.#isStarting));
    this.#ports.onPlanned(view, plan);
    for (const service of displaced) {
      const other = this.#records.get(service);
      if (other !== undefined) this.#plan(other);
    }
  }

  /**
   * Gives the service what the plan says. What it gives up stays reserved while its status shows it, or may show it: a
   * write on its way still succeeds if only the pools have changed since.
   */
  #reserve({ view, sent }: ServiceRecord, allocation: Allocation | undefined): void {
    const { key } = view;
    const { ips, pool, sharing }: Allocation = allocation ?? { ips: noIps, pool: undefined };
    const leaving = heldIps(this.#allocator.allocationOf(key)).filter(
      (ip) => !ips.includes(ip) && (shows(view, ip) || sent.includes(ip)),
    );
    this.#assign(key, { ips, pool, sharing, ...(leaving.length > 0 && { leaving }) });
  }

  /** What was sent has failed, or is in a newer state, which is about to be taken in. */
  #forgetSent(record: ServiceRecord): void {
    if (record.sent.length === 0) return;
    record.sent = noIps;
    this.#reserve(record, this.#allocator.allocationOf(record.view.key));
  }

  /**
   * Reserves what the status shows of our addresses, so that no two services ever show one address. Gives those that
   * were not reserved before: somebody else wrote them there.
   */
  #reserveShown({ view }: ServiceRecord): readonly Ip[] {
    if (!isServed(view, this.#context)) return noIps;
    const held = this.#allocator.allocationOf(view.key);
    const reserved = heldIps(held);
    const news = shownAddresses(view, this.#context).filter((ip) => !reserved.includes(ip));
    if (news.length === 0) return noIps;
    this.#assign(view.key, { ips: noIps, pool: undefined, ...held, leaving: [...(held?.leaving ?? []), ...news] });
    return news;
  }

  /**
   * Takes an address from a service, which is planned again by the one who asks. If it was only about to get it, there
   * is nothing to tell.
   */
  #displace(service: ObjectKey, ip: Ip): void {
    const record = this.#records.get(service);
    const held = this.#allocator.allocationOf(service);
    if (record === undefined || held === undefined) return;
    if (!shows(record.view, ip)) {
      record.unwritten = undefined;
      record.events = [];
    }
    this.#reserve(record, { ...held, ips: held.ips.filter((other) => other !== ip) });
  }

  /**
   * Takes an address that this service gives up from those who joined it there and could not have joined it as it is
   * now: their status does not show the address yet, and this one's does. Each is to be planned again.
   */
  #displaceNewcomers({ view }: ServiceRecord): readonly ObjectKey[] {
    const displaced: ObjectKey[] = [];
    for (const ip of this.#allocator.allocationOf(view.key)?.leaving ?? noIps) {
      for (const service of this.#allocator.holdersOf(ip)) {
        const other = this.#records.get(service);
        const held = this.#allocator.allocationOf(service);
        if (other === undefined || held?.ips.includes(ip) !== true || shows(other.view, ip)) continue;
        if (mayShare(sharingOf(view), held.sharing)) continue;
        this.#displace(service, ip);
        displaced.push(service);
      }
    }
    return displaced;
  }

  /** Changes what a service holds, and takes note of whom that concerns. */
  #assign(service: ObjectKey, allocation: Allocation | undefined): void {
    const before = this.#allocator.allocationOf(service);
    const after = allocation ?? { ips: noIps, pool: undefined };
    if (before === undefined ? heldIps(after).length === 0 : isSameAllocation(before, after)) return;
    this.#allocator.assign(service, after);
    this.#waiters.note(before, after);
    const [held, holds] = [heldIps(before), heldIps(after)];
    for (const ip of [...held.filter((ip) => !holds.includes(ip)), ...holds.filter((ip) => !held.includes(ip))]) {
      const touched = this.#allocator.poolOf(ip);
      if (touched !== undefined) this.#ports.onUsageChanged(touched.name);
    }
  }

  /** Keeps the lists of those whom a later change can concern. */
  #note(service: ObjectKey, { outcome, allocation }: ServicePlan): void {
    if (outcome.type === 'blocked') this.#blocked.add(service);
    else this.#blocked.delete(service);
    this.#waiting.set(service, outcome.type === 'blocked' ? outcome.waits : []);
    if (allocation?.ips.some((ip) => this.#allocator.poolOf(ip) === undefined)) this.#outside.add(service);
    else this.#outside.delete(service);
  }

  /** Adds the events of a plan to those that wait for the write. */
  #collectEvents(record: ServiceRecord, { allocation, events, eventsForOthers }: ServicePlan): void {
    const ips = allocation?.ips ?? noIps;
    // An address that was taken back before it was written is not told, nor one that is only put back into the status.
    if (!record.planned.every((ip) => ips.includes(ip))) {
      record.events = record.events.filter(({ event }) => !isOfAssignment(event));
    }
    const isRestored = ips.every((ip) => record.written.includes(ip));
    record.planned = ips;
    for (const event of events) {
      if (!(isRestored && isOfAssignment(event))) record.events.push({ service: record.view.key, event });
    }
    record.events.push(...eventsForOthers);
  }

  #tellEvents(record: ServiceRecord): void {
    const { events } = record;
    if (events.length === 0) return;
    record.events = [];
    for (const { service, event } of events) {
      const view = this.#records.get(service)?.view;
      if (view !== undefined) this.#ports.tell(view, event);
    }
  }
}

const isSameAllocation = (a: Allocation, b: Allocation): boolean =>
  a.pool === b.pool &&
  isSameIps(a.ips, b.ips) &&
  isSameIps(a.leaving ?? noIps, b.leaving ?? noIps) &&
  isSameSharing(a.sharing, b.sharing);

const isSameIps = (a: readonly Ip[], b: readonly Ip[]): boolean =>
  a.length === b.length && a.every((ip, i) => ip === b[i]);
