import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { settleTime, validity } from '../../src/domain/certificates/rotation.ts';
import { realClock } from '../../src/io/real-clock.ts';
import { type Api, ApiError, type ApiRequest } from '../../src/k8s/client/api.ts';
import { NotLeader } from '../../src/k8s/leadership/fenced-api.ts';
import type { Log, LogFields } from '../../src/lib/log.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { fakeLeadership } from '../../test/support/leadership.ts';
import { issueAuthority, issueBoth, issueServing } from './issue.ts';
import { readAuthorities } from './read-secret.ts';
import { createCertificates, type Certificates, type CertificatesOptions } from './certificates.ts';

type Raw = { readonly [key: string]: unknown } & { readonly metadata: Readonly<Record<string, unknown>> };

const paths = {
  secret: '/api/v1/namespaces/metallb-system/secrets',
  webhooks: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations',
  crd: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
};

const clientConfig = { service: { name: 'metallb-webhook-service', namespace: 'metallb-system', path: '/x' } };

/** The objects as the manifests ship them. */
const manifests = (): Record<string, Raw> => ({
  [paths.secret]: { metadata: { name: 'metallb-webhook-cert', namespace: 'metallb-system' } },
  [paths.webhooks]: {
    metadata: { name: 'metallb-webhook-configuration', labels: { app: 'metallb' } },
    webhooks: ['a', 'b'].map((name) => ({ name, failurePolicy: 'Ignore', clientConfig })),
  },
  [paths.crd]: {
    metadata: { name: 'bgppeers.metallb.io' },
    spec: { group: 'metallb.io', conversion: { strategy: 'Webhook', webhook: { clientConfig } } },
  },
});

/** An API server with at most one object in each of the three collections. */
const apiServer = (objects: Record<string, Raw> = manifests()) => {
  let version = 1;
  const watches = new Set<{ readonly path: string; readonly send: (event: unknown) => void }>();
  const writes: ApiRequest[] = [];
  const put = (path: string, object: Raw | undefined): void => {
    const before = objects[path];
    const raw = object && { ...object, metadata: { ...object.metadata, resourceVersion: `${++version}` } };
    if (raw === undefined) delete objects[path];
    else objects[path] = raw;
    const event = raw ? { type: before ? 'MODIFIED' : 'ADDED', object: raw } : { type: 'DELETED', object: before };
    for (const watch of watches) if (watch.path === path) watch.send(event);
  };
  for (const [path, object] of Object.entries(objects)) put(path, object);

  const request = async (call: ApiRequest): Promise<unknown> => {
    writes.push(call);
    const path = Object.values(paths).find((each) => call.path.startsWith(each)) ?? '';
    const before = objects[path];
    if (call.method === 'POST') {
      if (before !== undefined) throw new ApiError(409, 'AlreadyExists', 'it is there');
      put(path, call.body as Raw);
    } else {
      if (before === undefined) throw new ApiError(404, 'NotFound', 'it is not there');
      const body = call.body as Raw;
      if (body.metadata['resourceVersion'] !== before.metadata['resourceVersion']) {
        throw new ApiError(409, 'Conflict', 'it has changed');
      }
      put(path, merge(before, body) as Raw);
    }
    return objects[path];
  };

  const stream = async (call: ApiRequest): Promise<AsyncIterable<Uint8Array>> => {
    const encode = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`);
    const { path, signal } = call;
    if (call.query?.['watch'] === undefined) {
      const items = objects[path] === undefined ? [] : [objects[path]];
      const listed = encode({ kind: 'List', metadata: { resourceVersion: `${version}` }, items });
      return (async function* () {
        yield listed;
      })();
    }
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    const watch = { path, send: (event: unknown): void => void writer.write(encode(event)) };
    watches.add(watch);
    signal?.addEventListener('abort', () => {
      watches.delete(watch);
      void writer.close();
    });
    return readable;
  };
  return { api: { request, stream, close: () => {} } satisfies Api, objects, put, writes };
};

/** A merge patch; lists of objects with names are merged by them, as a strategic one does. */
const merge = (before: unknown, patch: unknown): unknown => {
  if (Array.isArray(patch) && Array.isArray(before)) {
    return (before as { name: string }[]).map((item) =>
      merge(item, (patch as { name: string }[]).find(({ name }) => name === item.name) ?? {}),
    );
  }
  if (typeof patch !== 'object' || patch === null) return patch;
  const base = (typeof before === 'object' && before !== null ? before : {}) as Record<string, unknown>;
  return {
    ...base,
    ...Object.fromEntries(Object.entries(patch).map(([key, value]) => [key, merge(base[key], value)])),
  };
};

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of running.splice(0)) await end();
});

const start = (server: ReturnType<typeof apiServer>, more: Partial<CertificatesOptions> = {}) => {
  const lines: string[] = [];
  const write = (message: string, fields?: LogFields): void =>
    void lines.push(`${message} ${JSON.stringify(fields)} ${String(fields?.['error'])}`);
  const log: Log = { debug: write, info: write, warn: write, error: write, child: () => log };
  const certificates = createCertificates({
    api: server.api,
    clock: realClock,
    wallTime: Date.now,
    log,
    leadership: fakeLeadership(),
    namespace: 'metallb-system',
    secretName: 'metallb-webhook-cert',
    serviceName: 'metallb-webhook-service',
    failurePolicy: 'Ignore',
    manage: true,
    folder: '/nonexistent',
    ...more,
  });
  const ending = new AbortController();
  const done = certificates.run(ending.signal);
  running.push(async () => {
    ending.abort();
    await done;
  });
  return { certificates, lines };
};

const until = async (isTrue: () => boolean): Promise<void> => {
  const end = performance.now() + 20_000;
  while (!isTrue()) {
    if (performance.now() > end) throw new Error('it did not come to pass');
    await pause(5);
  }
};

const secretOf = ({ objects }: ReturnType<typeof apiServer>) => {
  const data = (objects[paths.secret]?.['data'] ?? {}) as Record<string, string>;
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
};

/** The bundle that the API server has been told to trust, of every webhook. */
const bundles = ({ objects }: ReturnType<typeof apiServer>): readonly string[] => {
  type Config = { readonly clientConfig: { readonly caBundle?: string } };
  const webhooks = objects[paths.webhooks]?.['webhooks'] as Config[] | undefined;
  const spec = objects[paths.crd]?.['spec'] as { readonly conversion: { readonly webhook: Config } } | undefined;
  return [...(webhooks ?? []), ...(spec ? [spec.conversion.webhook] : [])].map((config) =>
    Buffer.from(config.clientConfig.caBundle ?? '', 'base64').toString(),
  );
};

const isSettled =
  (server: ReturnType<typeof apiServer>, { isReady }: Certificates) =>
  () =>
    isReady() && bundles(server).every((bundle) => bundle === secretOf(server)['ca.crt']);

const put = (server: ReturnType<typeof apiServer>, content: Readonly<Record<string, string>>): void => {
  const data = Object.fromEntries(Object.entries(content).map(([k, v]) => [k, Buffer.from(v).toString('base64')]));
  server.put(paths.secret, { ...manifests()[paths.secret]!, data });
};

const hostname = 'metallb-webhook-service.metallb-system.svc';
const signal = new AbortController().signal;

const content = (authority: CertificatePair, serving: CertificatePair) => ({
  'ca.crt': authority.cert,
  'ca.key': authority.key,
  'tls.crt': serving.cert,
  'tls.key': serving.key,
});

test('an empty Secret is filled, the authority is injected, and nothing is written after that', async () => {
  const server = apiServer();
  const began = performance.now();
  const { certificates, lines } = start(server);
  expect(certificates.isReady()).toBe(false);
  await until(isSettled(server, certificates));
  expect(performance.now() - began).toBeLessThan(5000);
  expect(server.writes.map(({ path, method }) => `${method} ${path.split('/').at(-1)}`)).toEqual([
    'PATCH metallb-webhook-cert',
    'PATCH metallb-webhook-configuration',
    'PATCH bgppeers.metallb.io',
  ]);
  const { 'tls.crt': cert, 'tls.key': key, 'ca.crt': ca } = secretOf(server);
  expect(certificates.serving.current()).toEqual({ cert, key });
  expect(new X509Certificate(cert!).checkIssued(new X509Certificate(ca!))).toBe(true);
  expect(server.objects[paths.crd]).toMatchObject({
    spec: { group: 'metallb.io', conversion: { strategy: 'Webhook' } },
  });
  expect(server.objects[paths.webhooks]).toMatchObject({
    metadata: { labels: { app: 'metallb' } },
    webhooks: [{ name: 'a', clientConfig }, { name: 'b' }],
  });
  expect(lines.join('\n')).not.toContain('PRIVATE');
  expect(lines.join('\n')).not.toContain(key!.split('\n')[1]!);
});

test('a Secret that does not exist is made', async () => {
  const objects = manifests();
  delete objects[paths.secret];
  const server = apiServer(objects);
  const { certificates } = start(server);
  await until(isSettled(server, certificates));
  expect(server.writes[0]).toMatchObject({ method: 'POST', body: { metadata: { name: 'metallb-webhook-cert' } } });
});

test('what is good is left as it is: a second start writes nothing', async () => {
  const server = apiServer();
  const first = start(server);
  await until(isSettled(server, first.certificates));
  const writes = server.writes.length;
  const second = start(server);
  await until(isSettled(server, second.certificates));
  expect(second.certificates.serving.current()).toEqual(first.certificates.serving.current());
  await pause(50);
  expect(server.writes).toHaveLength(writes);
});

test('a replica that does not lead writes nothing, serves what the leader makes, and goes on when it leads', async () => {
  const server = apiServer();
  const leadership = fakeLeadership(false);
  const { certificates } = start(server, { leadership });
  const heard: (string | undefined)[] = [];
  certificates.serving.onChange(() => heard.push(certificates.serving.current()?.cert));
  const { authority, serving } = await issueBoth({ hostname, now: Date.now(), signal });
  put(server, content(authority, serving));
  await until(() => heard.length > 0);
  expect(heard).toEqual([serving.cert]);
  expect(certificates.isReady()).toBe(false);
  expect(server.writes).toEqual([]);
  leadership.set(true);
  await until(isSettled(server, certificates));
  expect(server.writes).toHaveLength(2);
});

test('writes that another replica, a fence or the server refuses are tried again', async () => {
  const server = apiServer();
  const failures = [
    new NotLeader('not now'),
    new ApiError(409, 'Conflict', 'it has changed'),
    new ApiError(500, 'InternalError', 'etcd is away'),
  ];
  const request = async (call: ApiRequest): Promise<unknown> => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return server.api.request(call);
  };
  const clock = fakeClock();
  const { certificates, lines } = start({ ...server, api: { ...server.api, request } }, { clock });
  await until(() => {
    clock.advance(millis(100));
    return isSettled(server, certificates)();
  });
  expect(lines.filter((line) => line.includes('failed'))).toEqual([expect.stringContaining('etcd is away') as unknown]);
});

test.each([
  ['a bundle is taken away', { webhooks: [{ name: 'b', clientConfig: { caBundle: '' } }] }],
  ['a policy is changed', { webhooks: [{ name: 'a', failurePolicy: 'Fail' }] }],
  ['the Service is elsewhere', { webhooks: [{ name: 'a', clientConfig: { service: { namespace: 'other' } } }] }],
])('when %s, it is put right', async (_, change) => {
  const server = apiServer();
  const { certificates } = start(server);
  await until(isSettled(server, certificates));
  const good = server.objects[paths.webhooks]!;
  server.put(paths.webhooks, merge(good, change) as Raw);
  await until(() => server.writes.length === 4);
  await until(isSettled(server, certificates));
  expect(server.objects[paths.webhooks]!['webhooks']).toEqual(good['webhooks']);
});

test('by a clock behind the last write that the API server has stamped, nothing is issued', async () => {
  const objects = manifests();
  const shipped = objects[paths.secret]!;
  const time = new Date().toISOString();
  const managedFields = [{ manager: 'kubectl', operation: 'Update', time }];
  const created = { ...shipped.metadata, creationTimestamp: '2020-01-01T00:00:00Z', managedFields };
  const server = apiServer({ ...objects, [paths.secret]: { ...shipped, metadata: created } });
  const behind = Date.now() - seconds(7200);
  const { lines } = start(server, { wallTime: () => behind });
  await until(() => lines.some((line) => line.startsWith('our clock is behind')));
  expect(server.writes).toEqual([]);
});

test('somebody who undoes every injection is outlasted without a storm of writes, and told of once', async () => {
  const server = apiServer();
  const clock = fakeClock();
  const { certificates, lines } = start(server, { clock });
  await until(isSettled(server, certificates));
  const undo = (): void =>
    server.put(
      paths.webhooks,
      merge(server.objects[paths.webhooks], { webhooks: [{ name: 'b', clientConfig: { caBundle: '' } }] }) as Raw,
    );
  /** As often as it is put right within this time, it is undone. */
  const quarrel = async (turns: number): Promise<number> => {
    const before = server.writes.length;
    for (let turn = 0; turn < turns; turn++) {
      if (isSettled(server, certificates)()) undo();
      clock.advance(millis(100));
      await pause(1);
    }
    return server.writes.length - before;
  };
  expect(await quarrel(150)).toBeLessThan(6);
  expect(lines.filter((line) => line.includes('somebody else keeps'))).toEqual([
    expect.stringContaining('metallb-webhook-configuration') as unknown,
  ]);
  await until(() => {
    clock.advance(millis(100));
    return isSettled(server, certificates)();
  });
});

/** Whether each webhook trusts an authority that has signed the certificate. */
const isTrusted = (server: ReturnType<typeof apiServer>, cert: string): boolean =>
  bundles(server).every((bundle) =>
    readAuthorities(bundle).some(({ certificate }) => new X509Certificate(cert).verify(certificate.publicKey)),
  );

test('an authority near its end is replaced in steps, and what is served is trusted after each write', async () => {
  const server = apiServer();
  const now = Date.now();
  const authority = await issueAuthority(now - validity.authority + validity.renewedBefore, signal);
  const serving = await issueServing({ hostname, now: now - 100 * 86_400_000, signal }, authority, Infinity);
  put(server, content(authority, serving));
  const trust: boolean[] = [];
  const served = (): string => certificates.serving.current()!.cert;
  const request = async (call: ApiRequest): Promise<unknown> => {
    const answer = await server.api.request(call);
    trust.push(isTrusted(server, served()));
    return answer;
  };
  let ahead = 0;
  const { certificates, lines } = start(
    { ...server, api: { ...server.api, request } },
    { wallTime: () => Date.now() + ahead },
  );
  const steps = () =>
    lines.flatMap((line) => (line.startsWith('certificate step done') ? [/"step":"(\w+)"/.exec(line)?.[1]] : []));
  /** Moves the clock, and wakes the rotator by a change that is none. */
  const move = (by: number): void => {
    ahead += by;
    server.put(paths.crd, server.objects[paths.crd]);
  };
  const ca = (): readonly string[] => readAuthorities(secretOf(server)['ca.crt']!).map(({ pem }) => pem.trim());

  await until(() => steps().length === 3);
  expect(steps()).toEqual(['inject', 'addAuthority', 'inject']);
  const [next, old] = ca();
  expect(old).toBe(authority.cert.trim());
  expect(served()).toBe(serving.cert);
  move(settleTime);
  await until(() => steps().length === 4);
  expect(steps()[3]).toBe('issueServing');
  expect(served()).not.toBe(serving.cert);
  expect(ca()).toEqual([next, old]);
  move(settleTime);
  await until(() => steps().length === 6);
  expect(steps().slice(4)).toEqual(['dropAuthorities', 'inject']);
  expect(ca()).toEqual([next]);
  expect(isSettled(server, certificates)()).toBe(true);
  // The first write is that to one of the two targets, which trusted nobody.
  expect(trust.slice(1)).toEqual(trust.slice(1).map(() => true));
});

test('without rotation nothing is written, and the Secret is served as somebody else fills it', async () => {
  const server = apiServer();
  const { certificates } = start(server, { manage: false });
  expect(certificates.isReady()).toBe(false);
  const { authority, serving } = await issueBoth({ hostname, now: Date.now(), signal });
  put(server, content(authority, serving));
  await until(certificates.isReady);
  expect(certificates.serving.current()).toEqual(serving);
  expect(server.writes).toEqual([]);
});

test('files of a folder come first, also those that appear later', async () => {
  const server = apiServer();
  const clock = fakeClock();
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const { serving: ofSecret, authority } = await issueBoth({ hostname, now: Date.now(), signal });
  const { serving: ofFolder } = await issueBoth({ hostname, now: Date.now(), signal });
  put(server, content(authority, ofSecret));
  try {
    const { certificates } = start(server, { manage: false, folder, clock });
    await until(certificates.isReady);
    expect(certificates.serving.current()).toEqual(ofSecret);
    writeFileSync(join(folder, 'tls.crt'), ofFolder.cert);
    writeFileSync(join(folder, 'tls.key'), ofFolder.key);
    await until(() => {
      clock.advance(seconds(10));
      return certificates.serving.current()?.cert === ofFolder.cert;
    });
    expect(certificates.serving.current()).toEqual(ofFolder);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
