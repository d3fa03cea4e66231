import { beforeEach, expect, test } from 'vitest';
import type { Ip } from '../src/lib/ip.ts';
import { addressTable } from './address-table.ts';

const ip = '192.0.2.1' as Ip;
let told: unknown[];
const table = () =>
  addressTable({
    announce: (address, interfaces) => told.push(['announce', address, interfaces]),
    withdraw: (address) => told.push(['withdraw', address]),
  });

beforeEach(() => {
  told = [];
});

test('an address is announced with the first claim and withdrawn with the last', () => {
  const { claim, release } = table();
  claim(ip, 'a/web', undefined);
  claim(ip, 'a/dns', undefined);
  release(ip, 'a/web');
  expect(told).toEqual([['announce', ip, undefined]]);
  release(ip, 'a/dns');
  expect(told).toEqual([
    ['announce', ip, undefined],
    ['withdraw', ip],
  ]);
});

test('a claim that changes nothing tells nothing', () => {
  const { claim } = table();
  claim(ip, 'a/web', ['eth0', 'eth1']);
  claim(ip, 'a/web', ['eth0', 'eth1']);
  expect(told).toEqual([['announce', ip, ['eth0', 'eth1']]]);
});

test('the interfaces are those of all claims together', () => {
  const { claim, release } = table();
  claim(ip, 'a/web', ['eth1']);
  claim(ip, 'a/dns', ['eth0']);
  claim(ip, 'a/all', undefined);
  release(ip, 'a/all');
  release(ip, 'a/web');
  expect(told).toEqual([
    ['announce', ip, ['eth1']],
    ['announce', ip, ['eth0', 'eth1']],
    ['announce', ip, undefined],
    ['announce', ip, ['eth0', 'eth1']],
    ['announce', ip, ['eth0']],
  ]);
});

test('releasing what was never claimed does nothing', () => {
  const { claim, release } = table();
  release(ip, 'a/web');
  claim(ip, 'a/web', undefined);
  release(ip, 'a/dns');
  expect(told).toEqual([['announce', ip, undefined]]);
});
