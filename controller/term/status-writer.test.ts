import { describe, expect, test } from 'vitest';
import type { ServiceCondition, ServiceView } from '../../src/domain/objects.ts';
import { type DesiredStatus, emptyStatus, withStatus } from '../../src/domain/service/desired-status.ts';
import { type Api, ApiError, type ApiRequest } from '../../src/k8s/client/api.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import type { PendingWrite, ServiceReconciler } from './service-reconciler.ts';
import { statusPatch, statusWriter } from './status-writer.ts';

const service = {
  key: 'default/web',
  namespace: 'default',
  name: 'web',
  uid: 'u1',
  resourceVersion: '7',
  annotations: {},
  ingress: [],
  conditions: [],
} as Partial<ServiceView> as ServiceView;
const condition: ServiceCondition = {
  type: 'metallb.io/Allocated',
  status: 'True',
  reason: 'Allocated',
  message: 'IP ["192.0.2.1"] from pool "a"',
};
const given: DesiredStatus = { ingress: ['192.0.2.1' as Ip], allocatedFrom: 'a', condition };
const served = withStatus(service, given);

/** 2026-11-21 10:31:44.5 */
const wallTime = Date.UTC(2026, 10, 21, 10, 31, 44, 500);

/** A writer before an API server that answers as told, and a reconciler that wants `wants` one after the other. */
const rig = (answers: readonly unknown[], wants: readonly (PendingWrite | undefined)[]) => {
  const calls: ApiRequest[] = [];
  const confirmed: ServiceView[] = [];
  const wanted = [...wants];
  const left = [...answers];
  const api: Pick<Api, 'request'> = {
    request: async (call) => {
      calls.push(call);
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  const clock = fakeClock();
  const quarrels: string[] = [];
  const reconciler: Pick<ServiceReconciler, 'pendingWrite' | 'confirm'> = {
    pendingWrite: () => wanted.shift(),
    confirm: (view) => void confirmed.push(view),
  };
  const work = statusWriter({
    api,
    clock,
    wallTime: () => wallTime,
    reconciler,
    onQuarrel: ({ key }) => quarrels.push(key),
  });
  return {
    write: async () => work('default/web'),
    clock,
    calls,
    confirmed,
    quarrels,
    want: (...now: typeof wants) => wanted.splice(0, wanted.length, ...now),
  };
};
const written = { metadata: { namespace: 'default', name: 'web', resourceVersion: '8' } };
const conflict = new ApiError(409, 'Conflict', 'the object has been modified');

const patch = (view: ServiceView, status: DesiredStatus): unknown =>
  statusPatch({ service: view, status }, wallTime).body;

test('status, condition and annotation are one call that names the state it was planned from', () =>
  expect(statusPatch({ service, status: given }, wallTime)).toEqual({
    method: 'PATCH',
    path: '/api/v1/namespaces/default/services/web/status',
    contentType: 'application/strategic-merge-patch+json',
    body: {
      metadata: { uid: 'u1', resourceVersion: '7', annotations: { 'metallb.io/ip-allocated-from-pool': 'a' } },
      status: {
        loadBalancer: { ingress: [{ ip: '192.0.2.1' }] },
        conditions: [{ ...condition, lastTransitionTime: '2026-11-21T10:31:44Z' }],
      },
    },
  }));

test('nothing to say is null, and a condition is deleted by its type', () =>
  expect(patch(served, emptyStatus)).toEqual({
    metadata: { uid: 'u1', resourceVersion: '7', annotations: { 'metallb.io/ip-allocated-from-pool': null } },
    status: {
      loadBalancer: { ingress: null },
      conditions: [{ $patch: 'delete', type: 'metallb.io/Allocated' }],
    },
  }));

test('whoever announced the service is taken away with the rest', () => {
  const announced: ServiceCondition = {
    type: 'metallb.io/Announced',
    status: 'True',
    reason: 'Announced',
    message: '',
  };
  const deletions = ['metallb.io/Allocated', 'metallb.io/Announced'].map((type) => ({ $patch: 'delete', type }));
  const both = { ...served, conditions: [...served.conditions, announced] };
  expect(patch(both, emptyStatus)).toMatchObject({ status: { conditions: deletions } });
  expect(patch({ ...served, conditions: [announced] }, emptyStatus)).toMatchObject({
    status: { conditions: [deletions[1]] },
  });
  expect(withStatus(both, emptyStatus).conditions).toEqual([]);
});

test('what stands already is left as it is, and so is the time of a condition whose status does not change', () => {
  const preconditions = { uid: 'u1', resourceVersion: '7' };
  const moved: DesiredStatus = { ...given, condition: { ...condition, message: 'another' } };
  expect(patch(served, moved)).toEqual({ metadata: preconditions, status: { conditions: [moved.condition] } });
  const lost: DesiredStatus = { ...given, condition: { ...condition, status: 'False' } };
  expect(patch(served, lost)).toMatchObject({
    status: { conditions: [{ status: 'False', lastTransitionTime: '2026-11-21T10:31:44Z' }] },
  });
  expect(patch(served, { ...given, allocatedFrom: 'b' })).toEqual({
    metadata: { ...preconditions, annotations: { 'metallb.io/ip-allocated-from-pool': 'b' } },
    status: {},
  });
});

test('addresses and annotation that are not ours to write are not named', () =>
  expect(patch(served, { ...emptyStatus, ingress: undefined })).toEqual({
    metadata: { uid: 'u1', resourceVersion: '7' },
    status: { conditions: [{ $patch: 'delete', type: 'metallb.io/Allocated' }] },
  }));

test('the answer is confirmed', async () => {
  const { write, calls, confirmed } = rig([written], [{ service, status: given }, undefined]);
  expect(await write()).toEqual({ type: 'done' });
  expect(calls).toHaveLength(1);
  expect(confirmed[0]).toMatchObject({ key: 'default/web', resourceVersion: '8' });
});

test('after a conflict it writes again if the newer state is here, else waits for it', async () => {
  const newer = { service: { ...service, resourceVersion: '8' }, status: given };
  const ready = rig([conflict, written], [{ service, status: given }, newer, newer, undefined]);
  expect(await ready.write()).toEqual({ type: 'done' });
  expect(ready.calls).toHaveLength(2);
  const pending = { service, status: given };
  await expect(rig([conflict], [pending, pending]).write()).rejects.toBe(conflict);
});

test('a service that is gone needs no status, and any other no is for the queue to retry', async () => {
  const pending = { service, status: given };
  expect(await rig([new ApiError(404, 'NotFound', 'not found')], [pending]).write()).toEqual({ type: 'done' });
  const forbidden = new ApiError(403, 'Forbidden', 'no');
  await expect(rig([forbidden], [pending]).write()).rejects.toBe(forbidden);
});

test('a state that changes under each write is let come to rest', async () => {
  const state = (resourceVersion: string): PendingWrite => ({
    service: { ...service, resourceVersion },
    status: given,
  });
  const states = ['7', '8', '8', '9', '9', '10'].map(state);
  const { write, calls } = rig([conflict, conflict, conflict], states);
  expect(await write()).toEqual({ type: 'retryAfter', delay: 100 });
  expect(calls).toHaveLength(3);
});

describe('somebody who changes our status back each time', () => {
  const pending: PendingWrite = { service, status: given };
  const answers = Array.from({ length: 20 }, () => written);

  test('is answered three times at once, then every five seconds, and that is told once', async () => {
    const { write, want, clock, calls, quarrels } = rig(answers, []);
    for (let round = 0; round < 100; round++) {
      want(pending, undefined);
      await write();
      clock.advance(millis(200));
    }
    expect(calls).toHaveLength(6); // after 0, 0.2, 0.4, 5.4, 10.4 and 15.4 s
    expect(quarrels).toEqual(['default/web']);
  });

  test('does not hold back a new wish', async () => {
    const { write, want, calls } = rig(answers, []);
    for (let round = 0; round < 4; round++) {
      want(pending, undefined);
      await write();
    }
    expect(calls).toHaveLength(3);
    want({ service, status: emptyStatus }, undefined);
    await write();
    expect(calls).toHaveLength(4);
  });

  test('is told of again after a time of peace', async () => {
    const { write, want, clock, quarrels } = rig(answers, []);
    for (let quarrel = 0; quarrel < 2; quarrel++) {
      for (let round = 0; round < 4; round++) {
        want(pending, undefined);
        await write();
      }
      clock.advance(seconds(15));
    }
    expect(quarrels).toEqual(['default/web', 'default/web']);
  });
});
