import { randomBytes } from 'node:crypto';
import { type Api, isAlreadyExists, isNotFound } from '../src/k8s/api.ts';
import { collectionPath, objectPath, resources } from '../src/k8s/resources.ts';
import { object, text } from '../src/lib/json.ts';

export type MemberlistSecretOptions = {
  readonly api: Pick<Api, 'request'>;
  readonly namespace: string;
  /** Name of the Secret. */
  readonly name: string;
  /** Name of our Deployment; the Secret is deleted with it. */
  readonly deployment: string;
  readonly signal: AbortSignal;
};

/**
 * Sees to it that the Secret with the speakers' common key exists, since their pods do not start without it. One that
 * is there is not touched, whoever made it. Rejects if the Deployment cannot be read or the Secret not be made.
 */
export const ensureMemberlistSecret = async ({
  api,
  namespace,
  name,
  deployment,
  signal,
}: MemberlistSecretOptions): Promise<'existed' | 'created'> => {
  try {
    await api.request({ path: objectPath(resources.secrets, namespace, name), signal });
    return 'existed';
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  const owner = await api.request({ path: objectPath(resources.deployments, namespace, deployment), signal });
  try {
    await api.request({
      method: 'POST',
      path: collectionPath(resources.secrets, namespace),
      signal,
      body: {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: {
          name,
          namespace,
          ownerReferences: [
            {
              apiVersion: resources.deployments.apiVersion,
              kind: resources.deployments.kind,
              name: deployment,
              uid: text(object(object(owner)['metadata'])['uid']),
            },
          ],
        },
        stringData: { secretkey: makeKey() },
      },
    });
    return 'created';
  } catch (error) {
    // Another replica was quicker.
    if (isAlreadyExists(error)) return 'existed';
    throw error;
  }
};

/** 16 random octets in base64 without padding: 22 characters, as MetalLB makes them. */
const makeKey = (): string => randomBytes(16).toString('base64').replace(/=+$/, '');
