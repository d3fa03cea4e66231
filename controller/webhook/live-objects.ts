import type { LiveObjects } from '../../src/domain/admission/admission.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import { projectCustomResource } from '../../src/k8s/custom-resource.ts';
import { collectionPath, type Resource, resources } from '../../src/k8s/resources.ts';
import { list, object } from '../../src/lib/json.ts';
import type { Log } from '../../src/lib/log.ts';
import { type Millis, seconds } from '../../src/lib/time.ts';

/** The custom resources of our namespace that configure something. */
export type ConfigurationObjects = Pick<
  LiveObjects,
  'pools' | 'l2Advertisements' | 'bgpAdvertisements' | 'bgpPeers' | 'bfdProfiles' | 'communities'
>;

const kinds = {
  pools: resources.ipAddressPools,
  l2Advertisements: resources.l2Advertisements,
  bgpAdvertisements: resources.bgpAdvertisements,
  bgpPeers: resources.bgpPeers,
  bfdProfiles: resources.bfdProfiles,
  communities: resources.communities,
} as const satisfies Record<keyof ConfigurationObjects, Resource>;

/** Leaves a second of the three that the API server waits for us. */
const readDeadline: Millis = seconds(2);

export type ReadOptions = {
  readonly api: Api;
  readonly log: Log;
  readonly namespace: string;
  /** What was watched so far, for a kind that cannot be read in time. */
  readonly watched: () => ConfigurationObjects;
};

/**
 * Reads what is configured now, past every cache: objects of one `kubectl apply` come one after the other, faster than
 * a watch tells of them. Never rejects.
 */
export const readConfigurationObjects = async ({
  api,
  log,
  namespace,
  watched,
}: ReadOptions): Promise<ConfigurationObjects> => {
  const read = async (kind: keyof ConfigurationObjects): Promise<readonly CustomResource[]> => {
    try {
      const answer = await api.request({ path: collectionPath(kinds[kind], namespace), deadline: readDeadline });
      return list(object(answer)['items'])
        .map(projectCustomResource)
        .filter((resource) => resource !== undefined);
    } catch (error) {
      log.warn('judging by what was watched: the objects cannot be read', { kind: kinds[kind].kind, error });
      return watched()[kind];
    }
  };
  const [pools, l2Advertisements, bgpAdvertisements, bgpPeers, bfdProfiles, communities] = await Promise.all([
    read('pools'),
    read('l2Advertisements'),
    read('bgpAdvertisements'),
    read('bgpPeers'),
    read('bfdProfiles'),
    read('communities'),
  ]);
  return { pools, l2Advertisements, bgpAdvertisements, bgpPeers, bfdProfiles, communities };
};
