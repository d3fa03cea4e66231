import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { millis, seconds } from '../../lib/time.ts';
import { loadCredentials, podNamespace } from './credentials.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const inPod = { KUBERNETES_SERVICE_HOST: '10.96.0.1', KUBERNETES_SERVICE_PORT: '443' };

const kubeconfig = (server: string, user: object, cluster: object = {}): string =>
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, ...cluster } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  });

test('in a pod, the service account is used, and its token read again after a minute', async () => {
  const clock = fakeClock();
  write('token', 'first\n');
  write('ca.crt', 'authority');
  const credentials = await loadCredentials({ clock, env: inPod, accountFolder: folder });
  expect(credentials.server.href).toBe('https://10.96.0.1/');
  const token = async (): Promise<string | undefined> => (await credentials.identity()).headers['authorization'];
  expect(await token()).toBe('Bearer first');
  expect(String((await credentials.identity()).tls.ca)).toBe('authority');
  write('token', 'second');
  clock.advance(millis(59_999));
  expect(await token()).toBe('Bearer first');
  clock.advance(millis(1));
  expect(await token()).toBe('Bearer second');
});

test('a token that was refused is read again at once', async () => {
  write('token', 'first');
  write('ca.crt', 'authority');
  const credentials = await loadCredentials({ clock: fakeClock(), env: inPod, accountFolder: folder });
  await credentials.identity();
  write('token', 'second');
  credentials.forget();
  expect((await credentials.identity()).headers).toEqual({ authorization: 'Bearer second' });
});

test('a reading that fails is told and tried again by the next call', async () => {
  write('token', 'first');
  const credentials = await loadCredentials({ clock: fakeClock(), env: inPod, accountFolder: folder });
  await expect(credentials.identity()).rejects.toThrow('ca.crt');
  write('ca.crt', 'authority');
  expect((await credentials.identity()).headers).toEqual({ authorization: 'Bearer first' });
});

test('an IPv6 address of the API server stands in brackets', async () => {
  write('token', 'first');
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' };
  const credentials = await loadCredentials({ clock: fakeClock(), env, accountFolder: folder });
  expect(credentials.server.href).toBe('https://[fd00::1]:6443/');
});

test('a kubeconfig file by path wins over everything else', async () => {
  write('token', 'first');
  const named = write('named', kubeconfig('https://named:6443', { token: 'abc' }));
  const other = write('other', kubeconfig('https://other:6443', { token: 'def' }));
  const env = { ...inPod, KUBECONFIG: other };
  const byFlag = await loadCredentials({ clock: fakeClock(), kubeconfig: named, env, accountFolder: folder });
  expect(byFlag.server.href).toBe('https://named:6443/');
  expect((await byFlag.identity()).headers).toEqual({ authorization: 'Bearer abc' });
  const byVariable = await loadCredentials({ clock: fakeClock(), kubeconfig: '', env, accountFolder: folder });
  expect(byVariable.server.href).toBe('https://other:6443/');
});

test('a kubeconfig may carry authority and client certificate', async () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const file = write(
    'config',
    kubeconfig(
      'https://a:6443',
      { 'client-certificate-data': base64('certificate'), 'client-key-data': base64('key') },
      { 'certificate-authority-data': base64('authority'), 'tls-server-name': 'b' },
    ),
  );
  const { tls } = await (await loadCredentials({ clock: fakeClock(), kubeconfig: file })).identity();
  expect([tls.ca, tls.cert, tls.key].map(String)).toEqual(['authority', 'certificate', 'key']);
  expect(tls.servername).toBe('b');
});

test('an exec plugin is asked for the token, and asked again when it was refused', async () => {
  const counter = write('count', '');
  const script = `printf x >> ${counter}; n=$(wc -c < ${counter}); printf '{"status":{"token":"t%d","expirationTimestamp":"2000-01-01T00:00:00Z"}}' $n`;
  const user = {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'sh', args: ['-c', script] },
  };
  const clock = fakeClock();
  const file = write('config', kubeconfig('https://a:6443', user));
  const credentials = await loadCredentials({ clock, kubeconfig: file });
  const token = async (): Promise<string | undefined> => (await credentials.identity()).headers['authorization'];
  expect(await token()).toBe('Bearer t1');
  expect(await token()).toBe('Bearer t1');
  credentials.forget();
  expect(await token()).toBe('Bearer t2');
  clock.advance(seconds(60));
  expect(await token()).toBe('Bearer t3');
});

test('a kubeconfig without a current context is refused', async () => {
  const file = write('config', JSON.stringify({ clusters: [], users: [], contexts: [] }));
  await expect(loadCredentials({ clock: fakeClock(), kubeconfig: file })).rejects.toThrow(
    `no current context in ${file}`,
  );
});

test('the namespace of the pod', () => {
  expect(podNamespace(folder)).toBeUndefined();
  write('namespace', 'metallb-system\n');
  expect(podNamespace(folder)).toBe('metallb-system');
});
