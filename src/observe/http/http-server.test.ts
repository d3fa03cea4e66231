import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { healthRoutes, metricsRoutes, serveHttp, type HttpRoutes, type HttpServer } from './http-server.ts';
import { createMetrics } from '../metrics.ts';

let server: HttpServer | undefined;
const errors: unknown[] = [];

afterEach(async () => {
  await server?.close();
  server = undefined;
  errors.length = 0;
});

const serve = async (routes: HttpRoutes): Promise<string> => {
  server = await serveHttp({ host: '127.0.0.1', port: 'any', routes, onError: (error) => errors.push(error) });
  return `http://127.0.0.1:${server?.port}`;
};

test('metrics are served in the format of Prometheus', async () => {
  const metrics = createMetrics();
  metrics.gauge('a', 'help').set(3);
  const response = await fetch(`${await serve(metricsRoutes(metrics.registry))}/metrics?x=1`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await response.text()).toBe('# HELP a help\n# TYPE a gauge\na 3\n');
});

test('readiness says why not, liveness does not care', async () => {
  let reason: string | undefined = 'services are not listed yet';
  const url = await serve(healthRoutes(() => reason));
  const unready = await fetch(`${url}/readyz`);
  expect([unready.status, await unready.text()]).toEqual([503, 'services are not listed yet\n']);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  reason = undefined;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test.each([
  ['GET', '/nothing', 404],
  ['GET', '/toString', 404],
  ['POST', '/healthz', 405],
  ['HEAD', '/healthz', 200],
])('%s %s is answered with %d', async (method, path, wanted) => {
  const url = await serve(healthRoutes(() => undefined));
  expect((await fetch(url + path, { method })).status).toBe(wanted);
});

test('a route that throws is a 500, and is told', async () => {
  const url = await serve({
    '/metrics': () => {
      throw new Error('a secret detail');
    },
  });
  const response = await fetch(`${url}/metrics`);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain('secret');
  expect(errors).toMatchObject([{ message: 'a secret detail' }]);
});

test('port 0 turns the server off', async () => {
  expect(await serveHttp({ host: '127.0.0.1', port: 0, routes: {}, onError: () => {} })).toBeUndefined();
});

test('a port that is taken is an error', async () => {
  await serve({});
  await expect(
    serveHttp({ host: '127.0.0.1', port: server?.port ?? 0, routes: {}, onError: () => {} }),
  ).rejects.toThrow('EADDRINUSE');
});

test('more than 64 connections are not kept', async () => {
  const url = await serve(healthRoutes(() => undefined));
  const open = async (): Promise<Socket> => {
    const socket = connect(server?.port ?? 0, '127.0.0.1');
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  const sockets = await Promise.all(Array.from({ length: 64 }, open));
  const oneMore = await open();
  await new Promise((resolve) => oneMore.once('close', resolve));
  expect(sockets.filter(({ closed }) => closed)).toEqual([]);
  sockets[0]?.destroy();
  await expect.poll(async () => fetch(`${url}/healthz`).then(({ status }) => status, String)).toBe(200);
});

test('closing ends connections that are open', async () => {
  const asked = Promise.withResolvers<void>();
  const never = new Promise<never>(() => {});
  await serve({
    '/slow': () => {
      asked.resolve();
      return never;
    },
  });
  const socket = connect(server?.port ?? 0, '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  await asked.promise;
  const closed = new Promise((resolve) => socket.once('close', () => resolve('closed')));
  await server?.close();
  expect(await closed).toBe('closed');
});
