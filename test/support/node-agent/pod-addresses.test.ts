import { expect, test } from 'vitest';
import { parsePodRanges, PodAddresses } from './pod-addresses.ts';

const both = parsePodRanges(['10.244.1.0/24', 'fd00:10:244:1::/64']);

test('a pod has the same number in both families, and the node has number 1', () => {
  const addresses = new PodAddresses(both);
  expect(addresses.gateways).toEqual(['10.244.1.1', 'fd00:10:244:1::1']);
  expect(addresses.take('a')).toEqual(['10.244.1.2', 'fd00:10:244:1::2']);
  expect(addresses.take('b')).toEqual(['10.244.1.3', 'fd00:10:244:1::3']);
  expect(addresses.take('a')).toEqual(['10.244.1.2', 'fd00:10:244:1::2']);
});

test('an address given back is the last to be used again', () => {
  const addresses = new PodAddresses(parsePodRanges(['10.0.0.0/29']));
  const taken = ['a', 'b', 'c', 'd', 'e'].map((uid) => addresses.take(uid)?.[0]);
  expect(taken).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6']);
  expect(addresses.take('f')).toBeUndefined();
  addresses.release('d');
  addresses.release('b');
  expect(addresses.take('f')).toEqual(['10.0.0.3']);
  addresses.release('f');
  expect(addresses.take('g')).toEqual(['10.0.0.5']);
});

test('an address that a pod had before is kept for it', () => {
  const addresses = new PodAddresses(both);
  expect(addresses.reserve('a', '10.244.1.2')).toBe(true);
  expect(addresses.reserve('b', '10.244.1.2')).toBe(false);
  expect(addresses.reserve('b', '198.18.0.11')).toBe(false);
  expect(addresses.reserve('b', '10.244.1.1')).toBe(false);
  expect(addresses.take('b')?.[0]).toBe('10.244.1.3');
  expect(addresses.take('a')?.[0]).toBe('10.244.1.2');
});

test('a range that is none is named', () => expect(() => parsePodRanges(['10.0.0.0/99'])).toThrow('--pod-cidr'));
