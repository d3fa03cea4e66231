import { expect, test } from 'vitest';
import { type ApiClient, ApiError, type WatchEvent } from './api-client.ts';
import { runReflector } from './reflector.ts';
import type { KubernetesObject } from './types.ts';

const object = (name: string, resourceVersion: string): KubernetesObject => ({
  metadata: { name, namespace: 'shop', uid: name, resourceVersion },
});

/** Plays one list or watch after the other and gives what the owner of a reflector was told, in order. */
const told = async (
  steps: readonly (readonly KubernetesObject[] | readonly WatchEvent[])[],
): Promise<readonly string[]> => {
  const end = new AbortController();
  const events: string[] = [];
  const remaining = [...steps];
  const next = (): unknown => {
    const step = remaining.shift();
    if (step === undefined) {
      end.abort();
      throw new Error('the end');
    }
    return step;
  };
  const client: ApiClient = {
    call: async <T>(_method: string, path: string) => {
      events.push('list');
      expect(path).toBe('/api/v1/pods?fieldSelector=spec.nodeName%3Dn1');
      return { metadata: { resourceVersion: '5' }, items: next() } as T;
    },
    watch: async function* (path) {
      events.push(`watch from ${new URL(path, 'http://x').searchParams.get('resourceVersion')}`);
      for (const event of next() as readonly WatchEvent[]) yield await Promise.resolve(event);
    },
  };
  const name = ({ metadata }: KubernetesObject): string => `${metadata.name}@${metadata.resourceVersion}`;
  await runReflector(
    client,
    '/api/v1/pods',
    'spec.nodeName=n1',
    {
      changed: (pod) => events.push(`changed ${name(pod)}`),
      deleted: (pod) => events.push(`deleted ${name(pod)}`),
      synced: () => events.push('synced'),
    },
    () => {},
    end.signal,
  );
  return events;
};

test('a list, then what changes; a watch that ends is resumed where it was', async () =>
  expect(
    await told([
      [object('a', '3')],
      [
        { type: 'ADDED', object: object('b', '6') },
        { type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } },
      ],
      [{ type: 'DELETED', object: object('a', '10') }],
    ]),
  ).toEqual([
    'list',
    'changed a@3',
    'synced',
    'watch from 5',
    'changed b@6',
    'watch from 9',
    'deleted a@10',
    'watch from 10',
  ]));

test('a version that the server has forgotten leads to a new list, which tells what went meanwhile', async () => {
  const gone = { code: 410, reason: 'Expired', message: 'too old resource version' };
  expect(
    await told([[object('a', '3'), object('b', '4')], [{ type: 'ERROR', object: gone }], [object('b', '4')]]),
  ).toEqual([
    'list',
    'changed a@3',
    'changed b@4',
    'synced',
    'watch from 5',
    'list',
    'deleted a@3',
    'changed b@4',
    'synced',
    'watch from 5',
  ]);
});

test('an answer of the API server says what was asked', () =>
  expect(new ApiError('GET', '/api', 403, 'Forbidden', 'no').message).toBe('GET /api: 403 no'));
