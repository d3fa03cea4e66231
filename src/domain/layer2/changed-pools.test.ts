import { expect, test } from 'vitest';
import type { AddressRange } from '../../lib/address-range.ts';
import { l2Advertisement } from '../../../test/support/builders.ts';
import type { Pool } from '../config/configuration.ts';
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
  l2Advertisements: [l2Advertisement('main')],
  bgpAdvertisements: [],
  revision: 0,
  ...changes,
});

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
  ['another advertisement', { l2Advertisements: [l2Advertisement('other')] }],
  ['an advertisement that says something else', { l2Advertisements: [l2Advertisement('main', { text: 'else' })] }],
])('%s changes a pool', (_, changes) => {
  expect(changed([pool('a'), pool('b')], [pool('a', changes), pool('b')])).toEqual(['a']);
  expect(changed([pool('a', changes), pool('b')], [pool('a'), pool('b')])).toEqual(['a']);
});

test('a newer version that says the same does not change a pool', () => {
  const newer = pool('a', { l2Advertisements: [l2Advertisement('main', { revision: 8 })], revision: 9 });
  expect(changed([pool('a')], [newer])).toEqual([]);
});
