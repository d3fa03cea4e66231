import type { Log } from '../../lib/log.ts';
import type { Clock } from '../../lib/time.ts';
import type { Api } from '../client/api.ts';
import { createReflector } from './reflector.ts';
import { isOlderVersion } from './resource-version.ts';
import { collectionPath, type Resource } from '../resources.ts';

export type WatchedObjectOptions<View> = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly resource: Resource;
  /** Undefined for an object of the cluster. */
  readonly namespace: string | undefined;
  readonly name: string;
  /** From a raw object, with its managed fields; undefined counts as if it did not exist. */
  readonly project: (raw: unknown) => View | undefined;
  /** Told after `current` has changed, if only by its version. */
  readonly onChange: () => void;
};

/** The newest known state of one object: what the watch has brought, or the answer to a write of ours. */
export type WatchedObject<View> = {
  /** Undefined if it does not exist. */
  readonly current: () => View | undefined;
  /**
   * Makes a write of the object, which `send` resolves with as it is then: that is `current` at once, and not only when
   * the watch brings it. Of what the watch does not know it would not tell the end, so the answer to a creation has to
   * come by the watch. Rejects as `send` does.
   */
  readonly write: (send: () => Promise<unknown>) => Promise<void>;
  /** Settles when `current` is known. */
  readonly synced: Promise<void>;
  /** Watches until the signal aborts. Rejects only for a fault of ours. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Watches one object by its name. Nothing happens until `run`. */
export const watchObject = <View extends { readonly resourceVersion: string }>(
  options: WatchedObjectOptions<View>,
): WatchedObject<View> => {
  const { resource, namespace, name, project, onChange } = options;
  let current: View | undefined;
  /** The version that an answer has brought, until the watch has it, too. */
  let ahead: string | undefined;

  const show = (view: View | undefined): void => {
    const isSame = view?.resourceVersion === current?.resourceVersion;
    current = view;
    if (!isSame) onChange();
  };

  const reflector = createReflector({
    ...options,
    path: collectionPath(resource, namespace),
    fieldSelector: `metadata.name=${name}`,
    keepsManagedFields: true,
    project,
    onChange: (change) => {
      const view = change.type === 'deleted' ? undefined : change.now;
      if (view !== undefined && ahead !== undefined && isOlderVersion(view.resourceVersion, ahead)) return;
      ahead = undefined;
      show(view);
    },
  });
  return {
    current: () => current,
    write: async (send) => {
      const view = project(await send());
      // The watch may have been quicker with this state, with a newer one, or with the end.
      if (view === undefined || current === undefined) return;
      if (!isOlderVersion(current.resourceVersion, view.resourceVersion)) return;
      ahead = view.resourceVersion;
      show(view);
    },
    synced: reflector.synced,
    run: reflector.run,
  };
};
