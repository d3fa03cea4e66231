import type { ConfigurationInput } from '../src/domain/config/assemble.ts';
import type { CustomResource } from '../src/domain/config/custom-resource.ts';
import type { ObjectKey, ServiceView } from '../src/domain/objects.ts';
import type { L2StatusView } from '../src/domain/service/announced.ts';
import { mayConcern } from '../src/domain/service/plan.ts';
import type { Api } from '../src/k8s/client/api.ts';
import { projectCustomResource } from '../src/k8s/custom-resource.ts';
import { projectNamespace, projectNode, projectService } from '../src/k8s/projections.ts';
import { projectL2Status } from '../src/k8s/service-l2-status.ts';
import { type Change, createReflector, type Reflector } from '../src/k8s/watch/reflector.ts';
import { collectionPath, type Resource, resources } from '../src/k8s/resources.ts';
import type { BgpType } from '../src/lib/bgp-type.ts';
import type { Log } from '../src/lib/log.ts';
import type { Clock } from '../src/lib/time.ts';
import type { LegacyConfig } from './legacy-config.ts';
import { l2StatusIndex } from '../src/k8s/l2-status-index.ts';
import { type PoolView, projectPool } from './term/pool-view.ts';

export type ClusterOptions = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Namespace of the custom resources. */
  readonly metallbNamespace: string;
  /** `--lb-class` */
  readonly lbClass: string;
  readonly bgpType: BgpType;
  /** The old ConfigMap, which is watched by itself. */
  readonly legacy: Pick<LegacyConfig, 'view'>;
  readonly onService: (change: Change<ServiceView>) => void;
  readonly onPool: (change: Change<PoolView>) => void;
  /** What speakers say of these services has changed, or is known now. */
  readonly onL2Statuses: (services: Iterable<ObjectKey>) => void;
  /** Something that the configuration is made of has changed. */
  readonly onConfigurationChange: () => void;
};

/** The part of the cluster that the controller knows, leading or not. */
export type Cluster = {
  readonly services: Pick<Reflector<ServiceView>, 'values'>;
  readonly pools: Pick<Reflector<PoolView>, 'values'>;
  /** What speakers say of a service; undefined before it is known. */
  readonly l2StatusesOf: (service: ObjectKey) => Iterable<L2StatusView> | undefined;
  /** All that the configuration is made of, as it is known now. */
  readonly configurationInput: () => ConfigurationInput;
  /** Settles when everything that addresses depend on has been listed once. */
  readonly synced: Promise<unknown>;
  /** Whether all has been listed. Peers that are stored in an older version need a webhook to be listed, maybe ours. */
  readonly isComplete: () => boolean;
  /** Lists the services and the pools anew: nothing that was written before is missing then. */
  readonly catchUp: () => Promise<void>;
  /** Keeps the copies current until `signal` aborts. Rejects only for a fault of ours. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Watches services, namespaces, nodes and the custom resources. */
export const watchCluster = (options: ClusterOptions): Cluster => {
  const { api, clock, log, metallbNamespace, lbClass, bgpType, legacy, onService, onPool } = options;
  const reflect = <View>(
    resource: Resource,
    namespace: string | undefined,
    project: (raw: unknown) => View | undefined,
    onChange: (change: Change<View>) => void,
  ): Reflector<View> =>
    createReflector({ api, clock, log, path: collectionPath(resource, namespace), project, onChange });

  const touchIfChanged = (change: Change<unknown>): void => {
    if (change.type !== 'updated' || change.changed) options.onConfigurationChange();
  };
  const custom = (resource: Resource): Reflector<CustomResource> =>
    reflect(resource, metallbNamespace, projectCustomResource, touchIfChanged);

  const services = reflect(resources.services, undefined, projectConcerned(lbClass), onService);
  const pools = reflect(resources.ipAddressPools, metallbNamespace, projectPool, (change) => {
    if (change.type !== 'updated' || !isSameResource(change.before, change.now)) options.onConfigurationChange();
    onPool(change);
  });
  const l2Advertisements = custom(resources.l2Advertisements);
  const bgpAdvertisements = custom(resources.bgpAdvertisements);
  const bgpPeers = custom(resources.bgpPeers);
  const bfdProfiles = custom(resources.bfdProfiles);
  const communities = custom(resources.communities);
  const namespaces = reflect(resources.namespaces, undefined, projectNamespace, touchIfChanged);
  const nodes = reflect(
    resources.nodes,
    undefined,
    (raw) => {
      const node = projectNode(raw);
      return node && { name: node.name, labels: node.labels };
    },
    touchIfChanged,
  );
  const said = l2StatusIndex();
  let isSaidKnown = false;
  const l2Statuses = reflect(resources.serviceL2Statuses, metallbNamespace, projectL2Status, (change) => {
    const touched = said.apply(change);
    if (isSaidKnown) options.onL2Statuses(touched);
  });
  void l2Statuses.synced.then(() => {
    isSaidKnown = true;
    options.onL2Statuses(Array.from(services.values(), ({ key }) => key));
  });
  const essential = [services, pools, l2Advertisements, bgpAdvertisements, bfdProfiles, communities, namespaces, nodes];
  let isComplete = false;
  void Promise.all([...essential, bgpPeers].map(async ({ synced }) => synced)).then(() => {
    isComplete = true;
    options.onConfigurationChange();
  });

  return {
    services,
    pools,
    l2StatusesOf: (service) => (isSaidKnown ? said.of(service) : undefined),
    configurationInput: () => ({
      pools: Array.from(pools.values(), ({ resource }) => resource),
      l2Advertisements: [...l2Advertisements.values()],
      bgpAdvertisements: [...bgpAdvertisements.values()],
      bgpPeers: [...bgpPeers.values()],
      bfdProfiles: [...bfdProfiles.values()],
      communities: [...communities.values()],
      legacy: legacy.view(),
      namespaces: [...namespaces.values()],
      nodes: [...nodes.values()],
      bgpType,
      metallbNamespace,
    }),
    synced: Promise.all(essential.map(async ({ synced }) => synced)),
    isComplete: () => isComplete,
    catchUp: async () => {
      await Promise.all([services.relist(), pools.relist()]);
    },
    run: async (signal) => {
      await Promise.all([...essential, bgpPeers, l2Statuses].map(async (reflector) => reflector.run(signal)));
    },
  };
};

/**
 * Keeps the services that can concern us. The others, most of a cluster's, cost nothing; a service that stops concerning us
 * counts as deleted.
 */
const projectConcerned =
  (lbClass: string) =>
  (raw: unknown): ServiceView | undefined => {
    const service = projectService(raw);
    return service !== undefined && mayConcern(service, { lbClass }) ? service : undefined;
  };

/** Whether only the status differs. The raw objects come from JSON, in the server's stable order of fields. */
const isSameResource = (a: PoolView, b: PoolView): boolean => JSON.stringify(a.resource) === JSON.stringify(b.resource);
