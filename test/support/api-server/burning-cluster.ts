import type { Api } from '../../../src/k8s/client/api.ts';
import { isNotFound } from '../../../src/k8s/client/api.ts';
import { createClient } from '../../../src/k8s/client/client.ts';
import { loadCredentials } from '../../../src/k8s/client/credentials.ts';
import { collectionPath, resources } from '../../../src/k8s/resources.ts';
import { realClock } from '../../../src/io/real-clock.ts';
import { seconds } from '../../../src/lib/time.ts';
import { buildPrograms } from '../cluster/build.ts';
import { eventually } from '../cluster/eventually.ts';
import { l2Advertisement, loadBalancer, type Manifest } from '../cluster/objects.ts';
import { type AddressWitness, startAddressWitness } from './address-witness.ts';
import { type ApiServer, startApiServer } from './api-server.ts';
import { type ControllerProcess, startControllerProcess } from './controller-process.ts';
import { installDefinitions } from './definitions.ts';
import { type Call, type FaultProxy, startFaultProxy } from './fault-proxy.ts';

export const namespace = 'metallb-system';
export const services = collectionPath(resources.services, 'default');

/** A controller and the proxy that it sees the API server through. */
export type Replica = { readonly proxy: FaultProxy; readonly controller: ControllerProcess };

/** An API server, two replicas of the controller, each behind a proxy that fails as it is told, and a witness. */
export type BurningCluster = {
  readonly server: ApiServer;
  /** Past the proxies. */
  readonly api: Api;
  readonly witness: AddressWitness;
  readonly replicas: readonly Replica[];
  /** Aborted when one of the replicas ends. */
  readonly life: AbortSignal;
  /** Who says in its log that it leads. */
  readonly leader: () => Replica;
  /** Makes a call that changes something, again and again while the API server cannot do it. */
  readonly write: (request: Parameters<Api['request']>[0]) => Promise<void>;
  readonly create: (...objects: readonly Manifest[]) => Promise<void>;
  /** Settles when nothing but leases has been written for so long. */
  readonly rest: (milliseconds: number) => Promise<void>;
  readonly close: () => Promise<void>;
};

/** Starts it all, with an advertisement of every pool. */
export const startBurningCluster = async (): Promise<BurningCluster> => {
  await buildPrograms();
  const server = await startApiServer();
  const credentials = await loadCredentials({ clock: realClock, kubeconfig: server.kubeconfig });
  const api = createClient({ credentials, clock: realClock, userAgent: 'metallb-test/1' });
  const replicas: Replica[] = [];

  const write: BurningCluster['write'] = async (request) => {
    await eventually(`${request.method} ${request.path}`, async () => {
      try {
        await api.request({ deadline: seconds(60), ...request });
      } catch (error) {
        if (!isNotFound(error) || request.method !== 'DELETE') throw error;
      }
      return true;
    });
  };
  const create: BurningCluster['create'] = async (...objects) => {
    for (const body of objects) {
      const resource = Object.values(resources).find(({ kind }) => kind === body.kind);
      if (resource === undefined) throw new Error(`no resource ${body.kind}`);
      await write({ method: 'POST', path: collectionPath(resource, body.metadata.namespace), body });
    }
  };

  await installDefinitions(api, namespace);
  const witness = await startAddressWitness(api);
  await create(l2Advertisement('all'));
  for (const name of ['a', 'b']) {
    const proxy = await startFaultProxy(server);
    replicas.push({
      proxy,
      controller: await startControllerProcess({ url: proxy.url, token: server.token, namespace, name }),
    });
  }

  const life = AbortSignal.any(replicas.map(({ controller }) => controller.life));
  return {
    server,
    api,
    witness,
    replicas,
    life,
    leader: () => {
      const found = replicas.find(
        ({ controller }) => controller.log.findLast(({ msg }) => leadership.has(msg))?.msg === leads,
      );
      if (found === undefined) throw new Error('nobody leads');
      return found;
    },
    write,
    create,
    rest: async (milliseconds) => {
      await eventually(
        'nothing is written any more',
        () => {
          const since = performance.now() - milliseconds;
          return replicas.every(({ proxy }) => (proxy.calls.findLast(isOrdinaryWrite)?.at ?? 0) < since);
        },
        { signal: life },
      );
    },
    close: async () => {
      for (const { proxy, controller } of replicas) {
        await controller.close();
        await proxy.close();
      }
      await witness.stop();
      api.close();
      await server.close();
    },
  };
};

const leads = 'this replica leads';
const leadership = new Set([leads, 'this replica leads no more']);

const isOrdinaryWrite = ({ isWrite, path }: Call): boolean => isWrite && !path.includes('/leases');

/** A Service of type LoadBalancer with no pods behind it, and no node port: there are but 2,768. */
export const bareLoadBalancer = (name: string, spec: Parameters<typeof loadBalancer>[1] = {}): Manifest =>
  loadBalancer(name, { selector: undefined, allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }], ...spec });
