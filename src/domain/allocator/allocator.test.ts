import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AddressRange, parseAddressRange } from '../../lib/address-range.ts';
import { compareIps, familyOf, type Ip, type IpFamily, ipFromNumber } from '../../lib/ip.ts';
import type { Pool } from '../config/configuration.ts';
import { Allocator, poolCounters } from './allocator.ts';

const range = (text: string): AddressRange => {
  const parsed = parseAddressRange(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
};

const pool = (name: string, addresses: readonly string[], more: Partial<Pool> = {}): Pool => ({
  name,
  ranges: addresses.map(range),
  autoAssign: true,
  avoidBuggyIPs: false,
  serviceAllocation: undefined,
  l2Advertisements: [],
  bgpAdvertisements: [],
  ...more,
});

const allocator = (...pools: readonly Pool[]): Allocator => {
  const made = new Allocator();
  made.setPools(pools);
  return made;
};

const hold = (allocator: Allocator, service: string, ...ips: readonly string[]): void =>
  allocator.assign(service, { ips: ips as readonly Ip[], pool: 'a' });

test('the lowest free address comes in the order of spec.addresses', () => {
  const a = allocator(pool('a', ['192.0.2.8-192.0.2.9', '192.0.2.1-192.0.2.2']));
  const given: string[] = [];
  for (let ip = a.firstFree('a', 'IPv4'); ip !== undefined; ip = a.firstFree('a', 'IPv4')) {
    hold(a, `s/${given.length}`, ip);
    given.push(ip);
  }
  expect(given).toEqual(['192.0.2.8', '192.0.2.9', '192.0.2.1', '192.0.2.2']);
  a.release('s/1');
  expect(a.firstFree('a', 'IPv4')).toBe('192.0.2.9');
});

test('avoidBuggyIPs leaves out .0 and .255 of IPv4 alone', () => {
  const a = allocator(pool('a', ['192.0.2.254-192.0.3.1', '2001:db8::/126'], { avoidBuggyIPs: true }));
  expect(a.firstFree('a', 'IPv4')).toBe('192.0.2.254');
  hold(a, 's/1', '192.0.2.254');
  expect(a.firstFree('a', 'IPv4')).toBe('192.0.3.1');
  expect(a.poolOf('192.0.3.0' as Ip)).toBeUndefined();
  expect(a.firstFree('a', 'IPv6')).toBe('2001:db8::');
  expect(a.usageOf('a')).toEqual({ IPv4: { assigned: 1n, capacity: 2n }, IPv6: { assigned: 0n, capacity: 4n } });
});

test('a pool of 2⁶⁴ addresses costs nothing, and its counter stays within int64', () => {
  const a = allocator(pool('a', ['2001:db8::/64']));
  hold(a, 's/1', '2001:db8::', '2001:db8::2');
  expect(a.firstFree('a', 'IPv6')).toBe('2001:db8::1');
  expect(poolCounters(a.usageOf('a')!)).toEqual({
    assignedIPv4: 0n,
    assignedIPv6: 2n,
    availableIPv4: 0n,
    availableIPv6: 9223372036854775807n,
  });
});

test('an allocation outlives its pool and counts again when the pool comes back', () => {
  const before = pool('a', ['192.0.2.0/30']);
  const a = allocator(before);
  hold(a, 's/1', '192.0.2.0');
  a.setPools([]);
  expect(a.holdersOf('192.0.2.0' as Ip)).toEqual(['s/1']);
  expect(a.usageOf('a')).toBeUndefined();
  a.setPools([pool('b', ['192.0.2.0/31'])]);
  expect(a.firstFree('b', 'IPv4')).toBe('192.0.2.1');
  expect([...a.servicesOf('b')]).toEqual(['s/1']);
  a.release('s/1');
  expect(a.firstFree('b', 'IPv4')).toBe('192.0.2.0');
});

test("an address that a service is leaving is nobody else's yet", () => {
  const a = allocator(pool('a', ['192.0.2.0/30']));
  a.assign('s/1', { ips: ['192.0.2.1' as Ip], pool: 'a', leaving: ['192.0.2.0' as Ip] });
  expect([a.firstFree('a', 'IPv4'), a.holdersOf('192.0.2.0' as Ip)]).toEqual(['192.0.2.2', ['s/1']]);
  hold(a, 's/1', '192.0.2.1');
  expect(a.firstFree('a', 'IPv4')).toBe('192.0.2.0');
});

test('an address that another service holds is never given', () => {
  const a = allocator(pool('a', ['192.0.2.0/30']));
  hold(a, 's/1', '192.0.2.0');
  expect(() => hold(a, 's/2', '192.0.2.0')).toThrow('192.0.2.0 is held by s/1');
});

/** What the allocator must do, written for clarity: every question scans everything. */
class NaiveAllocator {
  pools: readonly Pool[] = [];
  readonly held = new Map<Ip, string>();

  addresses(pool: Pool, family: IpFamily): Ip[] {
    return pool.ranges
      .filter((r) => r.family === family)
      .flatMap((r) =>
        Array.from({ length: Number(r.last - r.first + 1n) }, (_, i) => ipFromNumber(family, r.first + BigInt(i))),
      )
      .filter((ip) => !(pool.avoidBuggyIPs && /^[\d.]+\.(0|255)$/.test(ip)));
  }
  firstFree(pool: Pool, family: IpFamily): Ip | undefined {
    return this.addresses(pool, family).find((ip) => !this.held.has(ip));
  }
  poolOf(ip: Ip): Pool | undefined {
    return this.pools.find((pool) => this.addresses(pool, familyOf(ip)).includes(ip));
  }
}

type Step =
  | { readonly type: 'assignFree'; readonly service: number; readonly pool: number; readonly family: IpFamily }
  | { readonly type: 'assign'; readonly service: number; readonly address: number }
  | { readonly type: 'release'; readonly service: number }
  | { readonly type: 'setPools'; readonly variant: number };

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
const service = fc.nat(29);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: fc.constant('assignFree' as const),
        service,
        pool: fc.nat(1),
        family: fc.constantFrom('IPv4' as const, 'IPv4' as const, 'IPv6' as const),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ type: fc.constant('assign' as const), service, address: fc.nat(candidates.length - 1) }),
    },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('release' as const), service }) },
    {
      weight: 1,
      arbitrary: fc.record({ type: fc.constant('setPools' as const), variant: fc.nat(variants.length - 1) }),
    },
  ),
  { minLength: 50, maxLength: 120 },
);

test('random histories end as with the naive twin', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const fast = new Allocator();
      const naive = new NaiveAllocator();
      const give = (service: string, ip: Ip | undefined): void => {
        const holder = ip === undefined ? service : naive.held.get(ip);
        if (ip === undefined || (holder !== undefined && holder !== service)) return;
        for (const [other, who] of naive.held) if (who === service) naive.held.delete(other);
        naive.held.set(ip, service);
        fast.assign(service, { ips: [ip], pool: naive.poolOf(ip)?.name });
      };
      const usePools = (variant: number): void => {
        naive.pools = variants[variant]!;
        fast.setPools(naive.pools);
      };
      const answers: [fast: Ip | undefined, naive: Ip | undefined][] = [];
      usePools(0);
      for (const step of history) {
        const name = 'service' in step ? `s/${step.service}` : '';
        switch (step.type) {
          case 'assignFree': {
            const from = naive.pools[step.pool];
            if (from === undefined) break;
            const free = naive.firstFree(from, step.family);
            answers.push([fast.firstFree(from.name, step.family), free]);
            give(name, free);
            break;
          }
          case 'assign':
            give(name, candidates[step.address]);
            break;
          case 'release':
            for (const [ip, who] of naive.held) if (who === name) naive.held.delete(ip);
            fast.release(name);
            break;
          case 'setPools':
            usePools(step.variant);
        }
      }
      for (const [fastAnswer, naiveAnswer] of answers) expect(fastAnswer).toBe(naiveAnswer);
      for (const pool of naive.pools) {
        for (const family of ['IPv4', 'IPv6'] as const) {
          const all = naive.addresses(pool, family);
          const used = all.filter((ip) => naive.held.has(ip));
          expect(fast.firstFree(pool.name, family)).toBe(naive.firstFree(pool, family));
          expect(fast.usageOf(pool.name)?.[family]).toEqual({
            assigned: BigInt(used.length),
            capacity: BigInt(all.length),
          });
        }
        const holders = [...naive.held].filter(([ip]) => naive.poolOf(ip) === pool).map(([, who]) => who);
        expect([...fast.servicesOf(pool.name)].sort()).toEqual(holders.sort());
      }
      for (const ip of candidates.toSorted(compareIps)) {
        expect(fast.holdersOf(ip)).toEqual([naive.held.get(ip)].filter((who) => who !== undefined));
        expect(fast.poolOf(ip)?.name).toBe(naive.poolOf(ip)?.name);
      }
    }),
    { numRuns: 150 },
  );
});

test('the order of allocation holds among 20,000 addresses with 10,000 gaps', () => {
  const a = allocator(pool('a', ['10.0.0.0/8']));
  const give = (service: number): void => hold(a, `s/${service}`, a.firstFree('a', 'IPv4')!);
  for (let i = 0; i < 20_000; i++) give(i);
  for (let i = 0; i < 20_000; i += 2) a.release(`s/${19_998 - i}`);
  for (let i = 0; i < 20_000; i += 2) give(i);
  expect(a.allocationOf('s/0')?.ips).toEqual(['10.0.0.0']);
  expect(a.allocationOf('s/19998')?.ips).toEqual(['10.0.78.30']);
  expect(a.firstFree('a', 'IPv4')).toBe('10.0.78.32');
});
