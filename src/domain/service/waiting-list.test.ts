import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { circleOf, type Sharing } from '../allocator/sharing.ts';
import { WaitingList } from './waiting-list.ts';

const ip = '192.0.2.1' as Ip;
const pool = (name: string, sharing?: Sharing) => ({ type: 'pool', pool: name, family: 'IPv4', sharing }) as const;

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

test('who could share an address stands with those who want the same ports', () => {
  const list = new WaitingList();
  const terms = (...ports: readonly string[]): Sharing => ({ key: 'k', backend: '', ports });
  const circle = circleOf(terms())!;
  list.set('s/1', [pool('a', terms('TCP/80', 'TCP/443'))]);
  list.set('s/2', [pool('a', terms('TCP/22'))]);
  list.set('s/3', [pool('a', terms('TCP/443', 'TCP/80'))]);
  list.set('s/4', [pool('a')]);
  const groups = (): string[][] => Array.from(list.forCircle('a', 'IPv4', circle), (group) => [...group]);
  expect(groups()).toEqual([['s/1', 's/3'], ['s/2']]);
  expect([...list.forPool('a', 'IPv4')]).toEqual(['s/1', 's/2', 's/3', 's/4']);
  list.set('s/1', []);
  list.set('s/2', []);
  expect(groups()).toEqual([['s/3']]);
  expect([...list.forCircle('a', 'IPv6', circle)]).toEqual([]);
});

test('a port of an address is waited for by itself', () => {
  const list = new WaitingList();
  list.set('s/1', [{ type: 'port', ip, port: 'TCP/80' }]);
  expect([...list.forPort(ip, 'TCP/80')]).toEqual(['s/1']);
  expect([...list.forPort(ip, 'UDP/80')]).toEqual([]);
  expect([...list.forAddress(ip)]).toEqual([]);
});
