import { realClock } from '../../../src/io/real-clock.ts';
import type { Api } from '../../../src/k8s/client/api.ts';
import { createReflector } from '../../../src/k8s/watch/reflector.ts';
import type { Log } from '../../../src/lib/log.ts';
import type { ConfigMap, KubernetesObject, Secret } from './types.ts';

/** What is known of a watched object: nothing yet, that it does not exist, or the object. */
export type Observed<T> = { readonly known: false } | { readonly known: true; readonly object: T | undefined };

/** A watched object; `stop` must be called when it is not needed any more. */
export type Observation<T> = { readonly current: () => Observed<T>; readonly stop: () => void };

type Entry = {
  observed: Observed<KubernetesObject>;
  readonly listeners: Set<() => void>;
  readonly abort: AbortController;
};

/** The kinds that pods refer to by name. */
type Kinds = { readonly secrets: Secret; readonly configmaps: ConfigMap };

/** Watches single Secrets and ConfigMaps as long as somebody needs them, each with one watch however many need it. */
export class ObjectCache {
  readonly #api: Api;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();

  constructor(api: Api, log: Log) {
    this.#api = api;
    this.#log = log;
  }

  /** Watches one object; `changed` is called after each change and when it is first known whether it exists. */
  observe<K extends keyof Kinds>(kind: K, namespace: string, name: string, changed: () => void): Observation<Kinds[K]> {
    const path = `/api/v1/namespaces/${namespace}/${kind}`;
    const key = `${path}/${name}`;
    const entry = this.#entries.get(key) ?? this.#start(key, path, name);
    const listener = (): void => changed();
    entry.listeners.add(listener);
    if (entry.observed.known) queueMicrotask(listener);
    return {
      current: () => entry.observed,
      stop: () => {
        entry.listeners.delete(listener);
        if (entry.listeners.size > 0 || this.#entries.get(key) !== entry) return;
        this.#entries.delete(key);
        entry.abort.abort();
      },
    };
  }

  #start(key: string, path: string, name: string): Entry {
    const entry: Entry = { observed: { known: false }, listeners: new Set(), abort: new AbortController() };
    this.#entries.set(key, entry);
    const set = (object: KubernetesObject | undefined): void => {
      entry.observed = { known: true, object };
      for (const listener of entry.listeners) listener();
    };
    const reflector = createReflector<KubernetesObject>({
      api: this.#api,
      clock: realClock,
      log: this.#log,
      path,
      fieldSelector: `metadata.name=${name}`,
      project: (raw) => raw as KubernetesObject,
      onChange: (change) => set(change.type === 'deleted' ? undefined : change.now),
    });
    void reflector.run(entry.abort.signal);
    void reflector.synced.then(() => {
      if (!entry.observed.known) set(undefined);
    });
    return entry;
  }
}
