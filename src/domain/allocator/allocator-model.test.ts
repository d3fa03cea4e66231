import fc from 'fast-check';
import { expect, test } from 'vitest';
import { poolOf } from '../../../test/support/builders.ts';
import { familyOf, type Ip, type IpFamily, ipFromNumber } from '../../lib/ip.ts';
import type { Pool } from '../config/configuration.ts';
import { type Allocation, Allocator, heldIps } from './allocator.ts';
import type { Sharing, SharingRefusal } from './sharing.ts';

/** A pool of several ranges. */
const pool = (name: string, addresses: readonly string[], more: Partial<Pool> = {}): Pool =>
  poolOf(name, addresses[0] ?? '', { ranges: addresses.flatMap((text) => poolOf(name, text).ranges), ...more });

const memoize = <R>(ask: (pool: Pool, family: IpFamily) => R): typeof ask => {
  const answers = { IPv4: new Map<Pool, R>(), IPv6: new Map<Pool, R>() };
  return (pool, family) => answers[family].getOrInsertComputed(pool, () => ask(pool, family));
};

/** What the allocator must do, written for clarity: plain maps, and every question scans everything. */
class NaiveAllocator {
  pools: readonly Pool[] = [];
  readonly allocations = new Map<string, Allocation>();
  readonly holders = new Map<Ip, string[]>();

  addresses = memoize((pool: Pool, family: IpFamily): readonly Ip[] =>
    pool.ranges
      .filter((r) => r.family === family)
      .flatMap((r) =>
        Array.from({ length: Number(r.last - r.first + 1n) }, (_, i) => ipFromNumber(family, r.first + BigInt(i))),
      )
      .filter((ip) => !(pool.avoidBuggyIPs && /^[\d.]+\.(0|255)$/.test(ip))),
  );
  poolOf(ip: Ip): Pool | undefined {
    return this.pools.find((pool) => this.addresses(pool, familyOf(ip)).includes(ip));
  }
  holdersOf(ip: Ip): readonly string[] {
    return this.holders.get(ip) ?? [];
  }
  stayingAt(ip: Ip): readonly string[] {
    return this.holdersOf(ip).filter((holder) => this.allocations.get(holder)?.ips.includes(ip));
  }
  agrees(holder: string, sharing: Sharing | undefined): boolean {
    const other = this.allocations.get(holder)?.sharing;
    const isSharing = sharing !== undefined && sharing.key !== '';
    return isSharing && other?.key === sharing.key && other.backend === sharing.backend;
  }
  refusalOf(ip: Ip, service: string, sharing: Sharing | undefined): SharingRefusal | undefined {
    const others = this.holdersOf(ip).filter((holder) => holder !== service);
    const staying = this.stayingAt(ip).filter((holder) => holder !== service);
    const isThere = others.length < this.holdersOf(ip).length;
    const isKeptOut = !isThere && staying.length < others.length;
    if (isKeptOut || !staying.every((holder) => this.agrees(holder, sharing))) return { type: 'key', holders: others };
    for (const port of sharing?.ports ?? []) {
      const holder = staying.find((other) => this.allocations.get(other)?.sharing?.ports.includes(port));
      if (holder !== undefined) return { type: 'port', port, holder };
    }
    return undefined;
  }
  firstFree(pool: Pool, family: IpFamily, sharing?: Sharing, service = 'somebody'): Ip | undefined {
    const all = this.addresses(pool, family);
    const shared = all.find(
      (ip) =>
        this.stayingAt(ip).some((holder) => this.agrees(holder, sharing)) &&
        (this.stayingAt(ip).includes(service) || !this.holdersOf(ip).includes(service)) &&
        this.refusalOf(ip, service, sharing) === undefined,
    );
    return shared ?? all.find((ip) => this.holdersOf(ip).length === 0);
  }
  assign(service: string, allocation: Allocation): void {
    const held = new Set(heldIps(allocation));
    for (const [ip, holders] of this.holders) {
      if (holders.includes(service) && !held.has(ip)) this.holders.set(ip, without(holders, service));
    }
    for (const ip of held) {
      if (!this.holdersOf(ip).includes(service)) this.holders.set(ip, [...this.holdersOf(ip), service]);
    }
    if (held.size === 0) this.allocations.delete(service);
    else this.allocations.set(service, allocation);
  }
}

const without = (list: readonly string[], text: string): string[] => list.filter((other) => other !== text);

/** Small ranges around .0 and .255, in shifting order and under shifting names. */
const variants: readonly (readonly Pool[])[] = [
  [pool('a', ['192.0.2.250-192.0.3.5', '2001:db8::/124']), pool('b', ['192.0.3.8/29'])],
  [pool('a', ['192.0.2.250-192.0.3.5', '2001:db8::/124'], { avoidBuggyIPs: true }), pool('b', ['192.0.3.8/29'])],
  [pool('b', ['192.0.3.0/28', '192.0.2.252/30', '2001:db8::8/125'])],
  [pool('c', ['192.0.3.9-192.0.3.9', '2001:db8::4-2001:db8::6', '192.0.2.240-192.0.3.3'])],
  [],
];
const candidates = [
  ...Array.from({ length: 24 }, (_, i) => ipFromNumber('IPv4', 0xc00002f8n + BigInt(i))),
  ...Array.from({ length: 16 }, (_, i) => ipFromNumber('IPv6', (0x20010db8n << 96n) + BigInt(i))),
];

const service = fc.nat(19).map((n) => `s/${n}`);
/** Half of the time one of those that firstFree gives first. */
const ip = fc.oneof(fc.constantFrom(...candidates), fc.constantFrom(...candidates.slice(2, 6), candidates[24] as Ip));
const sharing: fc.Arbitrary<Sharing | undefined> = fc.option(
  fc.record({
    key: fc.constantFrom('k', 'k', 'k', 'k', 'k', 'l', ''),
    backend: fc.constantFrom('', '', '', 'app=a'),
    ports: fc.uniqueArray(fc.constantFrom('TCP/53', 'UDP/53', 'TCP/80', 'TCP/443'), { maxLength: 3 }),
  }),
  { nil: undefined, freq: 5 },
);
/** Whether the service goes on showing what it had. */
const isLeaving = fc.boolean();

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('assignFree' as const),
      service,
      pool: fc.nat(1),
      family: fc.constantFrom('IPv4' as const, 'IPv4' as const, 'IPv6' as const),
      sharing,
      isLeaving,
      isNamed: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('assign' as const),
      service,
      ips: fc.uniqueArray(ip, { minLength: 1, maxLength: 2 }),
      sharing,
      isLeaving,
    }),
  },
  /** New terms for the addresses it has. */
  { weight: 5, arbitrary: fc.record({ type: fc.constant('edit' as const), service, sharing }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('leave' as const), service, ip }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('release' as const), service }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('setPools' as const), variant: fc.nat(variants.length - 1) }),
  },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The allocator beside its naive twin; every step is made by both. */
class Twins {
  readonly fast = new Allocator();
  readonly naive = new NaiveAllocator();
  /** What both answered since somebody looked. */
  readonly answers: { readonly to: string; readonly fast: unknown; readonly naive: unknown }[] = [];
  /** How often the branches that matter were taken. */
  readonly seen = { steps: 0, key: 0, port: 0, given: 0, sharers: 0 };

  perform(step: Step): void {
    this.seen.steps++;
    switch (step.type) {
      case 'assignFree': {
        const from = this.naive.pools[step.pool];
        if (from === undefined) return;
        const asking = step.isNamed ? step.service : undefined;
        const free = this.naive.firstFree(from, step.family, step.sharing, asking);
        this.note('firstFree', this.fast.firstFree(from.name, step.family, step.sharing, asking), free);
        if (free !== undefined) this.assign(step.service, [free], step.sharing, step.isLeaving);
        return;
      }
      case 'assign':
        this.assign(step.service, step.ips, step.sharing, step.isLeaving);
        return;
      case 'edit':
        this.assign(step.service, this.fast.allocationOf(step.service)?.ips ?? [], step.sharing, true);
        return;
      case 'leave':
        this.give(step.service, { ips: [], pool: undefined, leaving: [step.ip] });
        return;
      case 'release':
        this.give(step.service, { ips: [], pool: undefined });
        return;
      case 'setPools':
        this.setPools(step.variant);
    }
  }

  setPools(variant: number): void {
    this.naive.pools = variants[variant] ?? [];
    this.fast.setPools(this.naive.pools);
  }

  assign(service: string, ips: readonly Ip[], sharing: Sharing | undefined, isLeaving: boolean): void {
    const [first] = ips;
    if (first === undefined) return;
    const leaving = isLeaving ? heldIps(this.naive.allocations.get(service)) : [];
    const allocation = { ips, pool: this.naive.poolOf(first)?.name, sharing, leaving };
    const refusals = ips.map((ip) => this.naive.refusalOf(ip, service, sharing));
    const fast = ips.map((ip) => this.fast.refusalOf(ip, service, sharing));
    this.note('refusalOf', fast, refusals);
    const refusal = refusals.find((found) => found !== undefined);
    if (refusal === undefined) this.give(service, allocation);
    else {
      this.seen[refusal.type]++;
      this.note(
        'assign',
        throws(() => this.fast.assign(service, allocation)),
        true,
      );
    }
  }

  give(service: string, allocation: Allocation): void {
    this.seen.given++;
    if (allocation.ips.some((ip) => this.naive.stayingAt(ip).some((other) => other !== service))) this.seen.sharers++;
    this.fast.assign(service, allocation);
    this.naive.assign(service, allocation);
  }

  /** Asks everything there is to ask. */
  compare(): void {
    for (const pool of this.naive.pools) {
      for (const family of ['IPv4', 'IPv6'] as const) {
        const all = this.naive.addresses(pool, family);
        const assigned = BigInt(all.filter((ip) => this.naive.holdersOf(ip).length > 0).length);
        const usage = { assigned, capacity: BigInt(all.length) };
        this.note('firstFree', this.fast.firstFree(pool.name, family), this.naive.firstFree(pool, family));
        this.note('usageOf', this.fast.usageOf(pool.name)?.[family], usage);
      }
      const held = [...this.naive.holders].filter(([ip]) => this.naive.poolOf(ip) === pool);
      const services = new Set(held.flatMap(([, holders]) => holders));
      this.note('servicesOf', [...this.fast.servicesOf(pool.name)].sort(), [...services].sort());
    }
    for (const ip of candidates) {
      this.note('holdersOf', this.fast.holdersOf(ip), this.naive.holdersOf(ip));
      this.note('poolOf', this.fast.poolOf(ip)?.name, this.naive.poolOf(ip)?.name);
    }
  }

  note(to: string, fast: unknown, naive: unknown): void {
    this.answers.push({ to, fast, naive });
  }
}

const throws = (act: () => void): boolean => {
  try {
    act();
    return false;
  } catch {
    return true;
  }
};

test('random histories with sharing go as with the naive twin', () => {
  const total = { steps: 0, key: 0, port: 0, given: 0, sharers: 0 };
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (history) => {
      const twins = new Twins();
      twins.setPools(0);
      for (const [i, next] of history.entries()) {
        twins.perform(next);
        if (i % 20 === 0 || i === history.length - 1) twins.compare();
        for (const { to, fast, naive } of twins.answers.splice(0)) expect(fast, to).toEqual(naive);
      }
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += twins.seen[name];
    }),
    { numRuns: 300 },
  );
  // Histories that never share, or are never refused, would prove nothing.
  expect(total.steps).toBeGreaterThan(10_000);
  for (const [what, count] of Object.entries(total)) expect(count, what).toBeGreaterThan(100);
});
