import { expect, test } from 'vitest';
import { ApiError } from '../../src/k8s/client/api.ts';
import { millis, seconds } from '../../src/lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { objectApi, type ObjectApi } from '../../test/support/object-api.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import type { L2StatusWish } from './l2-status.ts';
import { createL2StatusWriter } from './l2-status-writer.ts';

const name = 'l2-default.web';
const service = 'default/web';
const announces = (more: Partial<L2StatusWish> = {}): L2StatusWish => ({
  namespace: 'default',
  name: 'web',
  node: 'n1',
  interfaces: undefined,
  status: 'True',
  reason: 'Announced',
  message: (since) => `since ${since}`,
  ...more,
});
const none = announces({ node: undefined, status: 'False', reason: 'NoEndpoint', message: () => 'none' });
const labels = (node: string) => ({
  'metallb.io/node': node,
  'metallb.io/service-name': 'web',
  'metallb.io/service-namespace': 'default',
});
const standing = (node: string, more: object = {}) => ({
  metadata: { name, labels: labels(node), ownerReferences: [{ uid: `pod-${node}` }] },
  status: {
    node,
    serviceName: 'web',
    serviceNamespace: 'default',
    conditions: [
      {
        type: 'metallb.io/Announced',
        status: 'True',
        reason: 'Announced',
        message: 'since 2025-12-31T00:00:00Z',
        lastTransitionTime: '2025-12-31T00:00:00Z',
      },
    ],
    ...more,
  },
});

const start = async (server: ObjectApi = objectApi('servicel2statuses'), self = 'n1') => {
  const clock = fakeClock();
  const ending = new AbortController();
  const writer = createL2StatusWriter({
    api: server.api,
    clock,
    log: silentLog,
    wallTime: () => Date.UTC(2026, 0, 1) + clock.now(),
    namespace: 'm',
    self,
    owner: async () => ({ apiVersion: 'v1', kind: 'Pod', name: `speaker-${self}`, uid: `pod-${self}` }),
    whenQuiet: (action) => action(),
    onUpdate: () => {},
  });
  const running = writer.run(ending.signal);
  const pass = async (delay = millis(0)): Promise<void> => clock.advanceAsync(delay);
  await pass();
  return {
    server,
    writer,
    pass,
    end: async () => {
      ending.abort();
      await running;
    },
  };
};

test('an announced service costs two writes, and nothing at rest', async () => {
  const { server, writer, pass, end } = await start();
  writer.set(service, announces({ interfaces: ['eth0', 'eth1'] }));
  await pass();
  expect(server.taken()).toEqual(['POST', `PATCH ${name} status`]);
  expect(server.get(name)).toMatchObject({
    metadata: {
      labels: labels('n1'),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'speaker-n1', uid: 'pod-n1' }],
    },
    status: {
      node: 'n1',
      serviceName: 'web',
      serviceNamespace: 'default',
      interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
      conditions: [
        {
          type: 'metallb.io/Announced',
          status: 'True',
          reason: 'Announced',
          message: 'since 2026-01-01T00:00:00Z',
          lastTransitionTime: '2026-01-01T00:00:00Z',
        },
      ],
    },
  });
  expect(writer.saysAnnounced(service)).toBe(true);
  writer.set(service, announces({ interfaces: ['eth0', 'eth1'] }));
  await pass(seconds(3600));
  expect(server.taken()).toEqual([]);
  await end();
});

test('a restart that changes nothing writes nothing, though the service is owned again only after a while', async () => {
  const server = objectApi('servicel2statuses');
  server.put(standing('n1'));
  const { writer, pass, end } = await start(server);
  expect(writer.saysAnnounced(service)).toBe(true);
  await pass(seconds(10));
  writer.set(service, announces());
  await pass(seconds(60));
  expect(server.taken()).toEqual([]);
  await end();
});

test('what a former start said and nobody wants any more goes', async () => {
  const server = objectApi('servicel2statuses');
  server.put(standing('n1'));
  const { pass, end } = await start(server);
  await pass(seconds(14));
  expect(server.taken()).toEqual([]);
  await pass(seconds(1));
  expect(server.taken()).toEqual([`DELETE ${name}`]);
  expect(server.get(name)).toBeUndefined();
  await end();
});

test('the object of a former pod is taken over', async () => {
  const server = objectApi('servicel2statuses');
  server.put({ ...standing('n1'), metadata: { name, labels: labels('n1') } });
  const { writer, pass, end } = await start(server);
  writer.set(service, announces());
  await pass();
  expect(server.taken()).toEqual([`PATCH ${name}`]);
  expect(server.get(name)?.metadata).toMatchObject({ ownerReferences: [{ uid: 'pod-n1' }] });
  await end();
});

test('another node replaces the object, and the one before leaves the new one alone', async () => {
  const server = objectApi('servicel2statuses');
  const [first, second] = [await start(server, 'n1'), await start(server, 'n2')];
  first.writer.set(service, announces());
  await first.pass();
  server.taken();
  first.writer.set(service, undefined);
  second.writer.set(service, announces({ node: 'n2' }));
  await second.pass();
  await first.pass(seconds(60));
  expect(server.taken()).toEqual(['POST', `DELETE ${name}`, 'POST', `PATCH ${name} status`]);
  expect(server.get(name)?.status).toMatchObject({ node: 'n2' });
  await Promise.all([first.end(), second.end()]);
});

test('two nodes that both believe themselves the owner write less and less often', async () => {
  const server = objectApi('servicel2statuses');
  const nodes = [await start(server, 'n1'), await start(server, 'n2')];
  for (const [index, { writer }] of nodes.entries()) writer.set(service, announces({ node: `n${index + 1}` }));
  for (let second = 0; second < 3600; second++) for (const { pass } of nodes) await pass(seconds(1));
  expect(server.taken().length).toBeLessThan(120);
  await Promise.all(nodes.map(async ({ end }) => end()));
});

test('a service that no longer is announced here is unsaid after two seconds', async () => {
  const { server, writer, pass, end } = await start();
  writer.set(service, announces());
  await pass();
  writer.set(service, undefined);
  await pass(millis(1999));
  server.taken();
  await pass(millis(1));
  expect(server.taken()).toEqual([`DELETE ${name}`]);
  await end();
});

test('why nobody announces it is said without a node, and who comes to announce it says so in the same object', async () => {
  const { server, writer, pass, end } = await start();
  writer.set(service, none);
  await pass(seconds(10));
  expect(server.get(name)?.status).not.toHaveProperty('node');
  expect(server.get(name)?.status).toMatchObject({ conditions: [{ reason: 'NoEndpoint', message: 'none' }] });
  server.taken();
  writer.set(service, announces());
  await pass();
  expect(server.taken()).toEqual([`PATCH ${name} status`]);
  expect(server.get(name)?.status).toMatchObject({
    node: 'n1',
    conditions: [{ lastTransitionTime: '2026-01-01T00:00:10Z', message: 'since 2026-01-01T00:00:10Z' }],
  });
  await end();
});

test('an object with the name of another node, which cannot be changed, is made anew', async () => {
  const server = objectApi('servicel2statuses');
  server.put(standing('n1', { node: 'n9' }));
  const { writer, pass, end } = await start(server);
  writer.set(service, announces());
  await pass();
  expect(server.taken()).toEqual([`DELETE ${name}`, 'POST', `PATCH ${name} status`]);
  await end();
});

test("what MetalLB's speaker of this node has left behind goes", async () => {
  const server = objectApi('servicel2statuses');
  server.put({ metadata: { name: 'l2-x7k2p', labels: labels('n1') } });
  const { writer, pass, end } = await start(server);
  writer.set(service, announces());
  await pass();
  expect(server.get('l2-x7k2p')).toBeUndefined();
  expect(server.get(name)).toBeDefined();
  await end();
});

test('who deletes the object, or changes it, sees it put right', async () => {
  const { server, writer, pass, end } = await start();
  writer.set(service, announces());
  await pass();
  server.taken();
  server.remove(name);
  await pass(millis(999));
  expect(server.taken()).toEqual([]);
  await pass(millis(1));
  expect(server.taken()).toEqual(['POST', `PATCH ${name} status`]);
  const { metadata, status } = server.get(name) ?? {};
  server.put({ metadata: metadata!, status: { ...status, conditions: [] } });
  await pass();
  expect(server.taken()).toEqual([`PATCH ${name} status`]);
  await end();
});

test('a write that fails is tried again', async () => {
  const { server, writer, pass, end } = await start();
  server.failures.push(new ApiError(500, '', ''), new ApiError(500, '', ''));
  writer.set(service, announces());
  await pass(seconds(2));
  expect(server.taken()).toEqual(['POST', 'POST', 'POST', `PATCH ${name} status`]);
  await end();
});

test('an object that goes between its creation and its status is made anew', async () => {
  const { server, writer, pass, end } = await start();
  writer.set(service, announces());
  await pass();
  server.failures.push(new ApiError(404, 'NotFound', ''));
  writer.set(service, announces({ reason: 'AddressConflict' }));
  await pass();
  server.remove(name);
  await pass(seconds(60));
  expect(server.get(name)?.status).toMatchObject({ conditions: [{ reason: 'AddressConflict' }] });
  await end();
});
