import { type Collection, collections } from '../../src/domain/config/collections.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { ConfigurationResources } from '../../src/domain/config/input.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import { projectCustomResource } from '../../src/k8s/custom-resource.ts';
import { collectionPath, configurationResources } from '../../src/k8s/resources.ts';
import { list, object } from '../../src/lib/json.ts';
import type { Log } from '../../src/lib/log.ts';
import { type Millis, seconds } from '../../src/lib/time.ts';

/** Leaves a second of the three that the API server waits for us. */
const readDeadline: Millis = seconds(2);

export type ReadOptions = {
  readonly api: Api;
  readonly log: Log;
  readonly namespace: string;
  /** What was watched so far, for a kind that cannot be read in time. */
  readonly watched: () => ConfigurationResources;
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
}: ReadOptions): Promise<ConfigurationResources> => {
  const read = async (collection: Collection): Promise<readonly CustomResource[]> => {
    const resource = configurationResources[collection];
    try {
      const answer = await api.request({ path: collectionPath(resource, namespace), deadline: readDeadline });
      return list(object(answer)['items'])
        .map(projectCustomResource)
        .filter((resource) => resource !== undefined);
    } catch (error) {
      log.warn('judging by what was watched: the objects cannot be read', { kind: resource.kind, error });
      return watched()[collection];
    }
  };
  const found = await Promise.all(collections.map(async (collection) => [collection, await read(collection)]));
  return Object.fromEntries(found) as ConfigurationResources;
};
