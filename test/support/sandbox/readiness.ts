import type { Api } from '../control-plane/api.ts';
import { proxyHealthPort } from '../control-plane/components.ts';

/** Asks, through the API server, whether a component does its work; rejects while the API server does not answer. */
export const isReady = async (component: string, api: Api): Promise<boolean> => {
  switch (component) {
    case 'etcd':
      // An object is read from etcd itself, where /readyz/etcd may answer from what it found a while ago.
      return (await api.get('/api/v1/namespaces/default')).status === 200;
    case 'kube-apiserver':
      return (await api.get('/readyz')).status === 200;
    case 'kube-controller-manager':
      // Pods can be created only when it has given the namespace its service account.
      return (
        (await isHealthy('controller-manager', api)) &&
        (await api.get('/api/v1/namespaces/default/serviceaccounts/default')).status === 200
      );
    case 'kube-scheduler':
      return isHealthy('scheduler', api);
    default:
      break;
  }
  const [, kind, node] = /^(kube-proxy|node-agent)-(.+)$/.exec(component) ?? [];
  if (kind === 'kube-proxy') {
    return (await api.get(`/api/v1/nodes/http:${node}:${proxyHealthPort}/proxy/healthz`)).status === 200;
  }
  if (kind === 'node-agent') return isNodeReady(`${node}`, api);
  throw new Error(`no component is called "${component}"`);
};

type Conditions = readonly { readonly type: string; readonly status: string }[] | undefined;

const isTrue = (conditions: Conditions, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** The API server asks the two by their health ports, which only its own host reaches. */
const isHealthy = async (name: string, api: Api): Promise<boolean> => {
  const { status, body } = await api.get(`/api/v1/componentstatuses/${name}`);
  return status === 200 && isTrue((JSON.parse(body) as { conditions?: Conditions }).conditions, 'Healthy');
};

const isNodeReady = async (name: string, api: Api): Promise<boolean> => {
  const { status, body } = await api.get(`/api/v1/nodes/${name}`);
  return (
    status === 200 && isTrue((JSON.parse(body) as { status: { conditions?: Conditions } }).status.conditions, 'Ready')
  );
};
