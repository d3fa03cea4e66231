import { isAlreadyExists, isNotFound } from '../../../src/k8s/client/api.ts';
import { collectionPath, objectPath, type Resource, resources } from '../../../src/k8s/resources.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** An object, as a user writes it. */
export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations?: object };
} & Readonly<Record<string, unknown>>;

const namespace = 'metallb-system';

/** An `IPAddressPool` of our namespace. */
export const pool = (name: string, addresses: readonly string[], spec: object = {}): Manifest => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'IPAddressPool',
  metadata: { name, namespace },
  spec: { addresses, ...spec },
});

/** An `L2Advertisement` of our namespace. */
export const l2Advertisement = (name: string, spec: object = {}): Manifest => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'L2Advertisement',
  metadata: { name, namespace },
  spec,
});

/** A Service of type LoadBalancer in front of the pods of `backends`, unless told otherwise. */
export const loadBalancer = (
  name: string,
  { annotations = {}, ...spec }: { readonly annotations?: object } & Readonly<Record<string, unknown>> = {},
): Manifest => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default', annotations },
  spec: {
    type: 'LoadBalancer',
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 80 }],
    ...spec,
  },
});

/** A Deployment of web servers, named `web`. */
export const backends = (replicas = 2): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'web', image: 'nginx:1.27', ports: [{ containerPort: 80 }] }] },
    },
  },
});

/**
 * Creates objects, or changes those that exist to what is given, one after the other: through kubectl, which slows itself
 * down, 200 objects take a minute. Rejects with what the API server says.
 */
export const apply = async ({ api }: Sandbox, ...objects: readonly Manifest[]): Promise<void> => {
  for (const body of objects) {
    const { namespace: folder, name } = body.metadata;
    try {
      await api.request({ method: 'POST', path: collectionPath(resourceOf(body), folder), body });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      await api.request({ method: 'PATCH', path: objectPath(resourceOf(body), folder, name), body });
    }
  }
};

/** Deletes objects; those that do not exist are fine. */
export const remove = async ({ api }: Sandbox, ...objects: readonly Manifest[]): Promise<void> => {
  for (const object of objects) {
    const { namespace: folder, name } = object.metadata;
    try {
      await api.request({ method: 'DELETE', path: objectPath(resourceOf(object), folder, name) });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
};

const resourceOf = ({ apiVersion, kind }: Manifest): Resource => {
  const found = Object.values(resources).find((each) => each.apiVersion === apiVersion && each.kind === kind);
  if (found === undefined) throw new Error(`${apiVersion} ${kind} is not among the resources`);
  return found;
};
