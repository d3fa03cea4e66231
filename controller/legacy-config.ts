import { type ConfigMapView, inUseAnnotation } from '../src/domain/objects.ts';
import { type Api, isConflict } from '../src/k8s/client/api.ts';
import type { Leadership } from '../src/k8s/leadership/leader-election.ts';
import { type LegacyConfigMapOptions, watchLegacyConfigMap } from '../src/k8s/legacy-config-map.ts';
import { objectPath, resources } from '../src/k8s/resources.ts';
import type { WorkOutcome } from '../src/k8s/work-queue.ts';
import { createLeaderTask } from '../src/k8s/leadership/leader-task.ts';

export type LegacyConfigOptions = LegacyConfigMapOptions & {
  /** For the one write: it lets only the leader write. */
  readonly writer: Pick<Api, 'request'>;
  readonly leadership: Pick<Leadership, 'isLeader' | 'onChange'>;
};

/** The ConfigMap that configured MetalLB before version 0.13, and the mark that it is wanted. */
export type LegacyConfig = {
  /** As it is now; undefined if there is none. */
  readonly view: () => ConfigMapView | undefined;
  /**
   * Says after each assembly whether the ConfigMap is to be marked. It is then marked as soon as this replica may write,
   * unless another call has taken that back, or another replica was quicker.
   */
  readonly mark: (isWanted: boolean) => void;
  /** Settles when it has been looked for once, and been parsed. */
  readonly synced: Promise<void>;
  /** Keeps the view current until `signal` aborts; then lets the write under way end, if that is soon, and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Watches the ConfigMap; nothing happens until `run`. */
export const createLegacyConfig = (options: LegacyConfigOptions): LegacyConfig => {
  const { writer, clock, leadership, namespace, name } = options;
  const log = options.log.child({ configMap: `${namespace}/${name}` });
  const configMap = watchLegacyConfigMap(options);
  let isWanted = false;

  const writeMark = async (): Promise<WorkOutcome> => {
    const view = configMap.view();
    if (!isWanted || view === undefined || view.isInUse) return { type: 'done' };
    // With the version, so that what is marked is what was read.
    const metadata = {
      uid: view.uid,
      resourceVersion: configMap.resourceVersion(),
      annotations: { [inUseAnnotation]: 'true' },
    };
    const path = objectPath(resources.configMaps, namespace, name);
    await configMap.write(async () => writer.request({ method: 'PATCH', path, body: { metadata } }));
    log.info('no custom resources: the old configuration is in use from now on', { annotation: inUseAnnotation });
    return { type: 'done' };
  };

  const task = createLeaderTask({
    clock,
    leadership,
    work: writeMark,
    onError: (error, retryAfter) => {
      if (isConflict(error)) log.debug('it has changed meanwhile');
      else log.warn('not marked', { error, retryAfterMs: Math.round(retryAfter) });
    },
  });

  return {
    view: configMap.view,
    mark: (wanted) => {
      isWanted = wanted;
      if (wanted) task.touch();
    },
    synced: configMap.synced,
    run: async (signal) => {
      try {
        await configMap.run(signal);
      } finally {
        await task.stop();
      }
    },
  };
};
