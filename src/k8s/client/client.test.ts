import { getEventListeners } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { millis, seconds } from '../../lib/time.ts';
import { ApiError, ApiUnreachable, type Api } from './api.ts';
import { createClient } from './client.ts';
import { fenceWrites } from '../leadership/fenced-api.ts';

/** What the server got. */
type Call = { readonly request: IncomingMessage; readonly body: string; readonly response: ServerResponse };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A client before a server that is played by the test. */
const rig = async (answer: (call: Call) => void) => {
  const clock = fakeClock();
  const calls: Call[] = [];
  const connections = new Set<number | undefined>();
  const server = createServer((request, response) => {
    connections.add(request.socket.remotePort);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const call = { request, response, body: Buffer.concat(chunks).toString() };
      calls.push(call);
      answer(call);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  let token = 'first';
  let stoodStill = 0;
  let forgotten = 0;
  const api: Api = createClient({
    credentials: {
      server: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/proxied/`),
      identity: () => Promise.resolve({ headers: { authorization: `Bearer ${token}` }, tls: {} }),
      forget: () => forgotten++,
    },
    clock: { ...clock, now: () => millis(clock.now() + stoodStill) },
    userAgent: 'metallb-test/1',
  });
  cleanups.push(() => {
    api.close();
    server.close();
    server.closeAllConnections();
  });
  return {
    api,
    clock,
    calls,
    connections,
    server,
    renewToken: () => (token = 'second'),
    /** Time passes without any timer firing, as when the process is stopped. */
    standStill: (time: number) => (stoodStill += time),
    forgotten: () => forgotten,
  };
};

const json = ({ response }: Call, value: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
};

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('did not fail');
    },
    (error: unknown) => error,
  );

test('a credential that does not come ends with the call', async () => {
  const clock = fakeClock();
  const hanging = createClient({
    credentials: {
      server: new URL('http://127.0.0.1:1/'),
      identity: () => new Promise(() => {}),
      forget: () => {},
    },
    clock,
    userAgent: 'metallb-test/1',
  });
  const late = failure(hanging.request({ path: '/late' }));
  await clock.advanceAsync(seconds(30));
  expect(await late).toEqual(new ApiUnreachable('GET /late: no answer within 30 s', undefined));
  const ending = new AbortController();
  const aborted = failure(hanging.stream({ path: '/aborted', signal: ending.signal }));
  ending.abort(new Error('enough'));
  expect(await aborted).toEqual(new Error('enough'));
  expect(clock.pending()).toBe(0);
});

test('a call carries path, query, body, and who we are', async () => {
  const { api, calls } = await rig((call) => json(call, { ok: true }));
  const answer = await api.request({
    method: 'POST',
    path: '/api/v1/namespaces/a/events',
    query: { labelSelector: 'a in (b,c)', limit: 5, left: undefined },
    body: { text: 'ä' },
  });
  expect(answer).toEqual({ ok: true });
  const [{ request, body } = {} as Call] = calls;
  expect([request.method, request.url]).toEqual([
    'POST',
    '/proxied/api/v1/namespaces/a/events?labelSelector=a+in+%28b%2Cc%29&limit=5',
  ]);
  expect(request.headers).toMatchObject({
    authorization: 'Bearer first',
    accept: 'application/json',
    'content-type': 'application/json',
    'content-length': '13',
    'user-agent': 'metallb-test/1',
  });
  expect(body).toBe('{"text":"ä"}');
});

test('a PATCH is a merge patch unless told otherwise', async () => {
  const { api, calls } = await rig((call) => json(call, {}));
  await api.request({ method: 'PATCH', path: '/a', body: {} });
  await api.request({ method: 'PATCH', path: '/a', body: [], contentType: 'application/json-patch+json' });
  expect(calls.map(({ request }) => request.headers['content-type'])).toEqual([
    'application/merge-patch+json',
    'application/json-patch+json',
  ]);
});

test('calls one after the other use one connection', async () => {
  const { api, connections } = await rig((call) => json(call, {}));
  for (let i = 0; i < 5; i++) await api.request({ path: '/a' });
  expect(connections.size).toBe(1);
});

test('at most 48 calls are under way, the others wait', async () => {
  const { api, calls, connections } = await rig((call) => {
    if (calls.length === 48) for (const waiting of calls) json(waiting, {});
    if (calls.length > 48) json(call, {});
  });
  await Promise.all(Array.from({ length: 60 }, () => api.request({ path: '/a' })));
  expect(calls).toHaveLength(60);
  expect(connections.size).toBe(48);
});

test('a new token is used from the next call on', async () => {
  const { api, calls, renewToken } = await rig((call) => json(call, {}));
  await api.request({ path: '/a' });
  renewToken();
  await api.request({ path: '/a' });
  expect(calls.map(({ request }) => request.headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
});

test('a no is an ApiError with what the server says', async () => {
  const { api } = await rig((call) =>
    json(call, { kind: 'Status', code: 409, reason: 'Conflict', message: 'the object has been modified' }, 409),
  );
  const error = await failure(api.request({ path: '/a' }));
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
});

test('after 401 the credentials are read anew', async () => {
  const { api, forgotten } = await rig((call) => json(call, { kind: 'Status', code: 401 }, 401));
  await failure(api.request({ path: '/a' }));
  expect(forgotten()).toBe(1);
});

test('429 tells how long to wait', async () => {
  const { api } = await rig(({ response }) => {
    response.writeHead(429, { 'retry-after': '2' }).end('slow down');
  });
  expect(await failure(api.request({ path: '/a' }))).toMatchObject({ status: 429, retryAfter: 2000 });
});

test.each([
  [
    'cuts the answer',
    ({ response }: Call) => response.writeHead(200, { 'content-length': '9' }).write('{', () => response.destroy()),
  ],
  ['hangs up', ({ response }: Call) => response.destroy()],
])('a server that %s is unreachable', async (_, answer) => {
  const { api } = await rig(answer);
  const error = await failure(api.request({ path: '/a/b' }));
  expect(error).toBeInstanceOf(ApiUnreachable);
  expect(error).toMatchObject({ message: expect.stringMatching(/^GET \/a\/b: ./) as string });
  expect((error as Error).cause).toBeInstanceOf(Error);
});

test('an answer that is no JSON is not repeated: it may be a Secret', async () => {
  const { api } = await rig(({ response }) => response.end('{"data":{"key":"c2VjcmV0"x}}'));
  const error = await failure(api.request({ path: '/a/b' }));
  expect(error).toEqual(new ApiUnreachable('GET /a/b: an answer that is no JSON', undefined));
  expect((error as Error).cause).toBeUndefined();
});

test('nobody at the port is unreachable', async () => {
  const { api, server } = await rig(() => {});
  server.close();
  expect(await failure(api.request({ path: '/a' }))).toMatchObject({ cause: { code: 'ECONNREFUSED' } });
});

test('a call ends at its deadline, and so does its connection', async () => {
  const arrived = Promise.withResolvers<Call>();
  const { api, clock } = await rig((call) => arrived.resolve(call));
  const call = failure(api.request({ path: '/a', deadline: seconds(3) }));
  const { request } = await arrived.promise;
  const gone = new Promise((resolve) => request.socket.once('close', resolve));
  clock.advance(millis(2999));
  clock.advance(millis(1));
  const error = await call;
  expect(error).toBeInstanceOf(ApiUnreachable);
  expect(error).toMatchObject({ message: 'GET /a: no answer within 3 s' });
  await gone;
});

test('when a call was swallowed, the idle connections are not trusted any more', async () => {
  const dead = new Set<unknown>();
  const { api, clock, calls } = await rig((call) => {
    if (!dead.has(call.request.socket.remotePort) && calls.length > 4) json(call, 'ok');
  });
  const first = Array.from({ length: 4 }, async () => api.request({ path: '/a' }));
  while (calls.length < 4) await new Promise((resolve) => setImmediate(resolve));
  for (const call of calls) {
    dead.add(call.request.socket.remotePort);
    json(call, {});
  }
  await Promise.all(first);
  const swallowed = failure(api.request({ path: '/b', deadline: seconds(3) }));
  while (calls.length < 5) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(seconds(3));
  expect(await swallowed).toMatchObject({ message: 'GET /b: no answer within 3 s' });
  expect(await api.request({ path: '/c' })).toBe('ok');
});

test('after the process stood still, a call that waited for its connection for too long is not sent', async () => {
  const { api, calls, standStill } = await rig(() => {});
  const first = Array.from({ length: 48 }, async () => api.request({ path: '/first' }));
  const waiting = failure(api.request({ method: 'PATCH', path: '/late', deadline: seconds(3) }));
  while (calls.length < 48) await new Promise((resolve) => setImmediate(resolve));
  standStill(3001);
  for (const call of calls.splice(0)) json(call, {});
  await Promise.all(first);
  expect(await waiting).toMatchObject({ name: 'ApiUnreachable', message: 'PATCH /late: no answer within 3 s' });
  // Whatever was on its way has arrived when the next call has.
  const next = api.request({ path: '/next' });
  while (calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (const call of calls) json(call, {});
  await next;
  expect(calls.map(({ request }) => request.url)).toEqual(['/proxied/next']);
});

test('what the server is given ends with the lease, however long a write waited for its connection', async () => {
  const { api: unfenced, calls, clock } = await rig(() => {});
  const end = clock.now() + seconds(4);
  const api = fenceWrites(unfenced, { leadership: { validFor: () => millis(end - clock.now()) }, clock });
  const writes = Array.from({ length: 100 }, (_, i) =>
    api.request({ method: 'PATCH', path: `/${i}`, query: { fieldManager: 'x' }, body: {} }),
  );
  const ends: number[] = [];
  while (ends.length < writes.length) {
    while (calls.length < Math.min(48, writes.length - ends.length)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const { request } of calls) {
      const query = new URL(request.url ?? '', 'http://a').searchParams;
      expect(query.get('fieldManager')).toBe('x');
      ends.push(clock.now() + Number.parseInt(query.get('timeout') ?? ''));
    }
    clock.advance(millis(1200.3));
    for (const call of calls.splice(0)) json(call, {});
  }
  await Promise.all(writes);
  expect(ends).toHaveLength(100);
  expect(Math.max(...ends)).toBeLessThan(end);
});

test('a write is not sent when less than a millisecond is left: a server takes 0 for no limit', async () => {
  const { api, calls, standStill } = await rig(() => {});
  const first = Array.from({ length: 48 }, async () => api.request({ path: '/first' }));
  const late = failure(api.request({ method: 'PATCH', path: '/late', deadline: seconds(3), limitsServer: true }));
  while (calls.length < 48) await new Promise((resolve) => setImmediate(resolve));
  standStill(2999.5);
  for (const call of calls.splice(0)) json(call, {});
  await Promise.all(first);
  expect(await late).toMatchObject({ message: 'PATCH /late: no answer within 3 s' });
});

test('a call ends with the reason of its signal', async () => {
  const arrived = Promise.withResolvers<Call>();
  const { api, clock } = await rig((call) => arrived.resolve(call));
  const ending = new AbortController();
  const call = failure(api.request({ path: '/a', signal: ending.signal }));
  await arrived.promise;
  const reason = new Error('we end');
  ending.abort(reason);
  expect(await call).toBe(reason);
  expect(await failure(api.request({ path: '/a', signal: ending.signal }))).toBe(reason);
  expect(clock.pending()).toBe(0);
});

const read = async (stream: AsyncIterable<Uint8Array>, onText: (text: string) => void): Promise<void> => {
  for await (const chunk of stream) onText(Buffer.from(chunk).toString());
};

test('a stream gives the body as it comes, without a deadline for its end', async () => {
  const { api, clock, calls } = await rig(({ response }) => {
    response.writeHead(200).write('one');
  });
  const stream = await api.stream({ path: '/watch' });
  clock.advance(seconds(3600));
  const texts: string[] = [];
  await read(stream, (text) => {
    texts.push(text);
    calls[0]?.response.end(text === 'one' ? 'two' : undefined);
  });
  expect(texts).toEqual(['one', 'two']);
});

test('a stream that is cut fails', async () => {
  const { api } = await rig(({ response }) => {
    response.writeHead(200).write('one');
    setImmediate(() => response.destroy());
  });
  const error = await failure(read(await api.stream({ path: '/watch' }), () => {}));
  expect(error).toBeInstanceOf(ApiUnreachable);
});

test('a stream ends with the reason of its signal', async () => {
  const { api } = await rig(({ response }) => {
    response.writeHead(200).write('one');
  });
  const ending = new AbortController();
  const stream = await api.stream({ path: '/watch', signal: ending.signal });
  const reason = new Error('we end');
  expect(await failure(read(stream, () => ending.abort(reason)))).toBe(reason);
});

test('a reader that stops closes the connection', async () => {
  const { api, calls } = await rig(({ response }) => {
    response.writeHead(200).write('one');
  });
  for await (const chunk of await api.stream({ path: '/watch' })) {
    expect(Buffer.from(chunk).toString()).toBe('one');
    break;
  }
  const socket = calls[0]?.request.socket;
  if (socket?.destroyed === false) await new Promise((resolve) => socket.once('close', resolve));
  expect(socket?.destroyed).toBe(true);
});

test('calls and streams that are over leave nothing at their signal', async () => {
  const { api, clock } = await rig((call) => json(call, {}));
  const { signal } = new AbortController();
  await api.request({ path: '/a', signal });
  await read(await api.stream({ path: '/a', signal }), () => {});
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(clock.pending()).toBe(0);
});

test('a stream that is refused is an ApiError', async () => {
  const { api } = await rig((call) => json(call, { kind: 'Status', code: 410, reason: 'Expired' }, 410));
  expect(await failure(api.stream({ path: '/watch' }))).toMatchObject({ status: 410, reason: 'Expired' });
});
