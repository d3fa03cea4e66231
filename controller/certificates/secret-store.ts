import type { ApiRequest } from '../../src/k8s/client/api.ts';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import { filled, object, text } from '../../src/lib/json.ts';
import type { WallTime } from '../../src/lib/time.ts';
import type { SecretContent } from './read-secret.ts';
import { stampedAt } from './stamps.ts';

/** What we keep of the Secret. */
export type SecretView = {
  readonly resourceVersion: string;
  readonly stampedAt: WallTime | undefined;
  readonly content: SecretContent;
};

/** Content that is to stand in the Secret; what is absent stays as it is. */
export type SecretChange = Partial<SecretContent>;

/** From a raw Secret; the manifests ship it empty. */
export const projectSecret = (raw: unknown): SecretView | undefined => {
  const metadata = object(object(raw)['metadata']);
  const resourceVersion = filled(metadata['resourceVersion']);
  if (resourceVersion === undefined) return undefined;
  const data = object(object(raw)['data']);
  const decode = (key: keyof SecretContent): string => Buffer.from(text(data[key]) ?? '', 'base64').toString();
  return {
    resourceVersion,
    stampedAt: stampedAt(metadata),
    content: {
      'ca.crt': decode('ca.crt'),
      'ca.key': decode('ca.key'),
      'tls.crt': decode('tls.crt'),
      'tls.key': decode('tls.key'),
    },
  };
};

const fieldManager = 'MetalLB';

/** The write that changes the Secret, or makes it; refused by the API server if it is not as `view` says any more. */
export const writeSecret = (
  namespace: string,
  name: string,
  view: SecretView | undefined,
  change: SecretChange,
): ApiRequest => {
  const data = Object.fromEntries(
    Object.entries(change).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
  );
  if (view === undefined) {
    return {
      method: 'POST',
      path: collectionPath(resources.secrets, namespace),
      query: { fieldManager },
      body: { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, type: 'Opaque', data },
    };
  }
  return {
    method: 'PATCH',
    path: objectPath(resources.secrets, namespace, name),
    query: { fieldManager },
    body: { metadata: { resourceVersion: view.resourceVersion }, data },
  };
};
