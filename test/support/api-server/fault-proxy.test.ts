import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { loopbackCertificate } from '../certificate.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';

let folder: string;
let server: Server;
let proxy: FaultProxy;
/** What has reached the server. */
const reached: string[] = [];

/** Says what it was told; a path `/long` is answered by 100,000 octets. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metallb-ts-fault-proxy-'));
  const certificate = await loopbackCertificate();
  await writeFile(join(folder, 'ca.crt'), certificate.cert);
  server = createServer(certificate, (request, response) => {
    void text(request).then((body) => {
      reached.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(201, { 'x-seen': request.headers.authorization ?? '' });
      response.end(request.url === '/long' ? 'x'.repeat(100_000) : `told ${body}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy = await startFaultProxy({
    port: (server.address() as AddressInfo).port,
    caFile: join(folder, 'ca.crt'),
  });
});

afterEach(() => {
  proxy.inject(undefined);
  reached.length = 0;
});

afterAll(async () => {
  await proxy.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const ask = (path: string, init?: RequestInit): Promise<Response> => fetch(`${proxy.url}${path}`, init);
const post = (): Promise<Response> => ask('/a?b=c', { method: 'POST', body: 'ä', headers: { authorization: 'me' } });

test('without a rule a call passes, and so does its answer', async () => {
  const response = await post();
  expect([response.status, response.headers.get('x-seen'), await response.text()]).toEqual([201, 'me', 'told ä']);
  expect(reached).toEqual(['POST /a?b=c ä']);
});

test('calls are noted whatever becomes of them', async () => {
  proxy.inject(() => ({ type: 'answer', status: 500, reason: 'InternalError' }));
  const before = proxy.calls.length;
  await ask('/x?watch=true');
  await post();
  expect(
    proxy.calls.slice(before).map(({ method, path, isWatch, isWrite }) => [method, path, isWatch, isWrite]),
  ).toEqual([
    ['GET', '/x', true, false],
    ['POST', '/a', false, true],
  ]);
});

test('a rule chooses its calls', async () => {
  proxy.inject(({ path }) => (path === '/bad' ? { type: 'answer', status: 409, reason: 'Conflict' } : undefined));
  expect((await ask('/good')).status).toBe(201);
  expect((await ask('/bad')).status).toBe(409);
});

test('an answer of its own is a Status, and the server hears nothing', async () => {
  proxy.inject(() => ({ type: 'answer', status: 429, reason: 'TooManyRequests', retryAfter: 7 }));
  const response = await post();
  expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7']);
  expect(await response.json()).toMatchObject({ kind: 'Status', code: 429, reason: 'TooManyRequests' });
  expect(reached).toEqual([]);
});

test('an error of a watch comes as its first event', async () => {
  proxy.inject(() => ({ type: 'watchError', status: 410, reason: 'Expired' }));
  const response = await ask('/x?watch=true');
  expect(response.status).toBe(200);
  expect(JSON.parse(await response.text())).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410 } });
});

test('a delayed call passes later', async () => {
  proxy.inject(() => ({ type: 'delay', milliseconds: 100 }));
  const begin = performance.now();
  expect((await post()).status).toBe(201);
  expect(performance.now() - begin).toBeGreaterThanOrEqual(100);
});

test('a reset call does not reach the server', async () => {
  proxy.inject(() => ({ type: 'reset' }));
  await expect(post()).rejects.toThrow('fetch failed');
  expect(reached).toEqual([]);
});

test('a call whose answer is lost has reached the server', async () => {
  proxy.inject(() => ({ type: 'loseAnswer' }));
  await expect(post()).rejects.toThrow('fetch failed');
  expect(reached).toEqual(['POST /a?b=c ä']);
});

test('an answer is cut after the octets it was granted', async () => {
  proxy.inject(() => ({ type: 'cut', octets: 50_001 }));
  const { promise, resolve } = Promise.withResolvers<number>();
  get(`${proxy.url}/long`, (response) => {
    let octets = 0;
    response.on('data', (chunk: Buffer) => (octets += chunk.length));
    response.on('error', () => resolve(octets));
  });
  expect(await promise).toBe(50_001);
});

test('a call that is swallowed ends when connections break', async () => {
  proxy.inject(() => ({ type: 'swallow' }));
  const before = proxy.calls.length;
  const answer = post();
  while (proxy.calls.length === before) await new Promise(setImmediate);
  proxy.breakConnections();
  await expect(answer).rejects.toThrow('fetch failed');
  expect(reached).toEqual([]);
});
