import { describe, expect, test } from 'vitest';
import { containerOf, podOf } from './fixtures.ts';
import { type ContainerRecord, podStatus, restarts } from './pod-status.ts';
import type { ContainerTermination, PodSpec } from './types.ts';

const now = '2026-01-01T00:00:10Z';

const running = (fields: Partial<ContainerRecord> = {}): ContainerRecord => ({
  container: containerOf(),
  state: { type: 'running', startedAt: '2026-01-01T00:00:05Z', containerId: 'c1' },
  restartCount: 0,
  ready: true,
  started: true,
  ...fields,
});

const ending = (exitCode: number): ContainerTermination => ({
  type: 'terminated',
  exitCode,
  reason: exitCode === 0 ? 'Completed' : 'Error',
  startedAt: '2026-01-01T00:00:05Z',
  finishedAt: '2026-01-01T00:00:06Z',
  containerId: 'c1',
});

const ended = (exitCode: number): ContainerRecord => running({ state: ending(exitCode), ready: false, started: false });

const waiting = (reason: string, last?: ContainerTermination): ContainerRecord =>
  running({ state: { type: 'waiting', reason }, ready: false, started: false, ...(last ? { last } : {}) });

const statusOf = (
  containers: readonly ContainerRecord[],
  {
    spec = {},
    initContainers = [],
    isOver = false,
  }: { spec?: Partial<PodSpec>; initContainers?: readonly ContainerRecord[]; isOver?: boolean } = {},
) =>
  podStatus(
    {
      pod: podOf(spec),
      hostIps: ['192.0.2.1'],
      podIps: ['10.244.1.2', 'fd00::2'],
      startTime: '2026-01-01T00:00:00Z',
      initContainers,
      containers,
      isOver,
      previous: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:07Z' }],
    },
    now,
  );

describe('phase', () => {
  const never = { spec: { restartPolicy: 'Never' as const } };
  const onFailure = { spec: { restartPolicy: 'OnFailure' as const } };
  test.each([
    ['Pending', [waiting('ContainerCreating')], {}],
    ['Pending', [running(), waiting('ErrImagePull')], {}],
    ['Running', [running(), ended(1)], {}],
    ['Running', [waiting('CrashLoopBackOff', ending(1))], {}],
    ['Running', [ended(0)], {}],
    ['Running', [ended(1)], onFailure],
    ['Succeeded', [ended(0), ended(0)], onFailure],
    ['Succeeded', [ended(0)], never],
    ['Failed', [ended(0), ended(2)], never],
    ['Pending', [waiting('PodInitializing')], { initContainers: [running()] }],
    ['Pending', [waiting('PodInitializing')], { initContainers: [ended(1)] }],
    ['Failed', [waiting('PodInitializing')], { ...never, initContainers: [ended(1)] }],
    ['Running', [running()], { initContainers: [ended(0)] }],
    ['Succeeded', [ended(0)], { isOver: true }],
    ['Failed', [ended(143)], { isOver: true }],
  ])('%s', (phase, containers, options) => expect(statusOf(containers, options).phase).toBe(phase));
});

const conditionOf = (status: ReturnType<typeof statusOf>, type: string) =>
  status.conditions?.find((condition) => condition.type === type);

test('a condition that stays keeps its time, one that turns gets the present', () => {
  expect(conditionOf(statusOf([running()]), 'Ready')).toEqual({
    type: 'Ready',
    status: 'True',
    lastTransitionTime: '2026-01-01T00:00:07Z',
  });
  expect(conditionOf(statusOf([running({ ready: false })]), 'Ready')).toEqual({
    type: 'Ready',
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [main]',
    lastTransitionTime: now,
  });
});

test('a closed readiness gate keeps a pod unready, not its containers', () => {
  const status = statusOf([running()], { spec: { readinessGates: [{ conditionType: 'example.org/in' }] } });
  expect(conditionOf(status, 'ContainersReady')?.status).toBe('True');
  expect(conditionOf(status, 'Ready')).toMatchObject({ status: 'False', reason: 'ReadinessGatesNotReady' });
});

test('a container that waits to be started again shows why, and how it ended', () =>
  expect(statusOf([{ ...waiting('CrashLoopBackOff', ending(2)), restartCount: 3 }]).containerStatuses).toEqual([
    {
      name: 'main',
      ready: false,
      started: false,
      restartCount: 3,
      image: 'busybox',
      imageID: 'busybox',
      containerID: 'c1',
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: {
        terminated: {
          exitCode: 2,
          reason: 'Error',
          startedAt: '2026-01-01T00:00:05Z',
          finishedAt: '2026-01-01T00:00:06Z',
          containerID: 'c1',
        },
      },
    },
  ]));

test('both families of addresses are told', () =>
  expect(statusOf([running()])).toMatchObject({
    hostIP: '192.0.2.1',
    podIP: '10.244.1.2',
    podIPs: [{ ip: '10.244.1.2' }, { ip: 'fd00::2' }],
  }));

test('the restart policy decides by the exit code', () => {
  const outcomes = (['Always', 'OnFailure', 'Never', undefined] as const).map((policy) => [
    restarts(policy, 0),
    restarts(policy, 1),
  ]);
  expect(outcomes).toEqual([
    [true, true],
    [false, true],
    [false, false],
    [true, true],
  ]);
});
