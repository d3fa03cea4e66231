import { mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { realClock } from '../../../src/io/real-clock.ts';
import type { Api } from '../../../src/k8s/client/api.ts';
import { createEventRecorder } from '../../../src/k8s/events/events.ts';
import { createReflector } from '../../../src/k8s/watch/reflector.ts';
import { seconds } from '../../../src/lib/time.ts';
import { connectByKubeconfig } from '../control-plane/kubeconfig.ts';
import { type Environment, kubernetesServiceVariables } from './environment.ts';
import { serveKubelet } from './kubelet-server.ts';
import { makeLog } from './log.ts';
import { keepNodeAlive, kubeletPort, registerNode } from './node.ts';
import { ObjectCache } from './object-cache.ts';
import { becomeOnlyAgent } from './only-one.ts';
import type { Options } from './options.ts';
import { parsePodRanges, PodAddresses } from './pod-addresses.ts';
import { type NodePorts, PodRunner, shutdownGrace } from './pod-runner.ts';
import type { Pod } from './types.ts';

/** Registers the node, runs the pods bound to it and keeps their status, until SIGTERM ends it and them. */
export const runAgent = async (options: Options): Promise<void> => {
  process.umask(0o022);
  const log = makeLog({ node: options.nodeName });
  const clock = realClock;
  const api = connect(options.kubeconfig);
  const host = options.nodeName;
  const recorder = createEventRecorder({ api, clock, log, wallTime: Date.now, component: 'kubelet', host });
  log.info('node agent starts');
  const ending = new AbortController();
  mkdirSync(join(options.stateDir, 'pods'), { recursive: true });
  mkdirSync(join(options.stateDir, 'logs'), { recursive: true });

  let services: Promise<Environment> | undefined;
  const ports: NodePorts = {
    options,
    api,
    log,
    cache: new ObjectCache(api, log),
    addresses: new PodAddresses(parsePodRanges(options.podCidrs)),
    recorder,
    services: () => (services ??= findApiService()),
  };
  const findApiService = async (): Promise<Environment> => {
    for (;;) {
      try {
        type Service = {
          readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly port: number }[] };
        };
        const path = '/api/v1/namespaces/default/services/kubernetes';
        const { spec } = (await api.request({ path })) as Service;
        return kubernetesServiceVariables(spec.clusterIP, spec.ports[0]?.port ?? 443);
      } catch (error) {
        log.warn('the service "kubernetes" is not there yet', { error });
        await sleep(500);
      }
    }
  };

  const runners = new Map<string, PodRunner>();
  const start = (pod: Pod): void => {
    const runner = runners.get(pod.metadata.uid);
    const known = runner ?? new PodRunner(ports, pod);
    runners.set(pod.metadata.uid, known);
    known.update(pod);
  };

  const stop = (): void => {
    if (ending.signal.aborted) process.exit(1);
    ending.abort();
    const all = [...runners.values()].map((runner) => runner.stop(shutdownGrace));
    void Promise.all(all).then(() => process.exit(0));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  await becomeOnlyAgent(options.stateDir, log);
  const uid = await registerNode(api, options, log);
  log.info('node registered');
  const isRunning = (namespace: string, name: string, container: string): boolean =>
    runners.values().some((runner) => {
      const { metadata } = runner.pod;
      return (
        metadata.namespace === namespace && metadata.name === name && runner.container(container)?.process !== undefined
      );
    });
  serveKubelet(kubeletPort, options.stateDir, isRunning, log).catch((error: unknown) => {
    log.warn('logs are not served', { error });
  });
  void keepNodeAlive(api, options, uid, log, ending.signal);

  const end = ({ metadata }: Pod): void => {
    const runner = runners.get(metadata.uid);
    runners.delete(metadata.uid);
    void runner?.stop(shutdownGrace);
  };
  let isBegun = false;
  const pods = createReflector<Pod>({
    api,
    clock,
    log,
    path: '/api/v1/pods',
    fieldSelector: `spec.nodeName=${options.nodeName}`,
    project: (raw) => raw as Pod,
    onChange: (change) => {
      if (!isBegun || ending.signal.aborted) return;
      const isOther = change.type === 'updated' && change.before.metadata.uid !== change.now.metadata.uid;
      if (change.type === 'deleted' || isOther) end(change.before);
      if (change.type !== 'deleted') start(change.now);
    },
  });
  const begin = async (): Promise<void> => {
    await pods.synced;
    const known = [...pods.values()];
    // Pods that ran before keep their addresses; new ones get none of these.
    for (const { metadata, status } of known) {
      if (status?.podIP !== undefined) ports.addresses.reserve(metadata.uid, status.podIP);
    }
    await removeLeftovers(options, new Set(known.map(({ metadata }) => metadata.uid)));
    isBegun = true;
    if (!ending.signal.aborted) for (const pod of pods.values()) start(pod);
  };
  await Promise.all([begin(), pods.run(ending.signal)]);
};

/** The API server. A node that was cut off soon gives up what it asked meanwhile, and is ready again. */
const connect = (kubeconfig: string): Api => {
  const api = connectByKubeconfig(kubeconfig, 'metallb-node-agent/0.1.0');
  return { ...api, request: (call) => api.request({ deadline: seconds(10), ...call }) };
};

/** Removes the folders of pods that are no more. */
const removeLeftovers = async ({ stateDir }: Options, pods: ReadonlySet<string>): Promise<void> => {
  const dir = join(stateDir, 'pods');
  for (const uid of await readdir(dir)) {
    if (!pods.has(uid)) await rm(join(dir, uid), { recursive: true, force: true });
  }
};
