import type { Api } from '../../src/k8s/api.ts';
import { createReflector } from '../../src/k8s/reflector.ts';
import { collectionPath, type Resource } from '../../src/k8s/resources.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Clock } from '../../src/lib/time.ts';
import { isOlderVersion } from '../../src/k8s/resource-version.ts';

export type WatchedObjectOptions<View> = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly project: (raw: unknown) => View | undefined;
  readonly onChange: () => void;
};

/** The newest known state of one object: what the watch has brought, or the answer to a write of ours. */
export type WatchedObject<View> = {
  /** Undefined if it does not exist. */
  readonly current: () => View | undefined;
  /** Takes in the answer to a write: the watch says the same later. */
  readonly wrote: (raw: unknown) => void;
  /** Settles when `current` is known. */
  readonly synced: Promise<void>;
  /** Watches until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Watches one object by its name. Nothing happens until `run`. */
export const watchObject = <View extends { readonly resourceVersion: string }>(
  options: WatchedObjectOptions<View>,
): WatchedObject<View> => {
  const { api, clock, log, resource, namespace, name, project, onChange } = options;
  let current: View | undefined;
  const take = (view: View | undefined): void => {
    if (view !== undefined && current !== undefined && isOlderVersion(view.resourceVersion, current.resourceVersion)) {
      return;
    }
    current = view;
    onChange();
  };
  const reflector = createReflector({
    api,
    clock,
    log,
    path: collectionPath(resource, namespace),
    fieldSelector: `metadata.name=${name}`,
    project,
    onChange: (change) => take(change.type === 'deleted' ? undefined : change.now),
  });
  return {
    current: () => current,
    wrote: (raw) => take(project(raw)),
    synced: reflector.synced,
    run: reflector.run,
  };
};
