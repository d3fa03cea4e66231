import { expect, test } from 'vitest';
import type { PoolUsage } from '../../src/domain/allocator/allocator.ts';
import { ApiError } from '../../src/k8s/client/api.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { millis } from '../../src/lib/time.ts';
import { poolStatusWriter } from './pool-status-writer.ts';

const rig = () => {
  const clock = fakeClock();
  const bodies: string[] = [];
  const failures: Error[] = [];
  let whileWriting = (): void => {};
  let usage: PoolUsage | undefined = {
    IPv4: { assigned: 1n, capacity: 6n },
    IPv6: { assigned: 0n, capacity: 1n << 64n },
  };
  const writer = poolStatusWriter({
    api: {
      request: async ({ path, body }) => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        bodies.push(`${path} ${JSON.stringify(body)}`);
        whileWriting();
        return undefined;
      },
    },
    clock,
    allocations: { usageOf: () => usage },
    metallbNamespace: 'metallb-system',
  });
  const assign = (count: bigint): void => {
    usage = { IPv4: { assigned: count, capacity: 6n }, IPv6: { assigned: 0n, capacity: 1n << 64n } };
    writer.touch('a');
  };
  return {
    clock,
    bodies,
    failures,
    writer,
    assign,
    forget: () => (usage = undefined),
    onWrite: (action: () => void) => (whileWriting = action),
  };
};
const counters = (assignedIPv4: number) => ({
  assignedIPv4,
  assignedIPv6: 0,
  availableIPv4: 6 - assignedIPv4,
  availableIPv6: Number((1n << 63n) - 1n),
});

test('the first change waits for those that come with it, and 2⁶³ - 1 is written exactly', async () => {
  const { clock, bodies, writer, assign } = rig();
  assign(1n);
  expect(await writer.work('a')).toEqual({ type: 'retryAfter', delay: 100 });
  assign(2n);
  clock.advance(millis(100));
  expect(await writer.work('a')).toEqual({ type: 'done' });
  expect(bodies).toEqual([
    '/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/a/status ' +
      '{"status":{"assignedIPv4":2,"assignedIPv6":0,"availableIPv4":4,"availableIPv6":9223372036854775807}}',
  ]);
});

test('a pool is written at most once a second', async () => {
  const { clock, bodies, writer, assign } = rig();
  assign(1n);
  clock.advance(millis(100));
  await writer.work('a');
  assign(2n);
  expect(await writer.work('a')).toEqual({ type: 'retryAfter', delay: 1_000 });
  clock.advance(millis(1_000));
  await writer.work('a');
  expect(bodies).toHaveLength(2);
});

test('counters that stand there already are not written', async () => {
  const { clock, bodies, writer, assign } = rig();
  writer.observe('a', counters(1));
  assign(1n);
  clock.advance(millis(100));
  expect(await writer.work('a')).toEqual({ type: 'done' });
  expect(await writer.work('a')).toEqual({ type: 'done' });
  expect(bodies).toEqual([]);
});

test('a pool that is gone is left in peace', async () => {
  const { clock, bodies, failures, writer, assign, forget } = rig();
  assign(1n);
  clock.advance(millis(100));
  failures.push(new ApiError(404, 'NotFound', 'not found'));
  expect(await writer.work('a')).toEqual({ type: 'done' });
  assign(2n);
  forget();
  clock.advance(millis(2_000));
  expect(await writer.work('a')).toEqual({ type: 'done' });
  expect(bodies).toEqual([]);
});

test('what could not be written is written later', async () => {
  const { clock, bodies, failures, writer, assign } = rig();
  assign(1n);
  clock.advance(millis(100));
  const failure = new ApiError(500, '', 'oops');
  failures.push(failure);
  await expect(writer.work('a')).rejects.toBe(failure);
  clock.advance(millis(2_000));
  await writer.work('a');
  expect(bodies).toHaveLength(1);
});

test.each([
  ['somebody else writes', counters(5)],
  ['a new pool of that name lacks', undefined],
])('counters that %s while ours are on their way are put right', async (_, seen) => {
  const { clock, bodies, writer, assign, onWrite } = rig();
  assign(1n);
  clock.advance(millis(100));
  onWrite(() => {
    writer.observe('a', seen);
    writer.touch('a');
  });
  await writer.work('a');
  onWrite(() => {});
  clock.advance(millis(2_000));
  await writer.work('a');
  expect(bodies).toHaveLength(2);
});
