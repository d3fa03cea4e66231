import { expect, test } from 'vitest';
import { poolOf } from '../../../test/support/builders.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Pool } from '../config/configuration.ts';
import { Allocator, poolCounters } from './allocator.ts';

/** A pool of several ranges. */
const pool = (name: string, addresses: readonly string[], more: Partial<Pool> = {}): Pool =>
  poolOf(name, addresses[0] ?? '', { ranges: addresses.flatMap((text) => poolOf(name, text).ranges), ...more });

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

test.each([
  ['192.0.2.0/32', 0n],
  ['192.0.2.255/32', 0n],
  ['192.0.2.1/32', 1n],
  ['192.0.2.0/31', 1n],
  ['192.0.2.254/31', 1n],
  ['192.0.2.0/24', 254n],
  ['192.0.2.0/23', 508n],
  ['192.0.2.100-192.0.3.100', 255n],
  ['2001:db8::ff/128', 1n],
  ['2001:db8::/62', 1n << 66n],
])('with avoidBuggyIPs %s has %s addresses', (addresses, capacity) => {
  const usage = allocator(pool('a', [addresses], { avoidBuggyIPs: true })).usageOf('a')!;
  expect(usage.IPv4.capacity + usage.IPv6.capacity).toBe(capacity);
});

test('two ranges whose sizes are above int64 together stay within it in the counters', () => {
  const usage = allocator(pool('a', ['2001:db8::/66', '2001:db8:1::/66'])).usageOf('a')!;
  expect([usage.IPv6.capacity, poolCounters(usage).availableIPv6]).toEqual([1n << 63n, (1n << 63n) - 1n]);
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
