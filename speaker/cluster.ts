import { nothingConfigured } from '../src/domain/config/assemble.ts';
import type { ConfigurationProblem } from '../src/domain/config/configuration.ts';
import type { CustomResource } from '../src/domain/config/custom-resource.ts';
import type { Api } from '../src/k8s/client/api.ts';
import { problemReporter, type ProblemReporterOptions } from '../src/k8s/configuration-problems.ts';
import { configurationWatch } from '../src/k8s/configuration-watch.ts';
import { projectCustomResource } from '../src/k8s/custom-resource.ts';
import { watchLegacyConfigMap } from '../src/k8s/legacy-config-map.ts';
import { projectEndpointSlice, projectNode, projectService, projectSpeakerPod } from '../src/k8s/projections.ts';
import { createReflector, type Reflector, type ReflectorOptions } from '../src/k8s/watch/reflector.ts';
import { collectionPath, resources } from '../src/k8s/resources.ts';
import type { Log } from '../src/lib/log.ts';
import type { Clock } from '../src/lib/time.ts';
import type { Mirrors, Speaker } from './speaker-ports.ts';

export type ClusterOptions = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the custom resources and the speaker pods are. */
  readonly namespace: string;
  /** Label selector of the speaker pods. */
  readonly podSelector: string;
  /** Name of the old ConfigMap; empty: none is read. */
  readonly legacyName: string;
  readonly metrics: ProblemReporterOptions['metrics'];
  /** Told of all that is wrong with the configuration, after each assembly of it. */
  readonly onProblems: (problems: readonly ConfigurationProblem[]) => void;
  /** Told of every object that came, changed or went. */
  readonly onUpdate: () => void;
  /** Who takes the changes; asked for at the first one. */
  readonly speaker: () => Pick<Speaker, 'onService' | 'onSlice' | 'onNode' | 'onPod' | 'onConfiguration'>;
};

/** The part of the cluster that a speaker watches. */
export type Cluster = {
  readonly mirrors: Mirrors;
  /** Whether every watch tells of changes now. */
  readonly isCurrent: () => boolean;
  /** Settles when every mirror has been read once. */
  readonly synced: Promise<void>;
  /** Keeps the mirrors current until `signal` aborts. Rejects only for a fault of ours. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Watches what the decisions rest on. Namespaces are not among it: they decide who may get an address. */
export const watchCluster = ({
  api,
  clock,
  log,
  namespace,
  podSelector,
  legacyName,
  metrics,
  onProblems,
  onUpdate,
  speaker,
}: ClusterOptions): Cluster => {
  const reflect = <View>(options: Omit<ReflectorOptions<View>, 'api' | 'clock' | 'log'>): Reflector<View> =>
    createReflector({
      api,
      clock,
      log,
      ...options,
      onChange: (change) => {
        onUpdate();
        options.onChange(change);
      },
    });

  const services = reflect({
    path: collectionPath(resources.services),
    project: projectService,
    onChange: (change) => speaker().onService(change),
  });
  const slices = reflect({
    path: collectionPath(resources.endpointSlices),
    // A headless service is never of type LoadBalancer.
    labelSelector: '!service.kubernetes.io/headless',
    project: projectEndpointSlice,
    onChange: (change) => speaker().onSlice(change),
  });
  const nodes = reflect({
    path: collectionPath(resources.nodes),
    project: projectNode,
    onChange: (change) => speaker().onNode(change),
  });
  const pods = reflect({
    path: collectionPath(resources.pods, namespace),
    labelSelector: podSelector,
    project: projectSpeakerPod,
    onChange: (change) => speaker().onPod(change),
  });
  const onConfiguration: ReflectorOptions<CustomResource>['onChange'] = (change) => {
    if (change.type !== 'updated' || change.changed) watch.touch();
  };
  const pools = reflect({
    path: collectionPath(resources.ipAddressPools, namespace),
    project: projectCustomResource,
    onChange: onConfiguration,
  });
  const l2Advertisements = reflect({
    path: collectionPath(resources.l2Advertisements, namespace),
    project: projectCustomResource,
    onChange: onConfiguration,
  });
  const legacy = watchLegacyConfigMap({
    api,
    clock,
    log,
    namespace,
    name: legacyName,
    onChange: () => {
      onUpdate();
      watch.touch();
    },
  });
  // The controller is who tells users, by events.
  const reportProblems = problemReporter({ log, metrics });

  const watch = configurationWatch({
    input: () => ({
      ...nothingConfigured,
      pools: [...pools.values()],
      l2Advertisements: [...l2Advertisements.values()],
      legacy: legacy.view(),
      metallbNamespace: namespace,
    }),
    onAssembly: ({ problems }) => {
      reportProblems(problems);
      onProblems(problems);
      speaker().onConfiguration();
    },
  });

  const mirrored = [services, slices, nodes, pods, pools, l2Advertisements];
  const all = [...mirrored, legacy];
  return {
    mirrors: {
      services,
      nodes,
      pods,
      configuration: () => {
        const assembly = watch.current();
        if (assembly === undefined) throw new Error('the configuration is asked for before all is listed');
        return assembly.configuration;
      },
    },
    isCurrent: () => mirrored.every(({ isCurrent }) => isCurrent()),
    synced: Promise.all(all.map(({ synced }) => synced)).then(() => watch.start()),
    run: async (signal) => {
      await Promise.all(all.map(({ run }) => run(signal)));
    },
  };
};
