import { describe, expect, test } from 'vitest';
import type { ServiceView } from '../src/domain/objects.ts';
import type { DesiredStatus } from '../src/domain/service/plan.ts';
import { type Api, ApiError, type ApiRequest } from '../src/k8s/api.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import type { Ip } from '../src/lib/ip.ts';
import { millis, seconds } from '../src/lib/time.ts';
import type { PendingWrite, ServiceReconciler } from './service-reconciler.ts';
import { statusPatch, statusWriter } from './status-writer.ts';

const service = {
  key: 'default/web',
  namespace: 'default',
  name: 'web',
  uid: 'u1',
  resourceVersion: '7',
} as ServiceView;
const given: DesiredStatus = { ingress: ['192.0.2.1' as Ip], allocatedFrom: 'a' };

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
  const work = statusWriter({ api, clock, reconciler, onQuarrel: ({ key }) => quarrels.push(key) });
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

test('status and annotation are one call that names the state it was planned from', () =>
  expect(statusPatch(service, given)).toEqual({
    method: 'PATCH',
    path: '/api/v1/namespaces/default/services/web/status',
    body: {
      metadata: { uid: 'u1', resourceVersion: '7', annotations: { 'metallb.io/ip-allocated-from-pool': 'a' } },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    },
  }));

test('nothing to say is null in a merge patch', () =>
  expect(statusPatch(service, { ingress: [], allocatedFrom: undefined }).body).toMatchObject({
    metadata: { annotations: { 'metallb.io/ip-allocated-from-pool': null } },
    status: { loadBalancer: { ingress: null } },
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
    want({ service, status: { ingress: [], allocatedFrom: undefined } }, undefined);
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
