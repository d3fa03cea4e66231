import type { Sandbox } from '../sandbox/sandbox.ts';

/** An object for `kubectl apply`. */
export type Manifest = { readonly apiVersion: string; readonly kind: string } & Readonly<Record<string, unknown>>;

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

/** Applies objects in one go; rejects with what the API server says. */
export const apply = async (sandbox: Sandbox, ...objects: readonly Manifest[]): Promise<void> => {
  await sandbox.kubectl(['apply', '-f', '-'], { input: listOf(objects), timeout: 120_000 });
};

/** Deletes objects and waits until they are gone; those that do not exist are fine. */
export const remove = async (sandbox: Sandbox, ...objects: readonly Manifest[]): Promise<void> => {
  await sandbox.kubectl(['delete', '--ignore-not-found', '-f', '-'], { input: listOf(objects), timeout: 120_000 });
};

const listOf = (items: readonly Manifest[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
