import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, ApiError, isStatus } from './api-client.ts';
import type { KubernetesObject } from './types.ts';
import type { Log } from './log.ts';

/** What a reflector tells its owner. Every object of a re-list comes as `changed`, whether it differs or not. */
export type ReflectorEvents<T> = {
  readonly changed: (object: T) => void;
  readonly deleted: (object: T) => void;
  /** A whole list has been delivered. */
  readonly synced: () => void;
};

type List<T> = { readonly metadata: { readonly resourceVersion: string }; readonly items: readonly T[] };

/** Pauses between attempts while the API server cannot be reached, in ms. */
const firstPause = 50;
const longestPause = 1000;

/** Lists and watches one collection (`path` with its selector) until `signal` aborts; resumes after every failure. */
export const runReflector = async <T extends KubernetesObject>(
  client: ApiClient,
  path: string,
  fieldSelector: string,
  events: ReflectorEvents<T>,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  const known = new Map<string, T>();
  const query = (parameters: Readonly<Record<string, string>>) =>
    `${path}?${new URLSearchParams({ fieldSelector, ...parameters }).toString()}`;

  const list = async (): Promise<string> => {
    const { items, metadata } = await client.call<List<T>>('GET', query({}), undefined, signal);
    const present = new Set(items.map((item) => item.metadata.uid));
    for (const [uid, object] of known) {
      if (present.has(uid)) continue;
      known.delete(uid);
      events.deleted(object);
    }
    for (const item of items) {
      known.set(item.metadata.uid, item);
      events.changed(item);
    }
    events.synced();
    return metadata.resourceVersion;
  };

  let version: string | undefined;
  let pause = firstPause;
  while (!signal.aborted) {
    try {
      version ??= await list();
      const watch = client.watch(
        query({ watch: '1', allowWatchBookmarks: 'true', timeoutSeconds: '300', resourceVersion: version }),
        signal,
      );
      for await (const { type, object } of watch) {
        if (type === 'ERROR') {
          const status = object as { readonly code: number; readonly reason: string; readonly message: string };
          throw new ApiError('WATCH', path, status.code, status.reason, status.message);
        }
        const item = object as T;
        version = item.metadata.resourceVersion;
        pause = firstPause;
        if (type === 'BOOKMARK') continue;
        if (type === 'DELETED') {
          known.delete(item.metadata.uid);
          events.deleted(item);
        } else {
          known.set(item.metadata.uid, item);
          events.changed(item);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // Gone: the server forgot the version, so everything is listed again.
      if (isStatus(error, 410)) version = undefined;
      else if (pause === firstPause) log('watch interrupted', { path, error });
      await sleep(pause, undefined, { signal }).catch(() => undefined);
      pause = Math.min(pause * 2, longestPause);
    }
  }
};
