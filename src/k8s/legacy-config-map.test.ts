import { expect, test, vi } from 'vitest';
import { configMap, configMapApi } from '../../test/support/config-map-api.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import type { Log } from '../lib/log.ts';
import { watchLegacyConfigMap } from './legacy-config-map.ts';

/** A running watch of a ConfigMap that the test edits. */
const rig = (items: readonly object[], name = 'config') => {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, child: () => log, warn: (message) => warnings.push(message) };
  const server = configMapApi(items);
  const ending = new AbortController();
  let changes = 0;
  const watch = watchLegacyConfigMap({
    api: server.api,
    clock: fakeClock(),
    log,
    namespace: 'metallb-system',
    name,
    onChange: () => changes++,
  });
  const running = watch.run(ending.signal);
  return {
    ...server,
    ...watch,
    warnings,
    changes: () => changes,
    end: async () => {
      ending.abort();
      await running;
    },
  };
};

test('only the one ConfigMap is asked for, and it is parsed once it is synced', async () => {
  const { reads, synced, view, resourceVersion, end } = rig([configMap('5', 'address-pools: []')]);
  await synced;
  expect(reads[0]).toMatchObject({
    path: '/api/v1/namespaces/metallb-system/configmaps',
    query: { fieldSelector: 'metadata.name=config' },
  });
  expect(view()).toEqual({
    namespace: 'metallb-system',
    name: 'config',
    uid: 'u1',
    isInUse: false,
    config: { ok: true, value: { 'address-pools': [] } },
    resourceVersion: '5',
  });
  expect(resourceVersion()).toBe('5');
  await end();
});

test('an edit is followed, and the last text counts', async () => {
  const { synced, view, send, changes, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  send('MODIFIED', configMap('6', 'a: 2'));
  send('MODIFIED', configMap('7', 'a: 3'));
  await vi.waitFor(() => expect(view()?.config).toEqual({ ok: true, value: { a: '3' } }));
  expect(changes()).toBe(2); // the text between was never shown
  await end();
});

test('text that is not YAML leaves what stood there before in force, and says why', async () => {
  const { synced, view, send, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  send('MODIFIED', configMap('6', 'a: ['));
  await vi.waitFor(() => expect(view()?.newerError).toMatch(/^could not parse config: /));
  expect(view()?.config).toEqual({ ok: true, value: { a: '1' } });
  send('MODIFIED', configMap('7', 'a: 2'));
  await vi.waitFor(() => expect(view()?.config).toEqual({ ok: true, value: { a: '2' } }));
  expect(view()).not.toHaveProperty('newerError');
  await end();
});

test('text that was never YAML says why', async () => {
  const { synced, view, end } = rig([configMap('5', 'a: [')]);
  await synced;
  expect(view()?.config).toMatchObject({ ok: false });
  await end();
});

test('a write to fields that we do not keep moves the version and tells nobody', async () => {
  const { synced, view, send, resourceVersion, changes, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  const before = view();
  send('MODIFIED', configMap('6', 'a: 1'));
  await vi.waitFor(() => expect(resourceVersion()).toBe('6'));
  expect(view()).toBe(before);
  expect(changes()).toBe(1);
  await end();
});

test('the version is that of the text that was read, while a newer one is being parsed', async () => {
  const { synced, view, resourceVersion, send, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  const versions: unknown[] = [];
  const note = (): void => void versions.push([resourceVersion(), view()?.config]);
  send('MODIFIED', configMap('6', 'a: 2'));
  for (let turn = 0; turn < 50; turn++) {
    note();
    await Promise.resolve();
  }
  await vi.waitFor(() => expect(resourceVersion()).toBe('6'));
  note();
  const first = ['5', { ok: true, value: { a: '1' } }];
  const second = ['6', { ok: true, value: { a: '2' } }];
  expect(versions.filter((seen, at) => at === 0 || JSON.stringify(seen) !== JSON.stringify(versions[at - 1]))).toEqual([
    first,
    second,
  ]);
  await end();
});

test('a write is seen by its answer, before the watch brings it', async () => {
  const { synced, view, resourceVersion, write, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  await write(async () => Promise.resolve(configMap('6', 'a: 1', 'true')));
  expect(view()?.isInUse).toBe(true);
  expect(resourceVersion()).toBe('6');
  await end();
});

test('the mark alone does not parse anew', async () => {
  const { synced, view, send, end } = rig([configMap('5', 'a: 1')]);
  await synced;
  const { config } = view()!;
  send('MODIFIED', configMap('6', 'a: 1', 'true'));
  await vi.waitFor(() => expect(view()?.isInUse).toBe(true));
  expect(view()?.config).toBe(config);
  await end();
});

test.each([
  ['deleted', (send: ReturnType<typeof rig>['send']) => send('DELETED', configMap('6', 'a: 1', 'true')), undefined],
  ['emptied', (send: ReturnType<typeof rig>['send']) => send('MODIFIED', configMap('6', '', 'true')), 'u1'],
])('one that is %s while in use configures nothing, and the log says so', async (_, edit, uid) => {
  const { synced, view, send, warnings, end } = rig([configMap('5', 'a: 1', 'true')]);
  await synced;
  edit(send);
  await vi.waitFor(() => expect(view()?.config).toBeUndefined());
  expect(view()?.uid).toBe(uid);
  expect(warnings).toEqual(['the old configuration is gone: its pools give no more addresses']);
  await end();
});

test('without one it is synced all the same; without a name nothing is asked', async () => {
  const none = rig([]);
  await none.synced;
  expect(none.view()).toBeUndefined();
  await none.end();
  const unnamed = rig([], '');
  await unnamed.synced;
  await unnamed.end();
  expect(unnamed.reads).toEqual([]);
});
