import { Agent } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { loopbackCertificate } from '../../../test/support/certificate.ts';
import { askHttps } from '../../../test/support/https-client.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import type { HttpServer } from './http-server.ts';
import { type CertificatePair, type HttpsServerOptions, serveHttps, type ServingCertificate } from './https-server.ts';
import { type HttpHandlers, plainText } from './request-listener.ts';

let first: CertificatePair;
let second: CertificatePair;
beforeAll(async () => {
  [first, second] = await Promise.all([loopbackCertificate('first'), loopbackCertificate('second')]);
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const maxBodyLength = 7 * 1024 * 1024;

/** A certificate that the test changes. */
const changeable = (pair: CertificatePair | undefined) => {
  let now = pair;
  const listeners: (() => void)[] = [];
  const certificate: ServingCertificate = { current: () => now, onChange: (listener) => listeners.push(listener) };
  const change = (next: CertificatePair): void => {
    now = next;
    for (const listener of listeners) listener();
  };
  return { certificate, change };
};

const echo: HttpHandlers = {
  '/echo': ({ method, path, headers, body }) =>
    plainText(200, `${method} ${path} ${headers['content-type']} ${body.length}`),
};

type Errors = { readonly message: string; readonly error: unknown }[];

const serve = async (options: Partial<HttpsServerOptions> = {}): Promise<{ port: number; errors: Errors }> => {
  const errors: Errors = [];
  const server: HttpServer | undefined = await serveHttps({
    host: '127.0.0.1',
    port: 'any',
    routes: echo,
    method: 'POST',
    tls: { minVersion: 'TLSv1.3' },
    certificate: changeable(first).certificate,
    log: { ...silentLog, error: (message, fields) => errors.push({ message, error: fields?.['error'] }) },
    ...options,
  });
  if (server === undefined) throw new Error('turned off');
  cleanups.push(server.close);
  return { port: server.port, errors };
};

test('a route gets method, path, headers and body', async () => {
  const { port } = await serve();
  const headers = { 'content-type': 'application/json' };
  const reply = await askHttps(port, '/echo?timeout=3s', first.cert, { method: 'POST', headers, body: '{"a":1}' });
  expect(reply).toMatchObject({ status: 200, body: 'POST /echo application/json 7' });
});

test.each([
  ['POST', '/nothing', 404],
  ['POST', '/toString', 404],
  ['POST', '/', 404],
  ['GET', '/echo', 405],
  ['PUT', '/echo', 405],
])('%s %s is answered with %d', async (method, path, wanted) => {
  const { port } = await serve();
  expect((await askHttps(port, path, first.cert, { method })).status).toBe(wanted);
});

test('a body of the largest size is read, a longer one refused, whether its length is told or not', async () => {
  const { port } = await serve();
  const body = Buffer.alloc(maxBodyLength, ' ');
  const ask = (body: Buffer, headers: Record<string, string>) =>
    askHttps(port, '/echo', first.cert, { method: 'POST', body, headers });
  expect((await ask(body, {})).body).toBe(`POST /echo undefined ${maxBodyLength}`);
  const longer = Buffer.alloc(maxBodyLength + 1, ' ');
  const chunked = { 'transfer-encoding': 'chunked' };
  for (const headers of [{}, chunked]) {
    // The server hangs up as soon as it knows, which may cost the client the answer.
    const outcome = await ask(longer, headers).then(
      ({ status }) => status,
      (error: NodeJS.ErrnoException) => error.code,
    );
    expect([413, 'ECONNRESET', 'EPIPE']).toContain(outcome);
  }
  // What was refused is not held.
  for (let turn = 0; turn < 5; turn++) expect((await ask(body, chunked)).status).toBe(200);
});

test('bodies held by all requests together are bounded', async () => {
  const release = Promise.withResolvers<void>();
  cleanups.push(release.resolve);
  const { port } = await serve();
  const stuck = Array.from({ length: 4 }, () => {
    const socket = connectTls({ port, host: '127.0.0.1', ca: first.cert });
    cleanups.push(() => socket.destroy());
    socket.on('error', () => {});
    socket.write(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${maxBodyLength}\r\n\r\n`);
    const { promise, resolve } = Promise.withResolvers<void>();
    socket.write(Buffer.alloc(maxBodyLength - 1), () => resolve());
    return promise;
  });
  await Promise.all(stuck);
  await expect
    .poll(async () => (await askHttps(port, '/echo', first.cert, { method: 'POST', body: 'more than is left' })).status)
    .toBe(503);
});

test('a client that goes away in the middle of its body leaves nothing behind', async () => {
  const { port, errors } = await serve();
  for (let turn = 0; turn < 10; turn++) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = connectTls({ port, host: '127.0.0.1', ca: first.cert });
    socket.write(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${maxBodyLength}\r\n\r\n`);
    socket.write(Buffer.alloc(maxBodyLength - 1), () => socket.destroy());
    socket.once('close', () => resolve());
    await promise;
  }
  await expect
    .poll(async () => (await askHttps(port, '/echo', first.cert, { method: 'POST', body: 'x' })).status)
    .toBe(200);
  expect(errors).toEqual([]);
});

test('a route that throws is a 500 without detail, and is told', async () => {
  const fail = (): never => {
    throw new Error('a secret detail');
  };
  const { port, errors } = await serve({ routes: { '/fail': fail } });
  const reply = await askHttps(port, '/fail', first.cert, { method: 'POST' });
  expect(reply).toMatchObject({ status: 500, body: 'internal error\n' });
  expect(errors).toMatchObject([{ error: { message: 'a secret detail' } }]);
});

test('a new certificate holds for new connections, and open ones stay', async () => {
  const { certificate, change } = changeable(first);
  const { port } = await serve({ certificate });
  const agent = new Agent({ keepAlive: true });
  cleanups.push(() => agent.destroy());
  const onKept = () => askHttps(port, '/echo', first.cert, { method: 'POST', agent });
  expect((await onKept()).status).toBe(200);
  change(second);
  expect((await onKept()).status).toBe(200);
  expect((await askHttps(port, '/echo', second.cert, { method: 'POST' })).status).toBe(200);
  await expect(askHttps(port, '/echo', first.cert, { method: 'POST' })).rejects.toThrow('self-signed certificate');
  // The flags hold for the new certificate, too.
  await expect(
    askHttps(port, '/echo', second.cert, { method: 'POST', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }),
  ).rejects.toThrow('protocol version');
});

test('a certificate that cannot be used leaves the old one in place, and is told', async () => {
  const { certificate, change } = changeable(first);
  const { port, errors } = await serve({ certificate });
  change({ cert: first.cert, key: second.key });
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST' })).status).toBe(200);
  expect(errors).toMatchObject([{ message: 'a new certificate cannot be used, the old one stays' }]);
});

test('a server without a certificate listens, and answers as soon as it has one', async () => {
  const { certificate, change } = changeable(undefined);
  const { port } = await serve({ certificate });
  await expect(askHttps(port, '/echo', first.cert, { method: 'POST' })).rejects.toThrow('handshake failure');
  change(first);
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST' })).status).toBe(200);
});

test('a certificate is prepared before each handshake', async () => {
  const { certificate, change } = changeable(undefined);
  let prepared = 0;
  const prepare = (): Promise<void> => {
    change(prepared++ === 0 ? first : second);
    return Promise.resolve();
  };
  const { port } = await serve({ certificate, prepare });
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST' })).status).toBe(200);
  expect((await askHttps(port, '/echo', second.cert, { method: 'POST' })).status).toBe(200);
});

test('a certificate that cannot be had closes the connection, and is told', async () => {
  const { port, errors } = await serve({ prepare: () => Promise.reject(new Error('no such file')) });
  await expect(askHttps(port, '/echo', first.cert, { method: 'POST' })).rejects.toThrow('disconnected');
  expect(errors).toMatchObject([{ error: { message: 'no such file' } }]);
});

test('a client that is gone before the certificate is ready does no harm', async () => {
  const waiting = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let isFirst = true;
  const prepare = (): Promise<void> => {
    asked.resolve();
    return isFirst ? waiting.promise : Promise.resolve();
  };
  const { port, errors } = await serve({ prepare });
  const socket = connect(port, '127.0.0.1');
  await asked.promise;
  socket.resetAndDestroy();
  isFirst = false;
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST' })).status).toBe(200);
  waiting.resolve();
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST' })).status).toBe(200);
  expect(errors).toEqual([]);
});

test('the least version of TLS is kept to', async () => {
  const { port } = await serve();
  const old = { method: 'POST', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  await expect(askHttps(port, '/echo', first.cert, old)).rejects.toThrow('protocol version');
  const { port: lenient } = await serve({ tls: { minVersion: 'TLSv1.2' } });
  expect((await askHttps(lenient, '/echo', first.cert, old)).status).toBe(200);
});

const negotiated = async (port: number): Promise<string | false | null> => {
  const socket = connectTls({ port, host: '127.0.0.1', ca: first.cert, ALPNProtocols: ['h2', 'http/1.1'] });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  socket.destroy();
  return socket.alpnProtocol;
};

test('HTTP/2 is offered only if asked for', async () => {
  expect(await negotiated((await serve()).port)).toBe('http/1.1');
  const { port } = await serve({ http2: true });
  expect(await negotiated(port)).toBe('h2');
  expect((await askHttps(port, '/echo', first.cert, { method: 'POST', body: 'abc' })).body).toContain('/echo');
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: first.cert });
  cleanups.push(() => session.destroy());
  const stream = session.request({ ':method': 'POST', ':path': '/echo', 'content-type': 'text/plain' });
  stream.end('abcd');
  let body = '';
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
  expect(body).toBe('POST /echo text/plain 4');
});

test('closing ends connections in whatever state', async () => {
  const server = await serveHttps({
    host: '127.0.0.1',
    port: 'any',
    routes: { '/never': () => new Promise(() => {}) },
    method: 'GET',
    tls: { minVersion: 'TLSv1.3' },
    certificate: changeable(first).certificate,
    log: silentLog,
  });
  const raw = connect(server!.port, '127.0.0.1');
  await new Promise((resolve) => raw.once('connect', resolve));
  const waiting = askHttps(server!.port, '/never', first.cert).catch((error: unknown) => error);
  await negotiated(server!.port);
  await server!.close();
  expect(await waiting).toBeInstanceOf(Error);
});

test('port 0 turns the server off', async () => {
  await expect(serve({ port: 0 })).rejects.toThrow('turned off');
});
