/** What the benchmarks' programs on the LAN's client share: an API client, a watch and a capture of ARP. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { realClock } from '../../src/io/real-clock.ts';
import type { Api } from '../../src/k8s/client/api.ts';
import { createClient } from '../../src/k8s/client/client.ts';
import { loadCredentials } from '../../src/k8s/client/credentials.ts';
import { projectService } from '../../src/k8s/projections.ts';
import { createReflector } from '../../src/k8s/watch/reflector.ts';
import { collectionPath, resources } from '../../src/k8s/resources.ts';
import { silentLog } from '../../test/support/silent-log.ts';

/** Milliseconds since the Unix epoch, with microseconds behind the point. */
export const epoch = (): number => performance.timeOrigin + performance.now();

/** The API server, by the kubeconfig in the environment. */
export const connect = async (): Promise<Api> =>
  createClient({
    credentials: await loadCredentials({ clock: realClock }),
    clock: realClock,
    userAgent: 'metallb-bench/0.1.0',
  });

const namespace = 'default';

const servicesPath = collectionPath(resources.services, namespace);

/**
 * An endpoint that serves, for a service without a selector. It stands before the service does, so that what is timed
 * is the load balancer and not the controller that makes EndpointSlices.
 */
export const createEndpoint = (api: Api, service: string): Promise<unknown> =>
  api.request({
    method: 'POST',
    path: collectionPath(resources.endpointSlices, namespace),
    body: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: service, labels: { 'kubernetes.io/service-name': service } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['203.0.113.1'], conditions: { ready: true } }],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    },
  });

/** A service without a selector. */
export const createService = (api: Api, name: string): Promise<unknown> =>
  api.request({
    method: 'POST',
    path: servicesPath,
    body: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: {
        type: 'LoadBalancer',
        allocateLoadBalancerNodePorts: false,
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      },
    },
  });

/** A map that can be waited for. */
export class Arrivals<V> {
  readonly values = new Map<string, V>();
  readonly #waiting = new Map<string, (value: V) => void>();

  /** Notes the first value of a key. */
  put(key: string, value: V): void {
    if (this.values.has(key)) return;
    this.values.set(key, value);
    this.#waiting.get(key)?.(value);
    this.#waiting.delete(key);
  }

  /** The value of a key, now or when it comes. */
  async get(key: string): Promise<V> {
    const value = this.values.get(key);
    if (value !== undefined) return value;
    const { promise, resolve } = Promise.withResolvers<V>();
    this.#waiting.set(key, resolve);
    return promise;
  }
}

export type Addressed = { readonly address: string; readonly at: number };

/** Watches services and notes when each got its address; a watch that the server ends is taken up again. */
export const watchAddresses = async (api: Api): Promise<Arrivals<Addressed>> => {
  const arrivals = new Arrivals<Addressed>();
  const reflector = createReflector({
    api,
    clock: realClock,
    log: silentLog,
    path: servicesPath,
    project: projectService,
    onChange: (change) => {
      if (change.type === 'deleted') return;
      const { name, ingress } = change.now;
      const address = ingress[0]?.ip;
      if (address !== undefined) arrivals.put(name, { address, at: epoch() });
    },
  });
  void reflector.run(new AbortController().signal).catch(fail);
  await reflector.synced;
  return arrivals;
};

/** Ends the program: a figure without its watch would be worth nothing. */
const fail = (error: unknown): never => {
  console.error(error);
  process.exit(1);
};

/** The first ARP frame of every sender protocol address on this host's interface, by the kernel's clock. */
export const captureArp = async (): Promise<Arrivals<number>> => {
  const arrivals = new Arrivals<number>();
  const child = spawn('tcpdump', ['-i', 'eth0', '-n', '-l', '-tt', '--immediate-mode', 'arp'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  process.once('exit', () => child.kill());
  createInterface(child.stdout).on('line', (line) => {
    // 1700000000.123456 ARP, Request who-has A tell B, length 28 | 1700000000.123456 ARP, Reply A is-at MAC, length 28
    const { time, request, reply } =
      /^(?<time>\d+\.\d+) ARP, (?:Request who-has \S+(?: \(\S+\))? tell (?<request>[\d.]+)|Reply (?<reply>[\d.]+) is-at)/.exec(
        line,
      )?.groups ?? {};
    const sender = request ?? reply;
    if (sender !== undefined) arrivals.put(sender, Number(time) * 1000);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  createInterface(child.stderr).on('line', (line) => {
    if (line.startsWith('listening on')) resolve();
  });
  await promise;
  return arrivals;
};
