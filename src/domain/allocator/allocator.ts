import { familyOf, type Ip, type IpFamily, ipToNumber } from '../../lib/ip.ts';
import { lastIndexWhere } from '../../lib/sorted.ts';
import type { Pool } from '../config/configuration.ts';
import type { ObjectKey } from '../objects.ts';
import { AddressHolders, type Place, type Terms } from './address-holders.ts';
import { addressSpace, type AddressSpace } from './address-space.ts';
import { LowestFree } from './lowest-free.ts';
import { SharedIndex } from './shared-index.ts';
import { alone, circleOf, type Sharing, type SharingRefusal } from './sharing.ts';

/** What a service holds. */
export type Allocation = {
  readonly ips: readonly Ip[];
  /** The pool the addresses came from, which may have been edited or deleted since; undefined if nobody knows. */
  readonly pool: string | undefined;
  /** On what terms it shares `ips`; absent: with nobody. */
  readonly sharing?: Sharing | undefined;
  /** Given up, but still shown by the service's status: nobody else gets them until that is cleared. */
  readonly leaving?: readonly Ip[];
};

/** How much of a pool is given, per family. */
export type PoolUsage = Readonly<Record<IpFamily, { readonly assigned: bigint; readonly capacity: bigint }>>;

/** The four counters of `IPAddressPool.status`. */
export type PoolCounters = {
  readonly assignedIPv4: bigint;
  readonly assignedIPv6: bigint;
  /** At most 2⁶³ - 1. */
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
};

/** What a plan may ask of the allocator. */
export type AllocationView = {
  readonly allocationOf: (service: ObjectKey) => Allocation | undefined;
  /** The services that hold an address, in order of coming; those that are leaving it count. */
  readonly holdersOf: (ip: Ip) => readonly ObjectKey[];
  /** The pool that gives this address today. */
  readonly poolOf: (ip: Ip) => Pool | undefined;
  /**
   * Why the service may not have that address on those terms; undefined: it may. Others who hold the address count. Of
   * those, one who is leaving it keeps out only a service that does not hold it.
   */
  readonly refusalOf: (ip: Ip, service: ObjectKey, sharing: Sharing | undefined) => SharingRefusal | undefined;
  /**
   * The best address of a pool for a service: the lowest, in the order of the pool's ranges, that is shared under its
   * key and backends and that it fits on; else the lowest that nobody holds; undefined if there is none. With the
   * service named, what it holds itself is not in its way.
   */
  readonly firstFree: (pool: string, family: IpFamily, sharing?: Sharing, service?: ObjectKey) => Ip | undefined;
  /** Undefined for a pool that does not exist. A shared address counts once. */
  readonly usageOf: (pool: string) => PoolUsage | undefined;
};

const families = ['IPv4', 'IPv6'] as const;
const maxInt64 = (1n << 63n) - 1n;

/** One family of one pool: which addresses there are, which are given, and which of those are shared. */
type Shelf = { readonly space: AddressSpace; readonly free: LowestFree; readonly shared: SharedIndex };
type PoolEntry = { readonly pool: Pool; readonly shelves: Readonly<Record<IpFamily, Shelf>> };
type Found = Place & { readonly entry: PoolEntry; readonly shelf: Shelf };
type RangeEntry = { readonly first: bigint; readonly last: bigint; readonly entry: PoolEntry };

/**
 * Which services hold which address. An allocation outlives its pool: an address whose pool was edited away stays with
 * its services until they release it. Every operation is O(log n) in addresses and ranges for each port of the service,
 * whatever the number of services on an address, except `setPools` and `servicesOf`; see `SharedIndex.lowestFit` for
 * what a search among shared addresses costs.
 */
export class Allocator implements AllocationView {
  readonly #allocations = new Map<ObjectKey, Allocation>();
  readonly #holders = new AddressHolders((service) => this.#allocations.get(service)?.sharing ?? alone);
  #pools = new Map<string, PoolEntry>();
  #ranges: Readonly<Record<IpFamily, readonly RangeEntry[]>> = { IPv4: [], IPv6: [] };

  allocationOf(service: ObjectKey): Allocation | undefined {
    return this.#allocations.get(service);
  }

  holdersOf(ip: Ip): readonly ObjectKey[] {
    return this.#holders.of(ip);
  }

  refusalOf(ip: Ip, service: ObjectKey, sharing: Sharing | undefined): SharingRefusal | undefined {
    return this.#holders.refusalOf(ip, service, sharing);
  }

  poolOf(ip: Ip): Pool | undefined {
    return this.#shelfOf(ip)?.entry.pool;
  }

  firstFree(pool: string, family: IpFamily, sharing?: Sharing, service?: ObjectKey): Ip | undefined {
    const shelf = this.#pools.get(pool)?.shelves[family];
    if (shelf === undefined) return undefined;
    const index = this.#lowestShared(shelf, sharing, service) ?? shelf.free.lowest();
    return index < shelf.space.size ? shelf.space.at(index) : undefined;
  }

  usageOf(pool: string): PoolUsage | undefined {
    const entry = this.#pools.get(pool);
    if (entry === undefined) return undefined;
    const usage = ({ free, space }: Shelf): PoolUsage[IpFamily] => ({
      assigned: BigInt(free.size),
      capacity: space.size,
    });
    return { IPv4: usage(entry.shelves.IPv4), IPv6: usage(entry.shelves.IPv6) };
  }

  /** The services that hold an address of a pool, each once. */
  servicesOf(pool: string): ReadonlySet<ObjectKey> {
    const services = new Set<ObjectKey>();
    const entry = this.#pools.get(pool);
    if (entry === undefined) return services;
    for (const family of families) {
      const { free, space } = entry.shelves[family];
      for (const index of free.taken()) for (const service of this.holdersOf(space.at(index))) services.add(service);
    }
    return services;
  }

  /**
   * Gives addresses to a service, in place of those it had. A plan that gives away what `refusalOf` refuses is a broken
   * invariant and throws. Addresses that it is leaving are never refused: its status shows them, whoever has them.
   */
  assign(service: ObjectKey, allocation: Allocation): void {
    const { ips, sharing, leaving = [] } = allocation;
    for (const ip of ips) {
      const refusal = this.refusalOf(ip, service, sharing);
      if (refusal !== undefined) {
        const holders = this.holdersOf(ip).filter((holder) => holder !== service);
        throw new Error(`${ip} is held by ${holders.join()} and cannot be given to ${service}: ${refusal.type}`);
      }
    }
    const held = heldIps(allocation);
    for (const ip of heldIps(this.#allocations.get(service))) {
      if (!held.includes(ip)) this.#drop(ip, service);
    }
    for (const ip of leaving) if (!ips.includes(ip)) this.#hold(ip, service, 'leaving');
    for (const ip of ips) this.#hold(ip, service, sharing ?? alone);
    if (held.length === 0) this.#allocations.delete(service);
    else this.#allocations.set(service, allocation);
  }

  /** Takes back all that a service holds. */
  release(service: ObjectKey): void {
    this.assign(service, { ips: [], pool: undefined });
  }

  /** Puts other pools in force. Their ranges must not overlap. O(addresses held) if the ranges of a pool changed. */
  setPools(pools: readonly Pool[]): void {
    const before = this.#pools;
    const fresh = new Set<PoolEntry>();
    this.#pools = new Map();
    for (const pool of pools) {
      const old = before.get(pool.name);
      if (old !== undefined && givesSameAddresses(old.pool, pool)) {
        this.#pools.set(pool.name, { pool, shelves: old.shelves });
      } else {
        const shelf = (family: IpFamily): Shelf => ({
          space: addressSpace(pool, family),
          free: new LowestFree(),
          shared: new SharedIndex(),
        });
        const entry: PoolEntry = { pool, shelves: { IPv4: shelf('IPv4'), IPv6: shelf('IPv6') } };
        this.#pools.set(pool.name, entry);
        fresh.add(entry);
      }
    }
    this.#ranges = { IPv4: this.#sortedRanges('IPv4'), IPv6: this.#sortedRanges('IPv6') };
    if (fresh.size === 0) return;
    for (const ip of this.#holders.ips()) {
      const found = this.#shelfOf(ip);
      if (found === undefined || !fresh.has(found.entry)) continue;
      found.shelf.free.take(found.index);
      this.#holders.enterIndex(ip, found);
    }
  }

  /** The lowest address shared in the service's circle that it fits on, its own included. */
  #lowestShared(shelf: Shelf, sharing: Sharing | undefined, service: ObjectKey | undefined): bigint | undefined {
    const circle = circleOf(sharing);
    if (sharing === undefined || circle === undefined) return undefined;
    let lowest = shelf.shared.lowestFit(circle, sharing.ports);
    const own = service === undefined ? undefined : this.#allocations.get(service);
    if (service === undefined || own === undefined || circleOf(own.sharing) !== circle) return lowest;
    for (const ip of own.ips) {
      const found = this.#shelfOf(ip);
      if (found?.shelf !== shelf || (lowest !== undefined && lowest < found.index)) continue;
      if (this.refusalOf(ip, service, sharing) === undefined) lowest = found.index;
    }
    return lowest;
  }

  #sortedRanges(family: IpFamily): readonly RangeEntry[] {
    return [...this.#pools.values()]
      .flatMap((entry) =>
        entry.pool.ranges.filter((range) => range.family === family).map(({ first, last }) => ({ first, last, entry })),
      )
      .sort((a, b) => (a.first < b.first ? -1 : 1));
  }

  #shelfOf(ip: Ip): Found | undefined {
    const family = familyOf(ip);
    const value = ipToNumber(ip);
    const ranges = this.#ranges[family];
    const range = ranges[lastIndexWhere(ranges, ({ first }) => first <= value)];
    if (range === undefined || value > range.last) return undefined;
    const shelf = range.entry.shelves[family];
    const index = shelf.space.indexOf(value);
    return index === undefined ? undefined : { entry: range.entry, shelf, shared: shelf.shared, index };
  }

  #hold(ip: Ip, service: ObjectKey, terms: Terms): void {
    const found = this.#shelfOf(ip);
    this.#holders.hold(ip, service, terms, found);
    found?.shelf.free.take(found.index);
  }

  #drop(ip: Ip, service: ObjectKey): void {
    const found = this.#shelfOf(ip);
    const isHeld = this.#holders.drop(ip, service, found);
    if (!isHeld) found?.shelf.free.release(found.index);
  }
}

/** All addresses that an allocation keeps others from having. */
export const heldIps = (allocation: Allocation | undefined): readonly Ip[] => [
  ...(allocation?.ips ?? []),
  ...(allocation?.leaving ?? []),
];

/** Whether two states of a pool give the same addresses in the same order. */
export const givesSameAddresses = (a: Pool, b: Pool): boolean =>
  a.avoidBuggyIPs === b.avoidBuggyIPs &&
  a.ranges.length === b.ranges.length &&
  a.ranges.every((range, i) => {
    const other = b.ranges[i];
    return other?.family === range.family && other.first === range.first && other.last === range.last;
  });

/** What `IPAddressPool.status` says of that usage. */
export const poolCounters = ({ IPv4, IPv6 }: PoolUsage): PoolCounters => {
  const available = ({ assigned, capacity }: PoolUsage[IpFamily]): bigint =>
    capacity - assigned > maxInt64 ? maxInt64 : capacity - assigned;
  return {
    assignedIPv4: IPv4.assigned,
    assignedIPv6: IPv6.assigned,
    availableIPv4: available(IPv4),
    availableIPv6: available(IPv6),
  };
};
