import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { ContainerProcess } from './container-process.ts';
import { containerOf } from './fixtures.ts';
import { runProbe } from './prober.ts';
import type { Probe } from './types.ts';

/** The first outcome of a probe: the verdict, and the sentence if it failed. */
const firstOutcome = async (probe: Probe, exec?: ContainerProcess['exec']) => {
  const process = { exec } as ContainerProcess;
  const done = new AbortController();
  let message = '';
  const outcome = await new Promise<boolean | undefined>((resolve) => {
    const reports = { verdict: resolve, failed: (text: string) => (message = text) };
    const target = { container: containerOf(), process, host: '127.0.0.1' };
    void runProbe('readiness', { ...probe, failureThreshold: 1 }, target, reports, done.signal);
  });
  done.abort();
  return { healthy: outcome, message };
};

const serve = async (status: number): Promise<number> => {
  const server = createServer((request, response) => {
    // A request for /late is never answered.
    if (request.url !== '/late') response.writeHead(status).end(request.headers['x-probe']);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

test('an answer below 400 is a success', async () => {
  expect(await firstOutcome({ httpGet: { port: await serve(204), path: '/readyz' } })).toMatchObject({ healthy: true });
  expect(await firstOutcome({ httpGet: { port: await serve(302) } })).toMatchObject({ healthy: true });
});

test('an answer of 503 is a failure in the words of the kubelet', async () =>
  expect(await firstOutcome({ httpGet: { port: await serve(503) } })).toEqual({
    healthy: false,
    message: 'HTTP probe failed with statuscode: 503',
  }));

test('nobody listening is a failure that names the address', async () => {
  expect(await firstOutcome({ httpGet: { port: 1, path: 'x' } })).toEqual({
    healthy: false,
    message: 'Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused',
  });
  expect(await firstOutcome({ tcpSocket: { port: 1 } })).toEqual({
    healthy: false,
    message: 'dial tcp 127.0.0.1:1: connect: connection refused',
  });
});

test('a server that does not answer in time is a failure', async () => {
  const probe = { httpGet: { port: await serve(200), path: '/late' }, timeoutSeconds: 0.02 };
  expect((await firstOutcome(probe)).message).toContain('context deadline exceeded');
});

test('an open port is a success', async () =>
  expect(await firstOutcome({ tcpSocket: { port: await serve(200) } })).toMatchObject({ healthy: true }));

test('a command succeeds by its exit code', async () => {
  const probe = { exec: { command: ['cat', '/tmp/healthy'] } };
  expect(await firstOutcome(probe, () => Promise.resolve({ code: 0, output: '' }))).toMatchObject({ healthy: true });
  expect(await firstOutcome(probe, () => Promise.resolve({ code: 1, output: 'no such file\n' }))).toEqual({
    healthy: false,
    message: 'no such file',
  });
});

test('a port whose name no container has is named', async () =>
  expect((await firstOutcome({ httpGet: { port: 'metrics' } })).message).toBe(
    "couldn't find port: metrics for container main",
  ));
