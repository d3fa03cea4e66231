import { expect, test } from 'vitest';
import type { ServiceView } from '../src/domain/objects.ts';
import type { DesiredStatus } from '../src/domain/service/plan.ts';
import { type Api, ApiError, type ApiRequest } from '../src/k8s/api.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { PendingWrite, ServiceReconciler } from './service-reconciler.ts';
import { statusPatch, statusWriter } from './status-writer.ts';

const service = { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7' } as ServiceView;
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
  const reconciler: Pick<ServiceReconciler, 'pendingWrite' | 'confirm'> = {
    pendingWrite: () => wanted.shift(),
    confirm: (view) => void confirmed.push(view),
  };
  return { write: async () => statusWriter(api, reconciler)('default/web'), calls, confirmed };
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

test('somebody who changes our status back each time is not answered at once for ever', async () => {
  const pending = { service, status: given };
  const { write, calls } = rig([written, written, written], [pending, pending, pending, pending]);
  expect(await write()).toEqual({ type: 'retryAfter', delay: 5_000 });
  expect(calls).toHaveLength(3);
});
