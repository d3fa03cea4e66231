import { describe, expect, test } from 'vitest';
import { poolOf } from '../../../test/support/builders.ts';
import type { Ip } from '../../lib/ip.ts';
import { Allocator } from './allocator.ts';
import type { Sharing } from './sharing.ts';

const first = '192.0.2.0' as Ip;
const second = '192.0.2.1' as Ip;
const third = '192.0.2.2' as Ip;

/** The terms of a service with the key `k` that takes traffic on every node. */
const terms = (ports: readonly string[], more: Partial<Sharing> = {}): Sharing => ({
  key: 'k',
  backend: '',
  ports,
  ...more,
});

/** A pool of four addresses, of which services hold some. */
const held = (...holders: readonly (readonly [service: string, ip: Ip, sharing: Sharing | undefined])[]): Allocator => {
  const made = new Allocator();
  made.setPools([poolOf('a', '192.0.2.0/30')]);
  for (const [service, ip, sharing] of holders) made.assign(service, { ips: [ip], pool: 'a', sharing });
  return made;
};

const leave = (a: Allocator, service: string, ip: Ip): void =>
  a.assign(service, { ips: [], pool: undefined, leaving: [ip] });

const local = { backend: 'app=web' };
const refusedByKey = { type: 'key', holders: ['s/1'] };

test.each<[string, Sharing | undefined, Sharing | undefined, unknown]>([
  ['the same key and other ports', terms(['TCP/80']), terms(['TCP/443']), undefined],
  ['one number of two protocols', terms(['TCP/53']), terms(['UDP/53']), undefined],
  ['the same key and backends', terms(['TCP/80'], local), terms(['TCP/443'], local), undefined],
  ['no ports at all', terms([]), terms([]), undefined],
  ['another key', terms(['TCP/80']), terms(['TCP/443'], { key: 'l' }), refusedByKey],
  ['empty keys', terms(['TCP/80'], { key: '' }), terms(['TCP/443'], { key: '' }), refusedByKey],
  ['no terms, joined with some', undefined, terms(['TCP/443']), refusedByKey],
  ['terms, joined without', terms(['TCP/80']), undefined, refusedByKey],
  ['other backends', terms(['TCP/80'], local), terms(['TCP/443'], { backend: 'app=db' }), refusedByKey],
  ['Local beside Cluster', terms(['TCP/80']), terms(['TCP/443'], local), refusedByKey],
  [
    'a key that reads like the other with its backends',
    terms([], local),
    terms([], { key: 'app=web\nk' }),
    refusedByKey,
  ],
  [
    'a port that is taken',
    terms(['TCP/80', 'TCP/81']),
    terms(['TCP/443', 'TCP/81', 'TCP/80']),
    { type: 'port', port: 'TCP/81', holder: 's/1' },
  ],
])('two services with %s', (_, one, other, refusal) => {
  const a = held(['s/1', first, one]);
  expect(a.refusalOf(first, 's/2', other)).toEqual(refusal);
  const join = (): void => a.assign('s/2', { ips: [first], pool: 'a', sharing: other });
  if (refusal === undefined) {
    join();
    expect(a.holdersOf(first)).toEqual(['s/1', 's/2']);
  } else {
    expect(join).toThrow('192.0.2.0 is held by s/1 and cannot be given to s/2');
    expect(a.holdersOf(first)).toEqual(['s/1']);
  }
});

test('the only user of an address changes its own key in place, one of two does not', () => {
  const a = held(['s/1', first, terms(['TCP/80'])]);
  a.assign('s/1', { ips: [first], pool: 'a', sharing: terms(['TCP/80'], { key: 'l' }) });
  expect(a.refusalOf(first, 's/2', terms(['TCP/443'], { key: 'l' }))).toBeUndefined();
  a.assign('s/2', { ips: [first], pool: 'a', sharing: terms(['TCP/443'], { key: 'l' }) });
  expect(a.refusalOf(first, 's/1', terms(['TCP/80']))).toEqual({ type: 'key', holders: ['s/2'] });
  expect(a.refusalOf(first, 's/1', undefined)).toEqual({ type: 'key', holders: ['s/2'] });
  a.release('s/2');
  expect(a.refusalOf(first, 's/1', undefined)).toBeUndefined();
});

test('a service keeps its place in the order of coming when its ports change, and gives back the old ones', () => {
  const a = held(['s/1', first, terms(['TCP/80'])], ['s/2', first, terms(['TCP/443'])]);
  a.assign('s/1', { ips: [first], pool: 'a', sharing: terms(['TCP/8080']) });
  expect(a.holdersOf(first)).toEqual(['s/1', 's/2']);
  expect(a.refusalOf(first, 's/3', terms(['TCP/80']))).toBeUndefined();
  expect(a.refusalOf(first, 's/3', terms(['TCP/8080']))).toEqual({ type: 'port', port: 'TCP/8080', holder: 's/1' });
});

test('a shared address counts once, and is free when the last of its holders has gone', () => {
  const a = held(['s/1', first, terms(['TCP/80'])], ['s/2', first, terms(['TCP/443'])]);
  expect(a.usageOf('a')?.IPv4).toEqual({ assigned: 1n, capacity: 4n });
  a.release('s/1');
  expect([a.usageOf('a')?.IPv4.assigned, a.firstFree('a', 'IPv4')]).toEqual([1n, second]);
  a.release('s/2');
  expect([a.usageOf('a')?.IPv4.assigned, a.firstFree('a', 'IPv4')]).toEqual([0n, first]);
});

describe('the best address for a service', () => {
  test('is the lowest shared under its key that it fits on, though a lower one is free', () => {
    const a = held(['s/1', third, terms(['TCP/80'])], ['s/2', second, terms(['TCP/443'])]);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25']))).toBe(second);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/443']))).toBe(third);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/443', 'TCP/80']))).toBe(first);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25'], { key: 'l' }))).toBe(first);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25'], local))).toBe(first);
    expect(a.firstFree('a', 'IPv4')).toBe(first);
  });

  test('is found in a full pool as well', () => {
    const a = held(['s/1', first, undefined], ['s/2', second, terms(['TCP/80'])], ['s/3', third, undefined]);
    a.assign('s/4', { ips: ['192.0.2.3' as Ip], pool: 'a' });
    expect(a.firstFree('a', 'IPv4', terms(['TCP/443']))).toBe(second);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/80']))).toBeUndefined();
  });

  test('may be its own, on which its own ports are not in its way', () => {
    const a = held(['s/1', second, terms(['TCP/80'])]);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/80']), 's/1')).toBe(second);
    expect(a.firstFree('a', 'IPv4', terms(['TCP/80']))).toBe(first);
  });

  test('follows the address into the pool that has it now', () => {
    const a = held(['s/1', second, terms(['TCP/80'])], ['s/2', third, terms(['TCP/443'])]);
    leave(a, 's/3', third);
    a.setPools([poolOf('b', '192.0.2.1-192.0.2.9')]);
    expect(a.firstFree('b', 'IPv4', terms(['TCP/443']))).toBe(second);
    expect(a.firstFree('b', 'IPv4', terms(['TCP/80']))).toBe('192.0.2.3');
    a.setPools([]);
    expect(a.firstFree('b', 'IPv4', terms(['TCP/443']))).toBeUndefined();
  });
});

describe('an address that one of two services is leaving', () => {
  const left = (): Allocator => {
    const a = held(['s/1', first, terms(['TCP/80'])], ['s/2', first, terms(['TCP/443'])]);
    leave(a, 's/1', first);
    return a;
  };

  test('is closed to others until that one has gone', () => {
    const a = left();
    expect(a.refusalOf(first, 's/3', terms(['TCP/25']))).toEqual({ type: 'key', holders: ['s/1', 's/2'] });
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25']))).toBe(second);
    a.release('s/1');
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25']))).toBe(first);
  });

  test('stays with the other, who may even change its terms', () => {
    const a = left();
    const alone = terms(['TCP/80'], { key: 'l' });
    expect(a.refusalOf(first, 's/2', alone)).toBeUndefined();
    a.assign('s/2', { ips: [first], pool: 'a', sharing: alone });
    expect(a.refusalOf(first, 's/1', terms(['TCP/80']))).toEqual({ type: 'key', holders: ['s/2'] });
  });

  test('takes the leaver back if it still fits', () => {
    const a = left();
    expect(a.refusalOf(first, 's/1', terms(['TCP/443']))).toEqual({ type: 'port', port: 'TCP/443', holder: 's/2' });
    a.assign('s/1', { ips: [first], pool: 'a', sharing: terms(['TCP/80']) });
    expect(a.firstFree('a', 'IPv4', terms(['TCP/25']))).toBe(first);
  });
});

test('whoever only leaves an address does not get it back from one who holds it alone', () => {
  const a = held(['s/1', first, undefined]);
  leave(a, 's/2', first);
  expect(a.holdersOf(first)).toEqual(['s/1', 's/2']);
  expect(a.refusalOf(first, 's/2', undefined)).toEqual(refusedByKey);
  expect(a.refusalOf(first, 's/1', undefined)).toBeUndefined();
});
