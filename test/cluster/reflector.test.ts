import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { realClock } from '../../src/io/real-clock.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import { createClient } from '../../src/k8s/client/client.ts';
import { loadCredentials } from '../../src/k8s/client/credentials.ts';
import { createEventRecorder } from '../../src/k8s/events/events.ts';
import { createReflector, type Change, type Reflector } from '../../src/k8s/watch/reflector.ts';
import { collectionPath, resources } from '../../src/k8s/resources.ts';
import { millis, seconds, type Clock } from '../../src/lib/time.ts';
import { silentLog } from '../support/silent-log.ts';
import { startApiServer, type ApiServer } from '../support/api-server/api-server.ts';
import { kubeconfigText } from '../support/api-server/kubeconfig.ts';
import { type FaultyWire, startFaultyWire } from '../support/api-server/faulty-wire.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
/** What our own objects carry; kube-apiserver makes one of its own in each namespace. */
const labels = { ours: 'yes' };
const userAgent = 'metallb-test/1';

let server: ApiServer;
let wire: FaultyWire;
let direct: Api;
let overWire: Api;
let folder: string;
const endings: (() => Promise<void>)[] = [];

beforeAll(async () => {
  server = await startApiServer();
  wire = await startFaultyWire(server.port);
  folder = await mkdtemp(join(tmpdir(), 'metallb-ts-reflector-'));
  direct = createClient({
    credentials: await loadCredentials({ clock: realClock, kubeconfig: server.kubeconfig }),
    clock: realClock,
    userAgent,
  });
  const file = join(folder, 'kubeconfig');
  const cluster = { server: `https://127.0.0.1:${wire.port}`, 'certificate-authority': server.caFile } as const;
  await writeFile(file, kubeconfigText(cluster, server.token));
  const credentials = await loadCredentials({ clock: realClock, kubeconfig: file });
  overWire = createClient({ credentials, clock: realClock, userAgent });
});

afterEach(async () => {
  wire.restore();
  for (const end of endings.splice(0)) await end();
  await direct.request({ method: 'DELETE', path: configMaps, query: { labelSelector: 'ours=yes' } });
});

afterAll(async () => {
  overWire.close();
  direct.close();
  wire.close();
  await server.close();
  await rm(folder, { recursive: true });
});

type View = { readonly name: string; readonly size: number; readonly resourceVersion: string };

const project = (raw: unknown): View => {
  const { metadata, data } = raw as {
    metadata: { name: string; resourceVersion: string };
    data?: Record<string, string>;
  };
  return { name: metadata.name, size: data?.['text']?.length ?? 0, resourceVersion: metadata.resourceVersion };
};

/** Follows our config maps over the faulty wire. */
const follow = async (clock: Clock = realClock) => {
  const changes: Change<View>[] = [];
  const reflector: Reflector<View> = createReflector({
    api: overWire,
    clock,
    log: silentLog,
    path: configMaps,
    labelSelector: 'ours=yes',
    project,
    onChange: (change) => changes.push(change),
  });
  const ending = new AbortController();
  const running = reflector.run(ending.signal);
  endings.push(async () => {
    ending.abort();
    await running;
  });
  await reflector.synced;
  const told = (): string[] => changes.splice(0).map(({ type, key }) => `${type} ${key}`);
  return { reflector, told };
};

const create = (name: string, text = ''): Promise<unknown> =>
  direct.request({
    method: 'POST',
    path: configMaps,
    body: { metadata: { name, labels }, data: { text } },
    deadline: seconds(60),
  });
const update = (name: string, text: string): Promise<unknown> =>
  direct.request({ method: 'PATCH', path: `${configMaps}/${name}`, body: { data: { text } } });
const remove = (name: string): Promise<unknown> => direct.request({ method: 'DELETE', path: `${configMaps}/${name}` });

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 60_000, interval: 20 });

test('1,200 objects are read in pages, and changes follow', async () => {
  await Promise.all(Array.from({ length: 1200 }, (_, i) => create(`many-${i}`)));
  const { reflector, told } = await follow();
  expect(reflector.size()).toBe(1200);
  expect(new Set(told()).size).toBe(1200);
  await create('late');
  await update('late', 'ä€😀');
  await remove('many-7');
  await eventually(() => expect(reflector.get('default/many-7')).toBeUndefined());
  expect(told()).toEqual(['added default/late', 'updated default/late', 'deleted default/many-7']);
  expect(reflector.get('default/late')?.size).toBe(4);
});

test('objects of 1 MB arrive whole', async () => {
  const { reflector } = await follow();
  await create('large', 'x');
  await update('large', 'ä'.repeat(450_000));
  await eventually(() => expect(reflector.get('default/large')?.size).toBe(450_000));
});

test('a watch that is cut in mid-object is taken up where it was', async () => {
  await create('large', 'x');
  const { reflector, told } = await follow();
  told();
  wire.cutAfter(100_000);
  const before = wire.accepted();
  await update('large', 'y'.repeat(900_000));
  await eventually(() => expect(reflector.get('default/large')?.size).toBe(900_000));
  expect(wire.accepted()).toBeGreaterThan(before);
  expect(told()).toEqual(['updated default/large']);
});

test('a restart of kube-apiserver loses nothing and tells nothing twice', async () => {
  await create('before');
  const { told } = await follow();
  told();
  await server.stop('SIGKILL');
  await server.start();
  await create('after');
  await eventually(() => expect(told()).toEqual(['added default/after']));
});

test('when etcd has forgotten where we were, the difference is told', async () => {
  for (const name of ['kept', 'changed', 'removed']) await create(name);
  const { reflector, told } = await follow();
  told();
  wire.cut();
  await update('changed', 'new');
  await remove('removed');
  await create('added');
  await server.stop();
  await server.compact();
  await server.start();
  wire.restore();
  await eventually(() => expect(reflector.get('default/added')).toBeDefined());
  await eventually(() => expect(reflector.get('default/removed')).toBeUndefined());
  // The order of a list is that of the names; `kept` is in it, and unchanged.
  expect(told()).toEqual([
    'added default/added',
    'updated default/changed',
    'updated default/kept',
    'deleted default/removed',
  ]);
});

test('a connection that dies without a word is noticed', async () => {
  // A hundred times as fast: the silence of 150 s becomes 1.5 s.
  const hasty: Clock = {
    now: () => millis(realClock.now() * 100),
    after: (delay, action) => realClock.after(millis(delay / 100), action),
  };
  const { told } = await follow(hasty);
  wire.freeze();
  await create('unseen');
  await eventually(() => expect(told()).toEqual(['added default/unseen']));
});

test('a token that has been replaced is read again after a refusal', async () => {
  await writeFile(join(folder, 'token'), 'outdated');
  await copyFile(server.caFile, join(folder, 'ca.crt'));
  const credentials = await loadCredentials({
    clock: realClock,
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: `${server.port}` },
    accountFolder: folder,
  });
  const api = createClient({ credentials, clock: realClock, userAgent });
  await expect(api.request({ path: configMaps })).rejects.toMatchObject({ status: 401, reason: 'Unauthorized' });
  await writeFile(join(folder, 'token'), server.token);
  await expect(api.request({ path: configMaps })).resolves.toMatchObject({ kind: 'ConfigMapList' });
  api.close();
});

test('events are accepted, and counted when they repeat', async () => {
  const events = createEventRecorder({
    api: direct,
    clock: realClock,
    log: silentLog,
    wallTime: Date.now,
    component: 'metallb-controller',
    host: '',
  });
  const { metadata } = (await create('subject')) as { metadata: { uid: string } };
  const subject = { apiVersion: 'v1', kind: 'ConfigMap', namespace: 'default', name: 'subject', uid: metadata.uid };
  const text = { type: 'Warning', reason: 'AllocationFailed', message: 'no available IPs' } as const;
  const list = async (): Promise<unknown[]> => {
    const query = { fieldSelector: `involvedObject.uid=${metadata.uid}` };
    const path = collectionPath(resources.events, 'default');
    return ((await direct.request({ path, query })) as { items: unknown[] }).items;
  };
  events.record(subject, text);
  await vi.waitFor(async () => expect(await list()).toHaveLength(1), { timeout: 60_000 });
  events.record(subject, text);
  await events.close(seconds(30));
  expect(await list()).toMatchObject([
    { count: 2, reason: 'AllocationFailed', type: 'Warning', source: { component: 'metallb-controller' } },
  ]);
});
