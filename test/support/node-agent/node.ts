import { readFileSync } from 'node:fs';
import { arch, release } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, isAlreadyExists, isNotFound } from '../../../src/k8s/client/api.ts';
import type { Log } from '../../../src/lib/log.ts';
import type { Options } from './options.ts';
import { strategicPatch } from './strategic-patch.ts';
import { timestamp } from './timestamp.ts';
import type { Condition } from './types.ts';

/** Where the agent serves container logs. */
export const kubeletPort = 10_250;

/** How often a node says that it lives, in ms; the lease is good for four times that. */
const renewInterval = 10_000;
const leaseSeconds = 40;
/** Pause after a renewal that failed: a node that was cut off is to be ready again soon. */
const retryPause = 500;
/** A status without news is written this often, in ms, as the kubelet does. */
const reportInterval = 300_000;

/** The same on every machine, so that scheduling does not depend on where the sandbox runs. */
const resources = { cpu: '4', memory: '8Gi', 'ephemeral-storage': '100Gi', pods: '110' };

type Node = {
  readonly metadata: { readonly name: string; readonly uid: string; readonly resourceVersion?: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
};

/** Registers the node, whatever time the API server takes to come, and gives back its uid. */
export const registerNode = async (api: Api, options: Options, log: Log): Promise<string> => {
  const version = await patiently(log, () => api.request({ path: '/version' }));
  const { gitVersion } = version as { readonly gitVersion: string };
  const architecture = arch() === 'x64' ? 'amd64' : arch();
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: options.nodeName,
      labels: Object.fromEntries(
        ['kubernetes.io', 'beta.kubernetes.io']
          .flatMap((domain) => [
            [`${domain}/os`, 'linux'],
            [`${domain}/arch`, architecture],
          ])
          .concat([['kubernetes.io/hostname', options.nodeName]]),
      ),
    },
    spec: { podCIDR: options.podCidrs[0], podCIDRs: options.podCidrs },
  };
  const status = {
    capacity: resources,
    allocatable: resources,
    conditions: nodeConditions([], timestamp()),
    addresses: [
      ...options.nodeIps.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: options.nodeName },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    nodeInfo: nodeInfo(gitVersion, architecture),
  };
  const created = await patiently(log, async () => {
    try {
      return (await api.request({ method: 'POST', path: '/api/v1/nodes', body: { ...node, status } })) as Node;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const known = (await strategicPatch(api, nodePath(options), {
        metadata: { labels: node.metadata.labels },
      })) as Node;
      const update = {
        ...known,
        status: { ...known.status, ...status, conditions: nodeConditions(known.status?.conditions ?? [], timestamp()) },
      };
      return (await api.request({ method: 'PUT', path: `${nodePath(options)}/status`, body: update })) as Node;
    }
  });
  return created.metadata.uid;
};

/** Renews the lease and keeps the conditions true until `signal` aborts. */
export const keepNodeAlive = async (
  api: Api,
  options: Options,
  uid: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  let reportedAt = performance.now();
  while (!signal.aborted) {
    let pause = renewInterval;
    try {
      await renewLease(api, options, uid);
      const { status } = (await api.request({ path: nodePath(options), signal })) as Node;
      const before = status?.conditions ?? [];
      const isStale = before.some(({ type, status: is }) => is !== (type === 'Ready' ? 'True' : 'False'));
      if (isStale || performance.now() - reportedAt > reportInterval) {
        const conditions = nodeConditions(before, timestamp());
        await strategicPatch(api, `${nodePath(options)}/status`, { status: { conditions } });
        reportedAt = performance.now();
      }
    } catch (error) {
      if (signal.aborted) return;
      log.warn('node not renewed', { error });
      pause = retryPause;
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined);
  }
};

const renewLease = async (api: Api, options: Options, uid: string): Promise<void> => {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
  const name = options.nodeName;
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime };
  try {
    await strategicPatch(api, `${leases}/${name}`, { spec });
  } catch (error) {
    if (!isNotFound(error)) throw error;
    const owner = { apiVersion: 'v1', kind: 'Node', name, uid };
    const metadata = { name, namespace: 'kube-node-lease', ownerReferences: [owner] };
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
    await api.request({ method: 'POST', path: leases, body });
  }
};

const nodePath = ({ nodeName }: Options): string => `/api/v1/nodes/${nodeName}`;

/** All well, in the kubelet's words. */
const nodeConditions = (
  before: readonly Condition[],
  now: string,
): readonly (Condition & { lastHeartbeatTime: string })[] => {
  const conditions: readonly Condition[] = [
    {
      type: 'MemoryPressure',
      status: 'False',
      reason: 'KubeletHasSufficientMemory',
      message: 'kubelet has sufficient memory available',
    },
    {
      type: 'DiskPressure',
      status: 'False',
      reason: 'KubeletHasNoDiskPressure',
      message: 'kubelet has no disk pressure',
    },
    {
      type: 'PIDPressure',
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
    },
    { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
  ];
  return conditions.map((condition) => {
    const old = before.find(({ type }) => type === condition.type);
    const since = old?.status === condition.status ? old.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: since ?? now };
  });
};

const nodeInfo = (gitVersion: string, architecture: string) => {
  const osRelease = readText('/etc/os-release');
  const machineId = readText('/etc/machine-id').trim();
  return {
    architecture,
    operatingSystem: 'linux',
    osImage: /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(osRelease)?.[1] ?? 'Linux',
    kernelVersion: release(),
    kubeletVersion: gitVersion,
    kubeProxyVersion: '',
    containerRuntimeVersion: 'sandbox://0.1.0',
    machineID: machineId,
    systemUUID: machineId,
    bootID: readText('/proc/sys/kernel/random/boot_id').trim(),
  };
};

/** A file that may be missing on this machine. */
const readText = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

/** Tries until it works, and says once why it does not. */
const patiently = async <T>(log: Log, action: () => Promise<T>): Promise<T> => {
  let told = false;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!told) log.warn('waiting for the API server', { error });
      told = true;
      await sleep(retryPause);
    }
  }
};
