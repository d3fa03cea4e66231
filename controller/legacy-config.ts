import { type ConfigMapView, inUseAnnotation } from '../src/domain/objects.ts';
import { type Api, isConflict } from '../src/k8s/api.ts';
import { isNotLeader } from '../src/k8s/fenced-api.ts';
import { type LegacyConfigMapOptions, watchLegacyConfigMap } from '../src/k8s/legacy-config-map.ts';
import { objectPath, resources } from '../src/k8s/resources.ts';
import { createWorkQueue, type WorkOutcome } from '../src/k8s/work-queue.ts';
import { seconds } from '../src/lib/time.ts';

export type LegacyConfigOptions = LegacyConfigMapOptions & {
  /** For the one write: it lets only the leader write. */
  readonly writer: Pick<Api, 'request'>;
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
  /** Keeps the view current until `signal` aborts; then ends the write under way and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** A replica that may not write looks again so often whether the mark still wants writing. */
const standbyDelay = seconds(5);

/** Watches the ConfigMap; nothing happens until `run`. */
export const createLegacyConfig = (options: LegacyConfigOptions): LegacyConfig => {
  const { writer, clock, namespace, name } = options;
  const log = options.log.child({ configMap: `${namespace}/${name}` });
  const configMap = watchLegacyConfigMap(options);
  let isWanted = false;
  /** What was marked, as it was before; the watch will show the mark. */
  let marked: ConfigMapView | undefined;

  const writeMark = async (): Promise<WorkOutcome> => {
    const view = configMap.view();
    if (!isWanted || view === undefined || view.isInUse || view === marked) return { type: 'done' };
    try {
      await writer.request({
        method: 'PATCH',
        path: objectPath(resources.configMaps, namespace, name),
        // With the version, so that what is marked is what was read.
        body: {
          metadata: {
            uid: view.uid,
            resourceVersion: configMap.resourceVersion(),
            annotations: { [inUseAnnotation]: 'true' },
          },
        },
      });
    } catch (error) {
      if (isNotLeader(error)) return { type: 'retryAfter', delay: standbyDelay };
      throw error;
    }
    marked = view;
    log.info('no custom resources: the old configuration is in use from now on', { annotation: inUseAnnotation });
    return { type: 'done' };
  };

  const queue = createWorkQueue<'mark'>({
    clock,
    work: writeMark,
    onError: (_, error, retryAfter) => {
      if (isConflict(error)) log.debug('it has changed meanwhile');
      else log.warn('not marked', { error, retryAfterMs: Math.round(retryAfter) });
    },
    concurrency: 1,
  });

  return {
    view: configMap.view,
    mark: (wanted) => {
      isWanted = wanted;
      if (wanted) queue.add('mark');
    },
    synced: configMap.synced,
    run: async (signal) => {
      try {
        await configMap.run(signal);
      } finally {
        await queue.stop();
      }
    },
  };
};
