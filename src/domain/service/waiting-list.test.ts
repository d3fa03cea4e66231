import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { WaitingList } from './waiting-list.ts';

const ip = '192.0.2.1' as Ip;
const pool = (name: string) => ({ type: 'pool', pool: name, family: 'IPv4' }) as const;

test('services are woken in the order they came, and by what they wait for', () => {
  const list = new WaitingList();
  list.set('s/2', [pool('a'), pool('b')]);
  list.set('s/1', [pool('a')]);
  list.set('s/3', [{ type: 'address', ip }]);
  expect([...list.forPool('a', 'IPv4')]).toEqual(['s/2', 's/1']);
  expect([...list.forPool('b', 'IPv4')]).toEqual(['s/2']);
  expect([...list.forPool('a', 'IPv6')]).toEqual([]);
  expect([...list.forAddress(ip)]).toEqual(['s/3']);
});

test('who goes on waiting keeps his place, who stops is forgotten', () => {
  const list = new WaitingList();
  list.set('s/1', [pool('a'), pool('b')]);
  list.set('s/2', [pool('a')]);
  list.set('s/1', [pool('a')]);
  expect([...list.forPool('a', 'IPv4')]).toEqual(['s/1', 's/2']);
  expect([...list.forPool('b', 'IPv4')]).toEqual([]);
  list.set('s/1', []);
  expect([...list.forPool('a', 'IPv4')]).toEqual(['s/2']);
});
