import { expect, test } from 'vitest';
import type { Configuration } from '../src/domain/config/configuration.ts';
import { configurationWatch, projectPool, type PoolView } from './configuration-watch.ts';

const rawPool = {
  metadata: { name: 'a', namespace: 'metallb-system', uid: 'p1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { addresses: ['192.0.2.0/24'] },
};
const counters = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 255, availableIPv6: 0 };

test('of a pool the counters are kept if all four are there', () => {
  expect(projectPool({ ...rawPool, status: counters })?.counters).toEqual(counters);
  expect(projectPool({ ...rawPool, status: { assignedIPv4: 1 } })?.counters).toBeUndefined();
  expect(projectPool({ metadata: {} })).toBeUndefined();
});

test('nothing is assembled before the start, and changes of one turn are one configuration', async () => {
  const pools: PoolView[] = [];
  const seen: number[] = [];
  const watch = configurationWatch({
    pools: { values: () => pools },
    l2Advertisements: { values: () => [] },
    namespaces: { values: () => [] },
    metallbNamespace: 'metallb-system',
    onConfiguration: (configuration: Configuration) => seen.push(configuration.pools.length),
    onProblems: () => {},
  });
  watch.touch();
  await Promise.resolve();
  expect(seen).toEqual([]);
  watch.start();
  pools.push(projectPool(rawPool)!);
  watch.touch();
  watch.touch();
  await Promise.resolve();
  expect(seen).toEqual([0, 1]);
});
