import { expect, test } from 'vitest';
import { configMap, configMapApi } from '../../../test/support/config-map-api.ts';
import { fakeClock } from '../../../test/support/fake-clock.ts';
import { silentLog } from '../../../test/support/silent-log.ts';
import { list, object } from '../../lib/json.ts';
import { millis } from '../../lib/time.ts';
import { projectConfigMap } from '../projections.ts';
import { resources } from '../resources.ts';
import { watchObject } from './watched-object.ts';

/** The managers that an object says have written it. */
const managersOf = (raw: unknown): readonly unknown[] =>
  list(object(object(raw)['metadata'])['managedFields']).map((entry) => object(entry)['manager']);

/** A running watch of a ConfigMap; what is seen of it is its version, its text, and who has written it. */
const rig = async (items: readonly object[]) => {
  const clock = fakeClock();
  const server = configMapApi(items);
  const ending = new AbortController();
  let changes = 0;
  const watched = watchObject({
    api: server.api,
    clock,
    log: silentLog,
    resource: resources.configMaps,
    namespace: 'metallb-system',
    name: 'config',
    project: (raw) => {
      const view = projectConfigMap(raw);
      return view && { ...view, managers: managersOf(raw) };
    },
    onChange: () => changes++,
  });
  const running = watched.run(ending.signal);
  await watched.synced;
  return {
    ...server,
    ...watched,
    version: () => watched.current()?.resourceVersion,
    takeChanges: () => {
      const count = changes;
      changes = 0;
      return count;
    },
    settle: async () => clock.advanceAsync(millis(0)),
    end: async () => {
      ending.abort();
      await running;
    },
  };
};

const managed = (version: string, managers: readonly string[]): object => {
  const raw = configMap(version, 'a: 1') as { readonly metadata: object };
  return {
    ...raw,
    metadata: { ...raw.metadata, managedFields: managers.map((manager) => ({ manager, operation: 'Update' })) },
  };
};

test('the object is asked for by its name, and followed', async () => {
  const { reads, version, takeChanges, send, settle, end } = await rig([configMap('5', 'a: 1')]);
  expect(reads[0]).toMatchObject({
    path: '/api/v1/namespaces/metallb-system/configmaps',
    query: { fieldSelector: 'metadata.name=config' },
  });
  expect(version()).toBe('5');
  expect(takeChanges()).toBe(1);
  send('MODIFIED', configMap('6', 'a: 1'));
  await settle();
  expect(version()).toBe('6');
  send('DELETED', configMap('7', 'a: 1'));
  await settle();
  expect(version()).toBeUndefined();
  expect(takeChanges()).toBe(2);
  await end();
});

test('the managed fields are seen, of what was listed and of what changes', async () => {
  const { current, send, settle, end } = await rig([managed('5', ['kubectl'])]);
  expect(current()?.managers).toEqual(['kubectl']);
  send('MODIFIED', managed('6', ['kubectl', 'MetalLB']));
  await settle();
  expect(current()?.managers).toEqual(['kubectl', 'MetalLB']);
  await end();
});

test('the answer to a write counts at once, and what the watch brings from before it counts no more', async () => {
  const { version, write, takeChanges, send, settle, end } = await rig([configMap('5', 'a: 1')]);
  takeChanges();
  await write(async () => Promise.resolve(configMap('9', 'a: 2')));
  expect(version()).toBe('9');
  send('MODIFIED', configMap('8', 'a: 1'));
  send('MODIFIED', configMap('9', 'a: 2'));
  await settle();
  expect(version()).toBe('9');
  expect(takeChanges()).toBe(1);
  send('MODIFIED', configMap('10', 'a: 3'));
  await settle();
  expect(version()).toBe('10');
  await end();
});

test('an answer that comes after the end of the object does not bring it back', async () => {
  const { current, write, send, settle, end } = await rig([configMap('5', 'a: 1')]);
  const answer = Promise.withResolvers<unknown>();
  const writing = write(async () => answer.promise);
  send('MODIFIED', configMap('6', 'a: 2'));
  send('DELETED', configMap('7', 'a: 2'));
  await settle();
  answer.resolve(configMap('6', 'a: 2'));
  await writing;
  expect(current()).toBeUndefined();
  await end();
});

test('an answer that comes after a newer state does not bring the older one back', async () => {
  const { version, write, send, settle, end } = await rig([configMap('9', 'a: 1')]);
  const answer = Promise.withResolvers<unknown>();
  const writing = write(async () => answer.promise);
  send('MODIFIED', configMap('11', 'a: 3'));
  await settle();
  answer.resolve(configMap('10', 'a: 2'));
  await writing;
  expect(version()).toBe('11');
  await end();
});

test('the answer to a creation waits for the watch, which alone would tell the end', async () => {
  const { current, version, write, send, settle, end } = await rig([]);
  await write(async () => Promise.resolve(configMap('11', 'a: 1')));
  expect(current()).toBeUndefined();
  send('ADDED', configMap('11', 'a: 1'));
  await settle();
  expect(version()).toBe('11');
  await end();
});

test('an answer that cannot be read changes nothing, and an error is handed on', async () => {
  const { version, write, takeChanges, end } = await rig([configMap('5', 'a: 1')]);
  takeChanges();
  await write(async () => Promise.resolve({ kind: 'Status' }));
  expect(version()).toBe('5');
  await expect(write(async () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(version()).toBe('5');
  expect(takeChanges()).toBe(0);
  await end();
});

test('versions may start again from below, when the cluster was restored', async () => {
  const { version, write, send, settle, end } = await rig([configMap('50', 'a: 1')]);
  await write(async () => Promise.resolve(configMap('60', 'a: 2')));
  send('MODIFIED', configMap('60', 'a: 2'));
  send('MODIFIED', configMap('7', 'a: 1'));
  await settle();
  expect(version()).toBe('7');
  await end();
});
