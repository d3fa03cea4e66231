import { expect, test } from 'vitest';
import { projectPool } from './pool-view.ts';

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
