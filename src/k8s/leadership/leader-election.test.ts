import { expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import type { Log } from '../../lib/log.ts';
import { millis } from '../../lib/time.ts';
import { type Api, ApiError, ApiUnreachable, type ApiRequest } from '../client/api.ts';
import { createLeaderElection, type LeadershipChange, soleLeader } from './leader-election.ts';

type Lease = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion: string };
  readonly spec: Readonly<Record<string, unknown>>;
};

const collection = '/apis/coordination.k8s.io/v1/namespaces/metallb-system/leases';

/** An API server with one Lease, and the clock that all replicas read. */
const cluster = () => {
  const clock = fakeClock();
  const calls: ApiRequest[] = [];
  const watches = new Set<ReadableStreamDefaultController<Uint8Array>>();
  let lease: Lease | undefined;
  let version = 0;
  let isDown = false;
  let isHanging = false;
  let stoodStill = 0;

  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  const put = (spec: Readonly<Record<string, unknown>>): Lease => {
    version++;
    const type = lease === undefined ? 'ADDED' : 'MODIFIED';
    lease = {
      metadata: { name: 'metallb-controller', uid: 'u1', resourceVersion: `${version}` },
      spec: { ...lease?.spec, ...spec },
    };
    for (const watch of watches) watch.enqueue(encode({ type, object: lease }));
    return lease;
  };

  const serve = ({ method = 'GET', path, body }: ApiRequest): unknown => {
    if (isDown) throw new ApiUnreachable('down', undefined);
    const sent = body as Lease | undefined;
    if (method === 'POST') {
      expect(path).toBe(collection);
      if (lease !== undefined) throw new ApiError(409, 'AlreadyExists', 'already exists');
      return put(sent?.spec ?? {});
    }
    expect(path).toBe(`${collection}/metallb-controller`);
    if (lease === undefined) throw new ApiError(404, 'NotFound', 'not found');
    if (method === 'GET') return lease;
    if (sent?.metadata.resourceVersion !== lease.metadata.resourceVersion) throw new ApiError(409, 'Conflict', 'no');
    return put(sent.spec);
  };

  const api: Api = {
    request: async (request) => {
      calls.push(request);
      if (!isHanging) return Promise.resolve(serve(request));
      const { promise, reject } = Promise.withResolvers<never>();
      request.signal?.addEventListener('abort', () => reject(request.signal?.reason as Error));
      return promise;
    },
    stream: async ({ query, signal }) => {
      expect(query?.['fieldSelector']).toBe('metadata.name=metallb-controller');
      if (isDown) throw new ApiUnreachable('down', undefined);
      if (query?.['watch'] === undefined) {
        const page = { metadata: { resourceVersion: `${version}` }, items: lease === undefined ? [] : [lease] };
        return ReadableStream.from([encode(page)]);
      }
      return new ReadableStream<Uint8Array>({
        start: (controller) => {
          watches.add(controller);
          signal?.addEventListener('abort', () => {
            watches.delete(controller);
            controller.error(signal.reason);
          });
        },
      });
    },
    close: () => {},
  };

  /** Lets promises and streams settle: streams need turns of the event loop. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const advance = async (delay: number): Promise<void> => {
    for (let passed = 0; passed < delay; passed += 50) {
      await clock.advanceAsync(millis(Math.min(50, delay - passed)));
      await settle();
    }
  };

  const replica = (identity: string) => {
    const lines: unknown[][] = [];
    const tell = (message: string, fields?: object): void => void lines.push([message, fields]);
    const log: Log = { ...silentLog, info: tell, warn: tell, child: () => log };
    const { run, release, leadership } = createLeaderElection({
      api,
      clock: { ...clock, now: () => millis(clock.now() + stoodStill) },
      wallTime: () => Date.UTC(2026, 10, 21, 10) + clock.now(),
      log,
      namespace: 'metallb-system',
      name: 'metallb-controller',
      identity,
      random: () => 0,
    });
    const changes: LeadershipChange[] = [];
    leadership.onChange((change) => changes.push(change));
    const ending = new AbortController();
    const running = run(ending.signal);
    const stop = async (): Promise<void> => {
      ending.abort();
      await running;
    };
    return { release, leadership, running, stop, lines, told: () => changes.splice(0) };
  };
  return {
    clock,
    calls,
    settle,
    advance,
    replica,
    put,
    lease: () => lease,
    watches,
    setDown: (down: boolean) => (isDown = down),
    setHanging: (hanging: boolean) => (isHanging = hanging),
    standStill: (time: number) => (stoodStill += time),
    writes: () => calls.filter(({ method }) => method !== undefined),
  };
};

test('the first replica makes the Lease, leads at once and renews it every second; the other stands by', async () => {
  const { clock, settle, advance, replica, lease, writes, watches } = cluster();
  const first = replica('controller-1_x');
  await settle();
  expect(first.told()).toEqual([{ isLeader: true, othersHeldIt: true }]);
  expect(first.leadership.validFor()).toBe(3750);
  expect(writes()[0]?.body).toEqual({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { namespace: 'metallb-system', name: 'metallb-controller' },
    spec: {
      holderIdentity: 'controller-1_x',
      leaseDurationSeconds: 4,
      acquireTime: '2026-11-21T10:00:00.000000Z',
      renewTime: '2026-11-21T10:00:00.000000Z',
      leaseTransitions: 0,
    },
  });
  const second = replica('controller-2_y');
  await settle();
  expect(second.leadership.isLeader()).toBe(false);
  expect(second.leadership.validFor()).toBe(0);
  expect(watches.size).toBe(1); // the standby's
  await advance(10_000);
  expect(writes()).toHaveLength(11);
  expect(lease()?.spec).toMatchObject({
    holderIdentity: 'controller-1_x',
    acquireTime: '2026-11-21T10:00:00.000000Z',
    renewTime: '2026-11-21T10:00:10.000000Z',
    leaseTransitions: 0,
  });
  expect([first.told(), second.told()]).toEqual([[], []]);
  expect(first.leadership.validFor()).toBe(3750);
  await Promise.all([first.stop(), second.stop()]);
  expect(clock.pending()).toBe(0);
  expect(watches.size).toBe(0);
  expect(first.leadership.validFor()).toBe(0);
});

test('a leader that is gone is replaced 4 s after its last renewal, and each tells it once', async () => {
  const { settle, advance, replica, lease } = cluster();
  const first = replica('controller-1_x');
  await settle();
  const second = replica('controller-2_y');
  await advance(1500);
  await first.stop();
  await advance(3450);
  expect(second.leadership.isLeader()).toBe(false);
  await advance(100);
  expect(second.told()).toEqual([{ isLeader: true, othersHeldIt: true }]);
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'controller-2_y', leaseTransitions: 1 });
  expect(second.lines).toEqual([
    ['another replica leads', { holder: 'controller-1_x' }],
    ['this replica leads', { identity: 'controller-2_y' }],
  ]);
  await second.stop();
});

test('a leader that releases is replaced at once', async () => {
  const { settle, advance, replica, lease, writes } = cluster();
  const first = replica('controller-1_x');
  await settle();
  const second = replica('controller-2_y');
  await advance(1500);
  const before = writes().length;
  await first.release();
  await first.running;
  await settle();
  expect(first.leadership.validFor()).toBe(0);
  expect(writes()[before]?.body).toMatchObject({ spec: { holderIdentity: '', leaseDurationSeconds: 1 } });
  expect(second.leadership.isLeader()).toBe(true);
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'controller-2_y', leaseDurationSeconds: 4 });
  await second.release();
  await second.running;
  expect(lease()?.spec).toMatchObject({ holderIdentity: '' });
});

test('a leader that cannot reach the server stops, says so once, and leads again when it can', async () => {
  const { settle, advance, replica, setDown, writes } = cluster();
  const only = replica('controller-1_x');
  await settle();
  only.told();
  setDown(true);
  await advance(3700);
  expect(only.leadership.isLeader()).toBe(true);
  await advance(50);
  expect(only.leadership.validFor()).toBe(0);
  expect(only.told()).toEqual([{ isLeader: false, othersHeldIt: false }]);
  await advance(30_000);
  setDown(false);
  const before = writes().length;
  await advance(1000);
  expect(only.told()).toEqual([{ isLeader: true, othersHeldIt: false }]);
  expect(writes().length - before).toBeLessThanOrEqual(2);
  expect(only.lines.filter(([message]) => message === 'lease not reached')).toHaveLength(1);
  await only.stop();
});

test('what the clock says counts, not what was told: a process that stood still leads no more', async () => {
  const { settle, replica, standStill } = cluster();
  const only = replica('controller-1_x');
  await settle();
  expect(only.leadership.isLeader()).toBe(true);
  standStill(10_000); // no timer has fired, nothing was told
  expect([only.leadership.isLeader(), only.leadership.validFor()]).toEqual([false, 0]);
  await only.stop();
});

test('of two that want a free lease one gets it', async () => {
  const { advance, replica, put, settle, lease } = cluster();
  put({ holderIdentity: '', leaseTransitions: 3 });
  const first = replica('controller-1_x');
  const second = replica('controller-2_y');
  await settle();
  await advance(2000);
  expect([first, second].filter(({ leadership }) => leadership.isLeader())).toHaveLength(1);
  expect(lease()?.spec).toMatchObject({ leaseTransitions: 4 });
  await Promise.all([first.stop(), second.stop()]);
});

test('giving back does not wait for long for a server that does not answer', async () => {
  const { settle, advance, replica, lease, setHanging } = cluster();
  const only = replica('controller-1_x');
  await settle();
  setHanging(true);
  let isDone = false;
  const released = only.release().then(() => (isDone = true));
  expect(only.leadership.validFor()).toBe(0);
  await advance(1450);
  expect(isDone).toBe(false);
  await advance(50);
  await released;
  await only.running;
  expect(lease()?.spec).toMatchObject({ holderIdentity: 'controller-1_x' });
});

test('a fault of a listener ends the run instead of being retried', async () => {
  const { replica } = cluster();
  const only = replica('controller-1_x');
  only.leadership.onChange(() => {
    throw new TypeError('a fault');
  });
  await expect(only.running).rejects.toThrow('a fault');
});

test('a replica without others always leads', () => {
  expect([soleLeader.validFor(), soleLeader.isLeader()]).toEqual([Infinity, true]);
});
