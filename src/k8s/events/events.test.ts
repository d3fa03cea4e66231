import { expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import type { Log } from '../../lib/log.ts';
import { millis, seconds } from '../../lib/time.ts';
import { ApiError, ApiUnreachable, type ApiRequest } from '../client/api.ts';
import { createEventRecorder, type ObjectReference } from './events.ts';

const service: ObjectReference = { apiVersion: 'v1', kind: 'Service', namespace: 'shop', name: 'web', uid: 'u1' };
const assigned = { type: 'Normal', reason: 'IPAllocated', message: 'Assigned IP ["192.0.2.1"]' } as const;

/** A recorder before an API server that notes every call and answers as told. */
const rig = (answer: (request: ApiRequest) => void | Promise<void> = () => {}) => {
  const clock = fakeClock();
  const calls: ApiRequest[] = [];
  const warnings: string[] = [];
  const logged: unknown[] = [];
  const warn: Log = {
    debug: () => {},
    info: () => {},
    warn: (message, fields) => {
      warnings.push(message);
      logged.push([message, fields]);
    },
    error: () => {},
    child: () => warn,
  };
  const recorder = createEventRecorder({
    api: {
      request: async (request) => {
        calls.push(request);
        await answer(request);
      },
      stream: () => Promise.reject(new Error('not here')),
      close: () => {},
    },
    clock,
    log: warn,
    wallTime: () => Date.UTC(2026, 10, 21, 10, 31, 44) + clock.now(),
    component: 'metallb-controller',
    host: 'n1',
    random: () => 0,
  });
  const settle = (): Promise<void> => clock.advanceAsync(millis(0));
  return { clock, calls, warnings, logged, recorder, settle };
};

/** The name of the event that a call creates. */
const nameIn = (call: ApiRequest | undefined): string =>
  (call as { readonly body: { readonly metadata: { readonly name: string } } }).body.metadata.name;

test('an event is one POST that looks as if client-go had made it', async () => {
  const { calls, recorder, settle } = rig();
  recorder.record(service, assigned);
  expect(calls).toEqual([]); // never in the caller's turn
  await settle();
  expect(calls).toMatchObject([
    {
      method: 'POST',
      path: '/api/v1/namespaces/shop/events',
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: `web.${(BigInt(Date.UTC(2026, 10, 21, 10, 31, 44)) * 1_000_000n + 1n).toString(16)}` },
        involvedObject: service,
        type: 'Normal',
        reason: 'IPAllocated',
        message: 'Assigned IP ["192.0.2.1"]',
        source: { component: 'metallb-controller', host: 'n1' },
        reportingComponent: 'metallb-controller',
        reportingInstance: 'n1',
        firstTimestamp: '2026-11-21T10:31:44Z',
        lastTimestamp: '2026-11-21T10:31:44Z',
        count: 1,
      },
    },
  ]);
});

test('the same words about another part of an object are another event', async () => {
  const { calls, recorder, settle } = rig();
  for (const fieldPath of ['spec.ports[0]', 'spec.ports[1]', 'spec.ports[1]']) {
    recorder.record({ ...service, fieldPath }, assigned);
  }
  await settle();
  expect(calls).toMatchObject([
    { body: { involvedObject: { fieldPath: 'spec.ports[0]' }, count: 1 } },
    { body: { involvedObject: { fieldPath: 'spec.ports[1]' }, count: 2 } },
  ]);
});

test('an event of a cluster-scoped object goes to the namespace default', async () => {
  const { calls, recorder, settle } = rig();
  recorder.record({ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'u2' }, assigned);
  await settle();
  expect(calls[0]).toMatchObject({
    path: '/api/v1/namespaces/default/events',
    body: { metadata: { namespace: 'default' } },
  });
});

test('the same event again counts the first one', async () => {
  const { clock, calls, recorder, settle } = rig();
  recorder.record(service, assigned);
  await settle();
  await clock.advanceAsync(seconds(10));
  recorder.record(service, assigned);
  await settle();
  const name = nameIn(calls[0]);
  expect(calls[1]).toMatchObject({
    method: 'PATCH',
    path: `/api/v1/namespaces/shop/events/${name}`,
    body: { count: 2, lastTimestamp: '2026-11-21T10:31:54Z' },
  });
});

test('the same event many times at once is one write', async () => {
  const { calls, recorder, settle } = rig();
  for (let i = 0; i < 5; i++) recorder.record(service, assigned);
  await settle();
  expect(calls).toHaveLength(1);
  expect(calls[0]?.body).toMatchObject({ count: 5 });
});

test('the same event while it is being written is counted afterwards', async () => {
  const first = Promise.withResolvers<void>();
  const { calls, recorder, settle } = rig(() => first.promise);
  recorder.record(service, assigned);
  await settle();
  recorder.record(service, assigned);
  recorder.record(service, assigned);
  await settle();
  expect(calls).toHaveLength(1);
  first.resolve();
  await settle();
  expect(calls.map(({ method, body }) => [method, (body as { count: number }).count])).toEqual([
    ['POST', 1],
    ['PATCH', 3],
  ]);
});

test('an event that the server has forgotten is written anew under another name', async () => {
  const { calls, recorder, settle } = rig(({ method }) => {
    if (method === 'PATCH') throw new ApiError(404, 'NotFound', 'gone');
  });
  recorder.record(service, assigned);
  await settle();
  recorder.record(service, assigned);
  await settle();
  expect(calls.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
  expect(nameIn(calls[0])).not.toBe(nameIn(calls[2]));
});

test('another message is another event', async () => {
  const { calls, recorder, settle } = rig();
  recorder.record(service, assigned);
  recorder.record(service, { ...assigned, message: 'Assigned IP ["192.0.2.2"]' });
  await settle();
  expect(calls.map(({ method }) => method)).toEqual(['POST', 'POST']);
});

test('one object causes at most 25 events at once', async () => {
  const { calls, recorder, settle } = rig();
  for (let i = 0; i < 100; i++) recorder.record(service, { ...assigned, message: `${i}` });
  await settle();
  expect(calls).toHaveLength(25);
});

test('at most four writes are under way', async () => {
  const never = new Promise<void>(() => {});
  const { calls, recorder, settle } = rig(() => never);
  for (let i = 0; i < 20; i++) recorder.record(service, { ...assigned, message: `${i}` });
  await settle();
  expect(calls).toHaveLength(4);
});

test('a server that cannot be reached is tried again a few times', async () => {
  const { clock, calls, warnings, recorder, settle } = rig(() => {
    throw new ApiUnreachable('down', undefined);
  });
  recorder.record(service, assigned);
  await settle();
  expect(calls).toHaveLength(1);
  await clock.advanceAsync(seconds(60));
  expect(calls).toHaveLength(12);
  expect(warnings).toEqual(['event not written']);
});

test('the pause that the server asks for is kept', async () => {
  let answers = 0;
  const { clock, calls, recorder } = rig(() => {
    if (answers++ === 0) throw new ApiError(429, 'TooManyRequests', 'slow down', seconds(7));
  });
  recorder.record(service, assigned);
  await clock.advanceAsync(millis(6999));
  expect(calls).toHaveLength(1);
  await clock.advanceAsync(millis(1));
  expect(calls).toHaveLength(2);
});

test('a final no is not tried again', async () => {
  const { clock, calls, warnings, recorder } = rig(() => {
    throw new ApiError(403, 'Forbidden', 'the namespace is being terminated');
  });
  recorder.record(service, assigned);
  await clock.advanceAsync(seconds(60));
  expect(calls).toHaveLength(1);
  expect(warnings).toEqual(['event not written']);
});

test('what has waited for five minutes is dropped, and said once', async () => {
  const { clock, calls, warnings, recorder } = rig(() => {
    throw new ApiUnreachable('this replica does not lead', undefined);
  });
  for (let i = 0; i < 1000; i++) recorder.record({ ...service, uid: `${i}` }, assigned);
  await clock.advanceAsync(seconds(320));
  const before = calls.length;
  await clock.advanceAsync(seconds(600));
  expect(calls).toHaveLength(before);
  expect(warnings.filter((text) => text === 'events were dropped')).toHaveLength(1);
  expect(warnings.length).toBeLessThan(120);
});

test('an event whose answer was lost is written once, and counted when it comes again', async () => {
  let posts = 0;
  const { clock, calls, warnings, recorder, settle } = rig(({ method }) => {
    if (method !== 'POST') return;
    if (posts++ === 0) throw new ApiUnreachable('the connection broke', undefined);
    throw new ApiError(409, 'AlreadyExists', 'events "web.1" already exists');
  });
  recorder.record(service, assigned);
  await clock.advanceAsync(seconds(60));
  expect(calls.map(nameIn)).toEqual([nameIn(calls[0]), nameIn(calls[0])]);
  expect(warnings).toEqual([]);
  recorder.record(service, assigned);
  await settle();
  expect(calls[2]).toMatchObject({ method: 'PATCH', body: { count: 2 } });
});

test('a message is cut where it has more than 1,024 octets', async () => {
  const { calls, recorder, settle } = rig();
  for (const length of [2000, 131_072]) recorder.record(service, { ...assigned, message: 'ä'.repeat(length) });
  await settle();
  expect(calls.map(({ body }) => (body as { message: string }).message)).toEqual([`${'ä'.repeat(510)}…`]);
});

test('an event that was lost is not counted when it comes again', async () => {
  let answers = 0;
  const { calls, recorder, settle } = rig(() => {
    if (answers++ === 0) throw new ApiError(403, 'Forbidden', 'not now');
  });
  recorder.record(service, assigned);
  await settle();
  recorder.record(service, assigned);
  await settle();
  expect(calls.map(({ method, body }) => [method, (body as { count: number }).count])).toEqual([
    ['POST', 1],
    ['POST', 1],
  ]);
});

test('closing waits for what is to be written, and takes nothing more', async () => {
  const { calls, recorder } = rig();
  for (let i = 0; i < 20; i++) recorder.record(service, { ...assigned, message: `${i}` });
  await recorder.close(seconds(1));
  expect(calls).toHaveLength(20);
  recorder.record(service, assigned);
  await recorder.close(seconds(1));
  expect(calls).toHaveLength(20);
});

test('closing ends when its time is over, and says how many events are lost', async () => {
  const { clock, calls, logged, recorder, settle } = rig(({ signal }) => {
    const { promise, reject } = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
    return promise;
  });
  for (let i = 0; i < 20; i++) recorder.record(service, { ...assigned, message: `${i}` });
  let isClosed = false;
  void recorder.close(seconds(1)).then(() => (isClosed = true));
  await clock.advanceAsync(millis(999));
  expect(isClosed).toBe(false);
  await clock.advanceAsync(millis(1));
  await settle();
  expect(isClosed).toBe(true);
  expect(calls).toHaveLength(4);
  expect(logged).toEqual([['no time was left to write events', { lost: 20 }]]);
});

test('what is too much is dropped, and said', async () => {
  const never = new Promise<void>(() => {});
  const { warnings, recorder, settle } = rig(() => never);
  for (let i = 0; i < 10_100; i++) recorder.record({ ...service, uid: `${i}` }, assigned);
  await settle();
  expect(warnings).toEqual(['too many events wait, dropping']);
});
