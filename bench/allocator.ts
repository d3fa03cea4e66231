import { Allocator } from '../src/domain/allocator/allocator.ts';
import type { Sharing } from '../src/domain/allocator/sharing.ts';
import { type Ip, type IpFamily, ipFromNumber } from '../src/lib/ip.ts';
import { poolOf } from '../test/support/builders.ts';
import { collectGarbage, heapBytes } from './heap.ts';
import { type BenchResult, type BenchRow, summarise } from './result.ts';

const pool4 = poolOf('a', '10.0.0.0/8');
const pool6 = poolOf('a', '2001:db8::/64');

const withPool = (pool: typeof pool4): Allocator => {
  const made = new Allocator();
  made.setPools([pool]);
  return made;
};

/** Gives the service the best address, as a plan does for a new one. */
const give = (a: Allocator, service: string, family: IpFamily, sharing?: Sharing): Ip | undefined => {
  const ip = a.firstFree('a', family, sharing, service);
  if (ip !== undefined && a.refusalOf(ip, service, sharing) === undefined) {
    a.assign(service, sharing === undefined ? { ips: [ip], pool: 'a' } : { ips: [ip], pool: 'a', sharing });
  }
  return ip;
};

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `namespace-${i % 97}/service-${i}`);

/** Not random, so that runs compare: visits every number below `count` once, if they have no common divisor. */
const scattered = (i: number, count: number): number => (i * 7_368_787) % count;

/** Times one act after the other, in µs, after some that warm up. */
const time = (name: string, count: number, act: (i: number) => void): BenchRow => {
  const samples: number[] = [];
  for (let i = -count; i < count; i++) {
    const from = performance.now();
    act(i + count);
    if (i >= 0) samples.push((performance.now() - from) * 1000);
  }
  return { case: name, ...summarise(samples) };
};

const n = (count: number): string => count.toLocaleString('en');

/** A service goes, another one comes and gets its address: what a busy cluster does all day. */
const turnover = (size: number, pool: typeof pool4, family: IpFamily): BenchRow => {
  const a = withPool(pool);
  const all = names(size);
  for (const service of all) give(a, service, family);
  const { name } = pool;
  return time(`assign + release, ${n(size)} ${family} addresses in use`, 20_000, (i) => {
    const service = all[scattered(i, size)] as string;
    a.release(service);
    if (give(a, service, family) === undefined) throw new Error(`pool ${name} is full`);
  });
};

const fullPool = (): BenchRow => {
  const a = withPool(poolOf('a', '10.0.0.0-10.1.134.159'));
  for (const service of names(100_000)) give(a, service, 'IPv4');
  return time('first free, full pool of 100,000', 20_000, () => {
    if (a.firstFree('a', 'IPv4') !== undefined) throw new Error('the pool is not full');
  });
};

/** Every second address of the first 100,000 was asked for by name. */
const gaps = (): BenchRow => {
  const a = withPool(pool6);
  const all = names(100_000);
  for (const [i, service] of all.entries()) {
    a.assign(service, { ips: [ipFromNumber('IPv6', (0x20010db8n << 96n) + 2n * BigInt(i))], pool: 'a' });
  }
  return time('first free, /64, every second address in use', 20_000, (i) => {
    give(a, `namespace/gap-${i}`, 'IPv6');
  });
};

const terms = (key: string, ports: readonly string[]): Sharing => ({ key, backend: '', ports });

/** Services that differ in their ports, a hundred to an address. */
const sharing = (size: number): BenchRow => {
  const a = withPool(pool4);
  const all = names(size).map((service, i) => ({ service, terms: terms('k', [`TCP/${i % 100}`, `UDP/${i % 100}`]) }));
  for (const { service, terms } of all) give(a, service, 'IPv4', terms);
  const { assigned } = a.usageOf('a')?.IPv4 ?? {};
  if (assigned !== BigInt(size / 100)) throw new Error(`${assigned} addresses for ${size} services`);
  return time(`sharing, 100 services per address, ${n(size)} services`, 20_000, (i) => {
    const { service, terms } = all[scattered(i, size)] as (typeof all)[number];
    a.release(service);
    give(a, service, 'IPv4', terms);
  });
};

/** All services of one key want the same two ports, so that each has an address of its own after all. */
const clashing = (size: number): BenchRow => {
  const a = withPool(pool4);
  const all = names(size);
  const same = terms('k', ['TCP/80', 'TCP/443']);
  for (const service of all) give(a, service, 'IPv4', same);
  return time(`sharing, all ports clash, ${n(size)} services`, 20_000, (i) => {
    const service = all[scattered(i, size)] as string;
    a.release(service);
    give(a, service, 'IPv4', same);
  });
};

/** Each service has three of ten ports, so that addresses are full of some and open to others. */
const mixed = (size: number): BenchRow => {
  const a = withPool(pool4);
  const all = names(size).map((service, i) => ({
    service,
    terms: terms(
      'k',
      [0, 1, 2].map((n) => `TCP/${(scattered(i, 8) + n * (1 + (i % 3))) % 10}`),
    ),
  }));
  for (const { service, terms } of all) give(a, service, 'IPv4', terms);
  return time(`sharing, three of ten ports, ${n(size)} services`, 20_000, (i) => {
    const { service, terms } = all[scattered(i, size)] as (typeof all)[number];
    a.release(service);
    give(a, service, 'IPv4', terms);
  });
};

/** The worst case of the search: one address has the one wanted port, the next has the other. */
const alternating = (size: number): BenchRow => {
  const a = withPool(pool4);
  for (const [i, service] of names(size).entries()) {
    const ip = ipFromNumber('IPv4', 0x0a000000n + BigInt(i));
    a.assign(service, { ips: [ip], pool: 'a', sharing: terms('k', [i % 2 === 0 ? 'TCP/80' : 'TCP/443']) });
  }
  const both = terms('k', ['TCP/80', 'TCP/443']);
  return time(`sharing, two ports taken in turn, ${n(size)} services`, 200, () => {
    a.firstFree('a', 'IPv4', both);
  });
};

/** All addresses are looked at again, because the ranges of their pool changed. */
const poolEdit = (size: number): BenchRow => {
  const a = withPool(pool4);
  for (const service of names(size)) give(a, service, 'IPv4');
  const wider = poolOf('a', '10.0.0.0-11.255.255.255');
  return time(`pool edited, ${n(size)} IPv4 addresses in use`, 10, (i) => a.setPools([i % 2 === 0 ? wider : pool4]));
};

/** What the allocator holds for its allocations, without the names and terms, which the services' views hold too. */
const memory = (name: string, family: IpFamily, termsOf: (i: number) => Sharing | undefined): BenchRow => {
  const all = names(100_000).map((service, i) => ({ service, sharing: termsOf(i) }));
  const a = withPool(family === 'IPv4' ? pool4 : pool6);
  collectGarbage();
  const before = heapBytes();
  for (const { service, sharing } of all) give(a, service, family, sharing);
  collectGarbage();
  const heapMiB = (heapBytes() - before) / 2 ** 20;
  if (a.allocationOf(all[0]?.service ?? '') === undefined) throw new Error('nothing was allocated');
  return { case: `memory, 100,000 services, ${name}`, n: 1, heapMiB };
};

const sizes = [1_000, 2_000, 5_000, 10_000, 100_000];

/** The allocator alone, without the rest of the controller: times of one operation, and memory. */
export const run = (): Promise<BenchResult> =>
  Promise.resolve({
    bench: 'allocator',
    unit: 'us',
    rows: [
      ...sizes.map((size) => turnover(size, pool4, 'IPv4')),
      turnover(100_000, pool6, 'IPv6'),
      fullPool(),
      gaps(),
      ...sizes.map(sharing),
      ...sizes.map(clashing),
      ...[1_000, 2_000, 5_000, 10_000].map(mixed),
      alternating(1_000),
      alternating(10_000),
      poolEdit(10_000),
      poolEdit(100_000),
      memory('IPv4', 'IPv4', () => undefined),
      memory('IPv6', 'IPv6', () => undefined),
      memory('sharing, 100 per address', 'IPv4', (i) => terms('k', [`TCP/${i % 100}`, `UDP/${i % 100}`])),
      memory('a key each, shared with nobody', 'IPv4', (i) => terms(`k-${i}`, ['TCP/80', 'TCP/443'])),
    ],
  });
