import { expect, test } from 'vitest';
import type { AddressRange } from '../../lib/address-range.ts';
import type { L2Advertisement, Pool } from '../config/configuration.ts';
import { changedPools } from './changed-pools.ts';

const range = (first: number, last: number): AddressRange => ({
  family: 'IPv4',
  first: BigInt(first),
  last: BigInt(last),
});

/** Made anew at every call, as the assembly does. */
const pool = (name: string, changes: Partial<Pool> = {}): Pool => ({
  name,
  ranges: [range(1, 9)],
  autoAssign: true,
  avoidBuggyIPs: false,
  serviceAllocation: undefined,
  l2Advertisements: [advertisement('main')],
  bgpAdvertisements: [],
  ...changes,
});

const advertisement = (name: string, interfaces?: readonly string[]): L2Advertisement => ({ name, interfaces });

const changed = (before: readonly Pool[], after: readonly Pool[]): readonly string[] => [
  ...changedPools({ pools: before }, { pools: after }),
];

test('pools that are equal for layer 2 are not changed', () => {
  expect(changed([pool('a'), pool('b')], [pool('b', { autoAssign: false, avoidBuggyIPs: true }), pool('a')])).toEqual(
    [],
  );
});

test('a pool that came or went is changed', () => {
  expect(changed([pool('a'), pool('b')], [pool('b'), pool('c')])).toEqual(['c', 'a']);
});

test.each<[string, Partial<Pool>]>([
  ['the first address of a range', { ranges: [range(2, 9)] }],
  ['the last address of a range', { ranges: [range(1, 8)] }],
  ['the family of a range', { ranges: [{ ...range(1, 9), family: 'IPv6' }] }],
  ['one more range', { ranges: [range(1, 9), range(20, 29)] }],
  ['no advertisement', { l2Advertisements: [] }],
  ['another advertisement', { l2Advertisements: [advertisement('other')] }],
  ['interfaces where there were all', { l2Advertisements: [advertisement('main', ['eth0'])] }],
  ['an empty list of interfaces', { l2Advertisements: [advertisement('main', [])] }],
])('%s changes a pool', (_, changes) => {
  expect(changed([pool('a'), pool('b')], [pool('a', changes), pool('b')])).toEqual(['a']);
  expect(changed([pool('a', changes), pool('b')], [pool('a'), pool('b')])).toEqual(['a']);
});

test('another interface changes a pool', () => {
  const on = (...names: readonly string[]) => [pool('a', { l2Advertisements: [advertisement('main', names)] })];
  expect(changed(on('eth0', 'eth1'), on('eth0', 'eth2'))).toEqual(['a']);
  expect(changed(on('eth0', 'eth1'), on('eth0', 'eth1'))).toEqual([]);
});
