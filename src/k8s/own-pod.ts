import { object, text } from '../lib/json.ts';
import { type Api, isNotFound } from './client/api.ts';
import { objectPath, resources } from './resources.ts';

/** An owner of an object, which goes when its owner goes. */
export type OwnerReference = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
};

/** Gives a reference to the pod that this process runs in, asked for once; undefined outside a pod. */
export const ownPod = (
  api: Pick<Api, 'request'>,
  namespace: string,
  name: string,
): (() => Promise<OwnerReference | undefined>) => {
  let known: OwnerReference | undefined;
  return async () => {
    if (known !== undefined || name === '') return known;
    try {
      const pod = await api.request({ path: objectPath(resources.pods, namespace, name) });
      const uid = text(object(object(pod)['metadata'])['uid']);
      known = uid === undefined ? undefined : { apiVersion: 'v1', kind: 'Pod', name, uid };
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return known;
  };
};
