import { expect, test, vi } from 'vitest';
import { ApiError, type ApiRequest } from '../src/k8s/client/api.ts';
import { NotLeader } from '../src/k8s/leadership/fenced-api.ts';
import type { Log } from '../src/lib/log.ts';
import { millis, seconds } from '../src/lib/time.ts';
import { configMap, configMapApi } from '../test/support/config-map-api.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import { fakeLeadership } from '../test/support/leadership.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { createLegacyConfig } from './legacy-config.ts';

/** A running watch of one ConfigMap; its writes are answered by `answers`, then with success. */
const rig = async (item: object, answers: (Error | Promise<never>)[] = []) => {
  const leadership = fakeLeadership();
  const clock = fakeClock();
  const writes: ApiRequest[] = [];
  const warnings: string[] = [];
  const log: Log = { ...silentLog, child: () => log, warn: (message) => warnings.push(message) };
  const server = configMapApi([item]);
  const ending = new AbortController();
  const legacy = createLegacyConfig({
    api: server.api,
    writer: {
      request: (request) => {
        const { body } = request;
        writes.push(request);
        const answer = answers.shift();
        if (answer !== undefined) return answer instanceof Error ? Promise.reject(answer) : answer;
        const { metadata } = body as { readonly metadata: { readonly resourceVersion: string } };
        return Promise.resolve(configMap(`${Number(metadata.resourceVersion) + 1}`, 'a: 1', 'true'));
      },
    },
    clock,
    leadership,
    log,
    namespace: 'metallb-system',
    name: 'config',
    onChange: () => {},
  });
  const running = legacy.run(ending.signal);
  await legacy.synced;
  const end = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  return {
    ...legacy,
    ...server,
    clock,
    leadership,
    writes,
    warnings,
    end,
    settle: () => clock.advanceAsync(millis(0)),
  };
};

test('the mark is one PATCH of the version that was read, however often it is wanted', async () => {
  const { mark, writes, settle, end } = await rig(configMap('5', 'a: 1'));
  mark(true);
  mark(true);
  await settle();
  mark(true);
  await settle();
  expect(writes).toEqual([
    {
      method: 'PATCH',
      path: '/api/v1/namespaces/metallb-system/configmaps/config',
      body: { metadata: { uid: 'u1', resourceVersion: '5', annotations: { 'metallb.io/in-use': 'true' } } },
    },
  ]);
  await end();
});

test('one that is marked is not written', async () => {
  const { mark, writes, settle, end } = await rig(configMap('5', 'a: 1', 'true'));
  mark(true);
  await settle();
  expect(writes).toEqual([]);
  await end();
});

test('a conflict is tried again with the newer version, without a warning', async () => {
  const conflict = new ApiError(409, 'Conflict', 'the object has been modified');
  const { mark, send, writes, warnings, clock, settle, end } = await rig(configMap('5', 'a: 1'), [conflict]);
  mark(true);
  await settle();
  send('MODIFIED', configMap('6', 'a: 1'));
  await settle();
  await clock.advanceAsync(seconds(1));
  expect(writes.map(({ body }) => body)).toMatchObject([
    { metadata: { resourceVersion: '5' } },
    { metadata: { resourceVersion: '6' } },
  ]);
  expect(warnings).toEqual([]);
  await end();
});

test('a replica that does not lead marks it when it does, unless it is not wanted any more', async () => {
  const { mark, leadership, writes, warnings, clock, settle, end } = await rig(configMap('5', 'a: 1'), [
    new NotLeader('no'),
    new NotLeader('no'),
  ]);
  leadership.set(false);
  mark(true);
  await clock.advanceAsync(seconds(60));
  expect(writes).toHaveLength(1);
  leadership.set(true);
  leadership.set(false);
  await settle();
  expect(writes).toHaveLength(2);
  mark(false);
  leadership.set(true);
  await settle();
  expect(writes).toHaveLength(2);
  mark(true);
  await settle();
  expect(writes).toHaveLength(3);
  expect(warnings).toEqual([]);
  await end();
});

test('an API server that does not answer the mark does not keep us from ending', async () => {
  const { mark, clock, settle, end } = await rig(configMap('5', 'a: 1'), [new Promise(() => {})]);
  mark(true);
  await settle();
  let hasEnded = false;
  void end().then(() => (hasEnded = true));
  await clock.advanceAsync(millis(1999));
  expect(hasEnded).toBe(false);
  await clock.advanceAsync(millis(1));
  expect(hasEnded).toBe(true);
});

test('a refusal is logged, and tried again', async () => {
  const refusal = new ApiError(403, 'Forbidden', 'no');
  const { mark, writes, warnings, clock, end } = await rig(configMap('5', 'a: 1'), [refusal]);
  mark(true);
  await clock.advanceAsync(seconds(1));
  expect(writes).toHaveLength(2);
  expect(warnings).toEqual(['not marked']);
  await end();
});

test('one that was edited after the mark is not marked again before the watch shows the mark', async () => {
  const { mark, send, view, writes, settle, end } = await rig(configMap('5', 'a: 1'));
  mark(true);
  await settle();
  send('MODIFIED', configMap('7', 'a: 2', 'true'));
  await vi.waitFor(() => expect(view()?.isInUse).toBe(true));
  mark(true);
  await settle();
  expect(writes).toHaveLength(1);
  await end();
});
