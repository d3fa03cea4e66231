import { mkdirSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeApiClient, readKubeconfig } from './api-client.ts';
import { type Environment, kubernetesServiceVariables } from './environment.ts';
import { makeEventRecorder } from './events.ts';
import { serveKubelet } from './kubelet-server.ts';
import { makeLog } from './log.ts';
import { keepNodeAlive, kubeletPort, registerNode } from './node.ts';
import { ObjectCache } from './object-cache.ts';
import { becomeOnlyAgent } from './only-one.ts';
import type { Options } from './options.ts';
import { parsePodRanges, PodAddresses } from './pod-addresses.ts';
import { type NodePorts, PodRunner, shutdownGrace } from './pod-runner.ts';
import { runReflector } from './reflector.ts';
import type { Pod } from './types.ts';

/** Registers the node, runs the pods bound to it and keeps their status, until SIGTERM ends it and them. */
export const runAgent = async (options: Options): Promise<void> => {
  process.umask(0o022);
  const log = makeLog({ node: options.nodeName });
  const client = makeApiClient(readKubeconfig(options.kubeconfig));
  log('node agent starts');
  const ending = new AbortController();
  mkdirSync(join(options.stateDir, 'pods'), { recursive: true });
  mkdirSync(join(options.stateDir, 'logs'), { recursive: true });

  let services: Promise<Environment> | undefined;
  const ports: NodePorts = {
    options,
    client,
    log,
    cache: new ObjectCache(client, log),
    addresses: new PodAddresses(parsePodRanges(options.podCidrs)),
    event: makeEventRecorder(client, options.nodeName, log),
    services: () => (services ??= findApiService()),
  };
  const findApiService = async (): Promise<Environment> => {
    for (;;) {
      try {
        type Service = {
          readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly port: number }[] };
        };
        const { spec } = await client.call<Service>('GET', '/api/v1/namespaces/default/services/kubernetes');
        return kubernetesServiceVariables(spec.clusterIP, spec.ports[0]?.port ?? 443);
      } catch (error) {
        log('the service "kubernetes" is not there yet', { error });
        await sleep(500);
      }
    }
  };

  const runners = new Map<string, PodRunner>();
  let isListed = false;
  const early: Pod[] = [];
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
  const uid = await registerNode(client, options, log);
  log('node registered');
  const isRunning = (namespace: string, name: string, container: string): boolean =>
    runners.values().some((runner) => {
      const { metadata } = runner.pod;
      return (
        metadata.namespace === namespace && metadata.name === name && runner.container(container)?.process !== undefined
      );
    });
  serveKubelet(kubeletPort, options.stateDir, isRunning, log).catch((error: unknown) => {
    log('logs are not served', { error });
  });
  void keepNodeAlive(client, options, uid, log, ending.signal);
  await runReflector<Pod>(
    client,
    '/api/v1/pods',
    `spec.nodeName=${options.nodeName}`,
    {
      changed: (pod) => {
        if (ending.signal.aborted) return;
        if (isListed) start(pod);
        else early.push(pod);
      },
      deleted: (pod) => {
        const runner = runners.get(pod.metadata.uid);
        runners.delete(pod.metadata.uid);
        void runner?.stop(shutdownGrace);
      },
      synced: () => {
        if (isListed) return;
        isListed = true;
        // Pods that ran before keep their addresses; new ones get none of these.
        for (const { metadata, status } of early) {
          if (status?.podIP !== undefined) ports.addresses.reserve(metadata.uid, status.podIP);
        }
        void removeLeftovers(options, new Set(early.map(({ metadata }) => metadata.uid))).then(() =>
          early.forEach(start),
        );
      },
    },
    log,
    ending.signal,
  );
};

/** Removes the folders of pods that are no more. */
const removeLeftovers = async ({ stateDir }: Options, pods: ReadonlySet<string>): Promise<void> => {
  const dir = join(stateDir, 'pods');
  for (const uid of await readdir(dir)) {
    if (!pods.has(uid)) await rm(join(dir, uid), { recursive: true, force: true });
  }
};
