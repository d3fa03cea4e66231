import { expect, test } from 'vitest';
import type { ServiceCondition, ServiceView } from '../../src/domain/objects.ts';
import type { L2StatusView } from '../../src/domain/service/announced.ts';
import { type Api, ApiError, type ApiRequest } from '../../src/k8s/client/api.ts';
import { seconds } from '../../src/lib/time.ts';
import { serviceView } from '../../test/support/builders.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { announcedWriter } from './announced-writer.ts';

const allocated: ServiceCondition = { type: 'metallb.io/Allocated', status: 'True', reason: 'Allocated', message: 'm' };
const announcedBy = (node: string): ServiceCondition => ({
  type: 'metallb.io/Announced',
  status: 'True',
  reason: 'Announced',
  message: `by ${node}`,
});
const says = (node: string): L2StatusView => ({
  name: 'l2-default.web',
  uid: 'u',
  resourceVersion: '1',
  service: 'default/web',
  writer: node,
  owners: [],
  node,
  interfaces: undefined,
  condition: { ...announcedBy(node), since: 'T' },
});

/** A writer before one service with an address and an API server that applies what it is sent, unless told otherwise. */
const rig = (more: Partial<ServiceView> = {}) => {
  const clock = fakeClock();
  let view: ServiceView | undefined = serviceView({ ingress: [{ ip: '192.0.2.1' }], conditions: [allocated], ...more });
  let statuses: readonly L2StatusView[] | undefined = [];
  const calls: ApiRequest[] = [];
  const failures: Error[] = [];
  let onCall = (): void => {};
  const api: Pick<Api, 'request'> = {
    request: async (call) => {
      calls.push(call);
      onCall();
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      const { conditions } = (
        call.body as { status: { conditions: readonly (ServiceCondition & { $patch?: string })[] } }
      ).status;
      const others = (view?.conditions ?? []).filter(({ type }) => type !== conditions[0]?.type);
      const added = conditions.filter(({ $patch }) => $patch === undefined);
      return {
        metadata: { namespace: 'default', name: 'web', uid: 'uid-web', resourceVersion: '2' },
        spec: { type: 'LoadBalancer' },
        status: { loadBalancer: { ingress: view?.ingress }, conditions: [...others, ...added] },
      };
    },
  };
  const writer = announcedWriter({
    api,
    clock,
    wallTime: () => Date.UTC(2026, 0, 1) + clock.now(),
    reconciler: { viewOf: () => view, confirm: (now) => void (view = now) },
    statusesOf: () => statuses,
  });
  return {
    clock,
    calls,
    failures,
    work: async () => writer.work('default/web'),
    say: (...now: readonly L2StatusView[]) => (statuses = now),
    forgetAll: () => (statuses = undefined),
    see: (now: Partial<ServiceView> | undefined) => (view = now && { ...serviceView(), ...view, ...now }),
    view: () => view,
    onCall: (action: () => void) => (onCall = action),
  };
};
const done = { type: 'done' };

test('what the speaker says is written once, with the version it was planned from', async () => {
  const { work, say, calls } = rig();
  say(says('n1'));
  expect(await work()).toEqual(done);
  expect(await work()).toEqual(done);
  expect(calls).toEqual([
    {
      method: 'PATCH',
      path: '/api/v1/namespaces/default/services/web/status',
      contentType: 'application/strategic-merge-patch+json',
      body: {
        metadata: { uid: 'uid-web', resourceVersion: '1' },
        status: { conditions: [{ ...announcedBy('n1'), lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
    },
  ]);
});

test('another node in its place is written, and the time stays', async () => {
  const { work, say, calls } = rig({ conditions: [allocated, announcedBy('n1')] });
  say(says('n2'));
  await work();
  expect(calls[0]?.body).toMatchObject({ status: { conditions: [announcedBy('n2')] } });
  expect(JSON.stringify(calls)).not.toContain('lastTransitionTime');
});

test('that nobody says anything is told after ten seconds, and what stood there stays until then', async () => {
  const { work, clock, calls } = rig({ conditions: [allocated, announcedBy('n1')] });
  expect(await work()).toEqual({ type: 'retryAfter', delay: seconds(10) });
  clock.advance(seconds(9));
  expect(await work()).toEqual({ type: 'retryAfter', delay: seconds(1) });
  clock.advance(seconds(1));
  expect(await work()).toEqual(done);
  expect(calls[0]?.body).toMatchObject({ status: { conditions: [{ status: 'Unknown', reason: 'NoSpeaker' }] } });
});

test('a short silence between two owners begins anew each time', async () => {
  const { work, say, clock } = rig({ conditions: [allocated, announcedBy('n1')] });
  await work();
  clock.advance(seconds(9));
  say(says('n1'));
  await work();
  say();
  expect(await work()).toEqual({ type: 'retryAfter', delay: seconds(10) });
});

test('before it is known what the speakers say, nothing is written', async () => {
  const { work, forgetAll, clock, calls } = rig({ conditions: [allocated, announcedBy('n1')] });
  forgetAll();
  expect(await work()).toEqual(done);
  clock.advance(seconds(60));
  expect(await work()).toEqual(done);
  expect(calls).toEqual([]);
});

test('a service that lost its address has no such condition, whatever speakers still say', async () => {
  const lost: ServiceCondition = { ...allocated, status: 'False', reason: 'AllocationFailed' };
  const { work, say, calls, view } = rig({ ingress: [], conditions: [lost, announcedBy('n1')] });
  say(says('n1'));
  await work();
  expect(calls[0]?.body).toMatchObject({
    status: { conditions: [{ $patch: 'delete', type: 'metallb.io/Announced' }] },
  });
  expect(view()?.conditions).toEqual([lost]);
  await work();
  expect(calls).toHaveLength(1);
});

test('a service without an address is left alone', async () => {
  const { work, calls, clock } = rig({ ingress: [], conditions: [] });
  expect(await work()).toEqual(done);
  clock.advance(seconds(60));
  expect(await work()).toEqual(done);
  expect(calls).toEqual([]);
});

test('one that is changed back again and again is written every 5 s', async () => {
  const { work, say, see, clock, calls } = rig();
  say(says('n1'));
  await work();
  see({ conditions: [allocated] });
  expect(await work()).toEqual({ type: 'retryAfter', delay: seconds(5) });
  clock.advance(seconds(5));
  expect(await work()).toEqual(done);
  expect(calls).toHaveLength(2);
});

test('a conflict with a newer state that is here already is tried again at once, another one is an error', async () => {
  const { work, say, see, failures, calls, onCall } = rig();
  say(says('n1'));
  failures.push(new ApiError(409, 'Conflict', ''), new ApiError(409, 'Conflict', ''));
  await expect(work()).rejects.toThrow(ApiError);
  onCall(() => see({ resourceVersion: '5' }));
  expect(await work()).toEqual({ type: 'retryAfter', delay: 0 });
  expect(await work()).toEqual(done);
  expect(calls.at(-1)?.body).toMatchObject({ metadata: { resourceVersion: '5' } });
});

test('a service that is gone needs no condition', async () => {
  const { work, say, see, failures } = rig();
  say(says('n1'));
  failures.push(new ApiError(404, 'NotFound', ''));
  expect(await work()).toEqual(done);
  see(undefined);
  expect(await work()).toEqual(done);
});
