import type { Api } from '../control-plane/api.ts';
import { proxyHealthPort } from '../control-plane/components.ts';
import type { StartedComponent } from './processes.ts';

/** Asks, through the API server, whether a component does its work; rejects while the API server does not answer. */
export const isReady = async ({ name, startedAt }: StartedComponent, api: Api): Promise<boolean> => {
  switch (name) {
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
  const [, kind, node] = /^(kube-proxy|node-agent)-(.+)$/.exec(name) ?? [];
  if (kind === 'kube-proxy') {
    return (await api.get(`/api/v1/nodes/http:${node}:${proxyHealthPort}/proxy/healthz`)).status === 200;
  }
  if (kind === 'node-agent') return isNodeReady(`${node}`, startedAt, api);
  throw new Error(`no component is called "${name}"`);
};

type Conditions = readonly { readonly type: string; readonly status: string }[] | undefined;

const isTrue = (conditions: Conditions, type: string): boolean =>
  conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;

/** The API server asks the two by their health ports, which only its own host reaches. */
const isHealthy = async (name: string, api: Api): Promise<boolean> => {
  const { status, body } = await api.get(`/api/v1/componentstatuses/${name}`);
  return status === 200 && isTrue((JSON.parse(body) as { conditions?: Conditions }).conditions, 'Healthy');
};

/** A node's condition may be from before its agent was started; the lease tells. */
const isNodeReady = async (name: string, startedAt: string, api: Api): Promise<boolean> => {
  const node = await api.get(`/api/v1/nodes/${name}`);
  const lease = await api.get(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/${name}`);
  if (node.status !== 200 || lease.status !== 200) return false;
  const { conditions } = (JSON.parse(node.body) as { status: { conditions?: Conditions } }).status;
  const { renewTime = 0 } = (JSON.parse(lease.body) as { spec: { renewTime?: string } }).spec;
  return isTrue(conditions, 'Ready') && new Date(renewTime) >= new Date(startedAt);
};
