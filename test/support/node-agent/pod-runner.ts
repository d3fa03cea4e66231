import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, isConflict, isNotFound } from '../../../src/k8s/client/api.ts';
import type { EventRecorder } from '../../../src/k8s/events/events.ts';
import type { Log } from '../../../src/lib/log.ts';
import { type Millis, millis, seconds } from '../../../src/lib/time.ts';
import type { PodContext } from './container-plan.ts';
import { containerPaths, ContainerRunner } from './container-runner.ts';
import type { Environment } from './environment.ts';
import type { ObjectCache } from './object-cache.ts';
import type { Options } from './options.ts';
import type { PodAddresses } from './pod-addresses.ts';
import { PodSandbox } from './pod-sandbox.ts';
import { type ContainerRecord, podStatus } from './pod-status.ts';
import { PodVolumes } from './pod-volumes.ts';
import { StatusWriter } from './status-writer.ts';
import { timestamp } from './timestamp.ts';
import type { Container, ContainerTermination, Pod } from './types.ts';

/** What all pods of the node share. */
export type NodePorts = {
  readonly options: Options;
  readonly api: Api;
  readonly cache: ObjectCache;
  readonly addresses: PodAddresses;
  readonly recorder: EventRecorder;
  readonly log: Log;
  /** The variables that lead pods to the API server. */
  readonly services: () => Promise<Environment>;
};

/** Pauses between attempts at what the API server or the machine refuses, in ms. */
const retryPause = 500;
/** A volume that cannot be mounted is told about at once, then less and less often, in ms. */
const firstMountReport = 2000;
const lastMountReport = 120_000;

/** Runs one pod from the moment it is bound to this node until it is deleted. */
export class PodRunner {
  #pod: Pod;
  readonly #ports: NodePorts;
  readonly #startTime: string;
  readonly #stopping = new AbortController();
  readonly #mountReports = new Map<string, { due: number; pause: number; why: string }>();
  #initContainers: ContainerRecord[];
  #containers: ContainerRecord[];
  #runners = new Map<string, ContainerRunner>();
  #podIps: readonly string[] = [];
  readonly #status: StatusWriter;
  /** What the deletion of the pod gives its containers; `undefined` while it is not deleted. */
  #grace: Millis | undefined;
  #isOver = false;
  /** Whether there is a status of ours to write: a pod that had ended before keeps what is written. */
  #hasRun = false;
  readonly #running: Promise<void>;

  constructor(ports: NodePorts, pod: Pod) {
    this.#ports = ports;
    this.#pod = pod;
    this.#startTime = pod.status?.startTime ?? timestamp();
    this.#status = new StatusWriter(ports.api, ports.log, pod, (previous, now) =>
      podStatus(
        {
          pod: this.#pod,
          hostIps: ports.options.nodeIps,
          podIps: this.#podIps,
          startTime: this.#startTime,
          initContainers: this.#initContainers,
          containers: this.#containers,
          isOver: this.#isOver,
          previous,
        },
        now,
      ),
    );
    const hasInit = (pod.spec.initContainers ?? []).length > 0;
    const waiting = hasInit ? 'PodInitializing' : 'ContainerCreating';
    this.#initContainers = (pod.spec.initContainers ?? []).map((container, index) =>
      firstRecord(pod, container, index === 0 ? 'ContainerCreating' : 'PodInitializing'),
    );
    this.#containers = pod.spec.containers.map((container) => firstRecord(pod, container, waiting));
    if (hasEnded(pod) || pod.metadata.deletionTimestamp !== undefined) this.#stopping.abort();
    this.#running = this.#run().catch((error: unknown) => {
      ports.log.warn('pod failed', { pod: pod.metadata.name, namespace: pod.metadata.namespace, error });
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The runner of a container, for commands and logs. */
  container(name: string): ContainerRunner | undefined {
    return this.#runners.get(name);
  }

  /** Takes the pod's newest state from the API server. */
  update(pod: Pod): void {
    this.#pod = pod;
    this.#status.observed(pod);
    if (pod.metadata.deletionTimestamp !== undefined) {
      const grace = seconds(pod.metadata.deletionGracePeriodSeconds ?? 30);
      if (this.#grace === undefined) void this.#end(grace);
      else if (grace < this.#grace) void this.stop(grace);
      this.#grace = grace;
    } else if ((pod.spec.readinessGates ?? []).length > 0) this.#status.changed();
  }

  /** Resolves when the pod has gone from this node; `grace` shortens what its containers are given. */
  async stop(grace: Millis): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#runners.values()].map((runner) => runner.stop(grace)));
    await this.#running;
  }

  /** The deletion: containers end, the last status is written, the object goes. */
  async #end(grace: Millis): Promise<void> {
    await this.stop(grace);
    this.#isOver = true;
    if (this.#hasRun) {
      this.#status.changed();
      await this.#status.settled();
    }
    const { namespace, name, uid } = this.#pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}`;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
    for (;;) {
      try {
        await this.#ports.api.request({ method: 'DELETE', path, body });
        return;
      } catch (error) {
        // Gone already, or another pod of that name has come.
        if (isNotFound(error) || isConflict(error)) return;
        this.#ports.log.warn('pod not deleted yet', { pod: name, error });
        await sleep(retryPause);
      }
    }
  }

  async #run(): Promise<void> {
    const { options, addresses, api, cache } = this.#ports;
    const pod = this.#pod;
    const { uid } = pod.metadata;
    if (this.#stopping.signal.aborted) return;
    this.#hasRun = true;
    const dir = join(options.stateDir, 'pods', uid);
    this.#status.changed();
    const own = pod.spec.hostNetwork === true ? undefined : addresses.take(uid);
    if (own === undefined && pod.spec.hostNetwork !== true) throw new Error('all pod addresses of the node are taken');
    const podIps = own ?? options.nodeIps;
    const nodeName = options.nodeName;
    const hostname = own === undefined ? nodeName : (pod.spec.hostname ?? pod.metadata.name);
    const podAddresses = { nodeName, hostIps: options.nodeIps, podIps };
    const failed = (volume: string, why: string): void => this.#mountFailed(volume, why);
    const volumes = new PodVolumes({ api, cache, failed }, join(dir, 'volumes'), pod, podAddresses);
    let sandbox: PodSandbox | undefined;
    try {
      await this.#unlessStopped(Promise.all([volumes.setUp(), this.#ports.services()]));
      const network = own === undefined ? undefined : { addresses: own, gateways: addresses.gateways };
      sandbox = await this.#createSandbox({ hostname, uid, network });
      if (sandbox === undefined) return;
      this.#podIps = podIps;
      this.#status.changed();
      const context: PodContext = {
        pod,
        hostname,
        addresses: podAddresses,
        services: await this.#ports.services(),
        volumes: (pod.spec.volumes ?? []).map((volume) => ({ volume, path: volumes.pathOf(volume) })),
      };
      await this.#runContainers(context, sandbox);
    } finally {
      volumes.stop();
      await sandbox?.remove();
      addresses.release(uid);
      await rm(dir, { recursive: true, force: true });
    }
  }

  /** Settles with the promise, or when the pod is stopped. */
  async #unlessStopped(promise: Promise<unknown>): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await Promise.race([promise, new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))]);
  }

  async #createSandbox(plan: Parameters<typeof PodSandbox.create>[0]): Promise<PodSandbox | undefined> {
    while (!this.#stopping.signal.aborted) {
      try {
        return await PodSandbox.create(plan);
      } catch (error) {
        const { message } = error as Error;
        this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${message}`);
        await this.#unlessStopped(sleep(retryPause));
      }
    }
    return undefined;
  }

  async #runContainers(context: PodContext, sandbox: PodSandbox): Promise<void> {
    const { pod } = context;
    const policy = pod.spec.restartPolicy ?? 'Always';
    const run = async (list: ContainerRecord[], index: number, isInit: boolean): Promise<void> => {
      const record = list[index] as ContainerRecord;
      const paths = containerPaths(this.#ports.options.stateDir, context, record.container);
      await mkdir(dirname(paths.logFile), { recursive: true });
      const fieldPath = `spec.${isInit ? 'initContainers' : 'containers'}{${record.container.name}}`;
      const runner = new ContainerRunner(
        {
          api: this.#ports.api,
          repo: this.#ports.options.repo,
          context,
          namespaces: sandbox.namespaces,
          ...paths,
          probeHost: context.addresses.podIps[0] ?? '',
          restartPolicy: isInit && policy === 'Always' ? 'OnFailure' : policy,
          event: (type, reason, message) => this.#event(type, reason, message, fieldPath),
          changed: () => {
            list[index] = runner.record;
            this.#status.changed();
          },
        },
        record,
      );
      this.#runners.set(record.container.name, runner);
      await runner.run();
    };
    for (const index of this.#initContainers.keys()) {
      if (this.#stopping.signal.aborted) return;
      await run(this.#initContainers, index, true);
      const { state } = this.#initContainers[index] as ContainerRecord;
      if (state.type !== 'terminated' || state.exitCode !== 0) return;
    }
    if (this.#stopping.signal.aborted) return;
    await Promise.all(this.#containers.keys().map((index) => run(this.#containers, index, false)));
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    const { name, namespace, uid, resourceVersion } = this.#pod.metadata;
    const about = { apiVersion: 'v1', kind: 'Pod', name, namespace, uid, resourceVersion, fieldPath };
    this.#ports.recorder.record(about, { type, reason, message });
  }

  /** Tells of a volume that cannot be mounted: at once, when the reason changes, and with growing pauses. */
  #mountFailed(volume: string, why: string): void {
    const before = this.#mountReports.get(volume);
    const now = performance.now();
    if (before?.why === why && now < before.due) return;
    const pause = before?.why === why ? Math.min(before.pause * 2, lastMountReport) : firstMountReport;
    this.#mountReports.set(volume, { why, pause, due: now + pause });
    this.#event('Warning', 'FailedMount', `MountVolume.SetUp failed for volume "${volume}" : ${why}`);
  }
}

/** Whether a pod is done; it never runs again. */
const hasEnded = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** What is known of a container before it runs; one that ran under an earlier node agent has ended with that. */
const firstRecord = (pod: Pod, container: Container, reason: string): ContainerRecord => {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const before = statuses.find(({ name, containerID }) => name === container.name && containerID !== undefined);
  const last: ContainerTermination | undefined = before && {
    type: 'terminated',
    exitCode: 255,
    reason: 'Unknown',
    startedAt: pod.status?.startTime ?? timestamp(),
    finishedAt: timestamp(),
    containerId: before.containerID ?? '',
  };
  return {
    container,
    state: { type: 'waiting', reason },
    ...(last ? { last } : {}),
    restartCount: before === undefined ? 0 : before.restartCount + 1,
    ready: false,
    started: false,
  };
};

/** The longest grace a pod is given when the node agent itself ends. */
export const shutdownGrace: Millis = millis(3000);
