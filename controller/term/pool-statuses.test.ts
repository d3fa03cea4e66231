import { expect, test } from 'vitest';
import { seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { resource } from '../../test/support/custom-resources.ts';
import { poolStatuses } from './pool-statuses.ts';
import type { PoolView } from './pool-view.ts';

const written = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 5, availableIPv6: 0 };
const view = (counters: PoolView['counters']): PoolView => ({ resource: resource('a', {}), counters });

const rig = (...pools: readonly PoolView[]) => {
  const clock = fakeClock();
  const paths: string[] = [];
  const statuses = poolStatuses(
    {
      api: { request: async ({ path }) => void paths.push(path.split('/').at(-2) ?? '') },
      clock,
      allocations: {
        usageOf: () => ({ IPv4: { assigned: 1n, capacity: 6n }, IPv6: { assigned: 0n, capacity: 0n } }),
      },
      metallbNamespace: 'metallb-system',
      measured: async (work) => work(),
      onError: (_, error) => {
        throw error;
      },
    },
    pools,
  );
  return { ...statuses, paths, pass: async () => clock.advanceAsync(seconds(2)) };
};

test('a pool that is touched is written, unless it is no object', async () => {
  const { touch, paths, pass, depth } = rig(view(undefined));
  touch('a');
  touch('of-the-config-map');
  expect(depth()).toBe(1);
  await pass();
  expect(paths).toEqual(['a']);
});

test('counters that somebody edited are put right, and others are left alone', async () => {
  const { onPool, paths, pass } = rig(view(written));
  const change = (before: PoolView, now: PoolView) =>
    onPool({ type: 'updated', key: 'metallb-system/a', before, now, changed: true });
  change(view(written), view(written));
  await pass();
  expect(paths).toEqual([]);
  change(view(written), view({ ...written, assignedIPv4: 7 }));
  await pass();
  expect(paths).toEqual(['a']);
});

test('a pool that is gone is not written, and one that comes is', async () => {
  const { onPool, touch, paths, pass } = rig(view(undefined));
  onPool({ type: 'deleted', key: 'metallb-system/a', before: view(undefined) });
  touch('a');
  await pass();
  expect(paths).toEqual([]);
  onPool({ type: 'added', key: 'metallb-system/a', now: view(undefined) });
  await pass();
  expect(paths).toEqual(['a']);
});
