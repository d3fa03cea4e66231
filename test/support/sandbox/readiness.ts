import type { Api } from '../../../src/k8s/client/api.ts';
import { seconds } from '../../../src/lib/time.ts';
import { proxyHealthPort } from '../control-plane/components.ts';
import type { StartedComponent } from './processes.ts';

/** An answer that takes longer is none: who waits asks again. */
const deadline = seconds(2);

/** Asks for an object; rejects while it does not exist, or the API server does not answer. */
const get = async <T>(api: Api, path: string): Promise<T> => (await api.request({ path, deadline })) as T;

/** Whether the API server answers with a yes, which need not be an object; a no is a rejection. */
export const isThere = async (api: Api, path: string): Promise<boolean> => {
  await Array.fromAsync(await api.stream({ path, deadline }));
  return true;
};

/** Asks, through the API server, whether a component does its work; rejects while the API server does not answer. */
export const isReady = async ({ name, startedAt }: StartedComponent, api: Api): Promise<boolean> => {
  switch (name) {
    case 'etcd':
      // An object is read from etcd itself, where /readyz/etcd may answer from what it found a while ago.
      return isThere(api, '/api/v1/namespaces/default');
    case 'kube-apiserver':
      return isThere(api, '/readyz');
    case 'kube-controller-manager':
      // Pods can be created only when it has given the namespace its service account.
      return (
        (await isHealthy('controller-manager', api)) &&
        (await isThere(api, '/api/v1/namespaces/default/serviceaccounts/default'))
      );
    case 'kube-scheduler':
      return isHealthy('scheduler', api);
    default:
      break;
  }
  const [, kind, node] = /^(kube-proxy|node-agent)-(.+)$/.exec(name) ?? [];
  if (kind === 'kube-proxy') return isThere(api, `/api/v1/nodes/http:${node}:${proxyHealthPort}/proxy/healthz`);
  if (kind === 'node-agent') return isNodeReady(`${node}`, startedAt, api);
  throw new Error(`no component is called "${name}"`);
};

type Conditions = readonly { readonly type: string; readonly status: string }[] | undefined;

const isTrue = (conditions: Conditions, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** The API server asks the two by their health ports, which only its own host reaches. */
const isHealthy = async (name: string, api: Api): Promise<boolean> =>
  isTrue((await get<{ conditions?: Conditions }>(api, `/api/v1/componentstatuses/${name}`)).conditions, 'Healthy');

/** A node's condition may be from before its agent was started; the lease tells. */
const isNodeReady = async (name: string, startedAt: string, api: Api): Promise<boolean> => {
  const { status } = await get<{ status: { conditions?: Conditions } }>(api, `/api/v1/nodes/${name}`);
  const lease = `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`;
  const { renewTime = 0 } = (await get<{ spec: { renewTime?: string } }>(api, lease)).spec;
  return isTrue(status.conditions, 'Ready') && new Date(renewTime) >= new Date(startedAt);
};
