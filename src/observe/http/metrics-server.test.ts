import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { loopbackCertificate } from '../../../test/support/certificate.ts';
import { askHttps } from '../../../test/support/https-client.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import type { CertificatePair } from './https-server.ts';
import { type MetricsServerOptions, serveMetrics } from './metrics-server.ts';
import { plainText } from './request-listener.ts';

let first: CertificatePair;
let second: CertificatePair;
beforeAll(async () => {
  [first, second] = await Promise.all([loopbackCertificate('first'), loopbackCertificate('second')]);
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const serve = async (options: Partial<MetricsServerOptions> = {}) => {
  const warnings: unknown[] = [];
  const server = await serveMetrics({
    host: '127.0.0.1',
    port: 'any',
    routes: { '/metrics': () => plainText(200, 'a 1\n') },
    tls: { minVersion: 'TLSv1.3' },
    certDir: '',
    selfSigned: () => Promise.resolve(first),
    access: () => Promise.resolve(undefined),
    log: { ...silentLog, warn: (_, fields) => warnings.push(fields) },
    ...options,
  });
  cleanups.push(() => server?.close());
  return { port: server?.port ?? 0, warnings };
};

const folder = async (): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'metrics-'));
  cleanups.push(() => rm(path, { recursive: true }));
  return path;
};

const write = async (path: string, { cert, key }: CertificatePair): Promise<void> => {
  await writeFile(join(path, 'tls.crt'), cert);
  await writeFile(join(path, 'tls.key'), key);
};

/** The common name of the certificate that the server shows. */
const shownBy = async (port: number): Promise<string | undefined> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => resolve());
  socket.once('error', reject);
  await promise;
  const shown = socket.getPeerX509Certificate();
  socket.destroy();
  return shown?.subject;
};

test('whoever is let pass gets the metrics, by GET and HEAD', async () => {
  const asked: unknown[] = [];
  const { port } = await serve({
    access: (authorization) => {
      asked.push(authorization);
      return Promise.resolve(undefined);
    },
  });
  const headers = { authorization: 'Bearer x' };
  expect(await askHttps(port, '/metrics', first.cert, { headers })).toMatchObject({ status: 200, body: 'a 1\n' });
  expect(await askHttps(port, '/metrics', first.cert, { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  expect((await askHttps(port, '/metrics', first.cert, { method: 'POST' })).status).toBe(405);
  expect((await askHttps(port, '/', first.cert)).status).toBe(404);
  expect(asked).toEqual(['Bearer x', undefined]);
});

test.each([
  [401, 'Bearer'],
  [403, undefined],
  [503, undefined],
])('a refusal %d carries its sentence, and nothing is counted for it', async (status, challenge) => {
  const { port } = await serve({
    routes: {
      '/metrics': () => {
        throw new Error('asked');
      },
    },
    access: () => Promise.resolve({ status, message: 'because' }),
  });
  const reply = await askHttps(port, '/metrics', first.cert);
  expect(reply).toMatchObject({ status, body: 'because\n' });
  expect(reply.headers['www-authenticate']).toBe(challenge);
});

test('a certificate of our own is made once, when the first client comes', async () => {
  let made = 0;
  const selfSigned = (): Promise<CertificatePair> =>
    made++ === 0 ? Promise.reject(new Error('not now')) : Promise.resolve(first);
  const { port } = await serve({ selfSigned });
  expect(made).toBe(0);
  await expect(askHttps(port, '/metrics', first.cert)).rejects.toThrow('disconnected');
  const replies = await Promise.all([1, 2, 3].map(() => askHttps(port, '/metrics', first.cert)));
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(made).toBe(2);
});

test('files that change are read again; halves of two certificates are not used', async () => {
  const certDir = await folder();
  await write(certDir, first);
  const { port, warnings } = await serve({ certDir });
  expect(await shownBy(port)).toBe('CN=first');
  await writeFile(join(certDir, 'tls.crt'), second.cert);
  expect(await shownBy(port)).toBe('CN=first');
  expect(warnings).toMatchObject([{ error: { message: `${certDir}/tls.key is not the key of ${certDir}/tls.crt` } }]);
  await writeFile(join(certDir, 'tls.key'), second.key);
  expect(await shownBy(port)).toBe('CN=second');
  await rm(join(certDir, 'tls.key'));
  expect(await shownBy(port)).toBe('CN=second');
});

test('the exchange of a folder, as the kubelet does it, is noticed', async () => {
  const certDir = await folder();
  for (const [name, pair] of [
    ['..1', first],
    ['..2', second],
  ] as const) {
    await mkdir(join(certDir, name));
    await write(join(certDir, name), pair);
  }
  await symlink('..1', join(certDir, '..data'));
  for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, join(certDir, file));
  const { port } = await serve({ certDir });
  expect(await shownBy(port)).toBe('CN=first');
  await symlink('..2', join(certDir, '..next'));
  await rename(join(certDir, '..next'), join(certDir, '..data'));
  expect(await shownBy(port)).toBe('CN=second');
});

test('a folder without a certificate is an error at the start that names it', async () => {
  const certDir = await folder();
  const failure: unknown = await serve({ certDir }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ message: `no certificate in ${certDir}`, cause: { code: 'ENOENT' } });
  await write(certDir, { cert: first.cert, key: second.key });
  await expect(serve({ certDir })).rejects.toThrow('no certificate in');
});

test('port 0 turns the server off, whatever the folder holds', async () => {
  expect((await serve({ port: 0, certDir: '/nowhere' })).port).toBe(0);
});
