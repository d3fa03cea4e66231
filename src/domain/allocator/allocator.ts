import { familyOf, type Ip, type IpFamily, ipToNumber } from '../../lib/ip.ts';
import { lastIndexWhere } from '../../lib/sorted.ts';
import type { Pool } from '../config/configuration.ts';
import type { ObjectKey } from '../objects.ts';
import { addressSpace, type AddressSpace } from './address-space.ts';
import { LowestFree } from './lowest-free.ts';

/** What a service holds. */
export type Allocation = {
  readonly ips: readonly Ip[];
  /** The pool the addresses came from, which may have been edited or deleted since; undefined if nobody knows. */
  readonly pool: string | undefined;
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
  /** The services that hold an address. */
  readonly holdersOf: (ip: Ip) => readonly ObjectKey[];
  /** The pool that gives this address today. */
  readonly poolOf: (ip: Ip) => Pool | undefined;
  /** The lowest free address of a pool, in the order of its ranges; undefined if there is none. */
  readonly firstFree: (pool: string, family: IpFamily) => Ip | undefined;
  /** Undefined for a pool that does not exist. */
  readonly usageOf: (pool: string) => PoolUsage | undefined;
};

const families = ['IPv4', 'IPv6'] as const;
const maxInt64 = (1n << 63n) - 1n;

/** One family of one pool: which addresses there are, and which are given. */
type Shelf = { readonly space: AddressSpace; readonly free: LowestFree };
type PoolEntry = { readonly pool: Pool; readonly shelves: Readonly<Record<IpFamily, Shelf>> };
type RangeEntry = { readonly first: bigint; readonly last: bigint; readonly entry: PoolEntry };

/**
 * Which service holds which address. An allocation outlives its pool: an address whose pool was edited away stays
 * with its service until it is released. Every operation is O(log n) in addresses and ranges, except `setPools`.
 */
export class Allocator implements AllocationView {
  readonly #allocations = new Map<ObjectKey, Allocation>();
  readonly #holders = new Map<Ip, ObjectKey>();
  #pools = new Map<string, PoolEntry>();
  #ranges: Readonly<Record<IpFamily, readonly RangeEntry[]>> = { IPv4: [], IPv6: [] };

  allocationOf(service: ObjectKey): Allocation | undefined {
    return this.#allocations.get(service);
  }

  holdersOf(ip: Ip): readonly ObjectKey[] {
    const holder = this.#holders.get(ip);
    return holder === undefined ? [] : [holder];
  }

  poolOf(ip: Ip): Pool | undefined {
    return this.#shelfOf(ip)?.entry.pool;
  }

  firstFree(pool: string, family: IpFamily): Ip | undefined {
    const shelf = this.#pools.get(pool)?.shelves[family];
    if (shelf === undefined) return undefined;
    const index = shelf.free.lowest();
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
    for (const family of entry === undefined ? [] : families) {
      const { free, space } = (entry as PoolEntry).shelves[family];
      for (const index of free.taken()) for (const service of this.holdersOf(space.at(index))) services.add(service);
    }
    return services;
  }

  /**
   * Gives addresses to a service, in place of those it had. Each must be free or its own already: a plan that gives
   * away what another service holds is a broken invariant and throws.
   */
  assign(service: ObjectKey, allocation: Allocation): void {
    const held = heldIps(allocation);
    for (const ip of held) {
      const holder = this.#holders.get(ip);
      if (holder !== undefined && holder !== service) {
        throw new Error(`${ip} is held by ${holder} and cannot be given to ${service}`);
      }
    }
    for (const ip of heldIps(this.#allocations.get(service))) {
      if (!held.includes(ip)) this.#free(ip);
    }
    for (const ip of held) this.#hold(ip, service);
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
        const shelf = (family: IpFamily): Shelf => ({ space: addressSpace(pool, family), free: new LowestFree() });
        const entry: PoolEntry = { pool, shelves: { IPv4: shelf('IPv4'), IPv6: shelf('IPv6') } };
        this.#pools.set(pool.name, entry);
        fresh.add(entry);
      }
    }
    this.#ranges = { IPv4: this.#sortedRanges('IPv4'), IPv6: this.#sortedRanges('IPv6') };
    if (fresh.size === 0) return;
    for (const ip of this.#holders.keys()) {
      const found = this.#shelfOf(ip);
      if (found !== undefined && fresh.has(found.entry)) found.shelf.free.take(found.index);
    }
  }

  #sortedRanges(family: IpFamily): readonly RangeEntry[] {
    return [...this.#pools.values()]
      .flatMap((entry) =>
        entry.pool.ranges.filter((range) => range.family === family).map(({ first, last }) => ({ first, last, entry })),
      )
      .sort((a, b) => (a.first < b.first ? -1 : 1));
  }

  #shelfOf(ip: Ip): { readonly entry: PoolEntry; readonly shelf: Shelf; readonly index: bigint } | undefined {
    const family = familyOf(ip);
    const value = ipToNumber(ip);
    const ranges = this.#ranges[family];
    const range = ranges[lastIndexWhere(ranges, ({ first }) => first <= value)];
    if (range === undefined || value > range.last) return undefined;
    const shelf = range.entry.shelves[family];
    const index = shelf.space.indexOf(ip);
    return index === undefined ? undefined : { entry: range.entry, shelf, index };
  }

  #hold(ip: Ip, service: ObjectKey): void {
    this.#holders.set(ip, service);
    const found = this.#shelfOf(ip);
    found?.shelf.free.take(found.index);
  }

  #free(ip: Ip): void {
    this.#holders.delete(ip);
    const found = this.#shelfOf(ip);
    found?.shelf.free.release(found.index);
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
