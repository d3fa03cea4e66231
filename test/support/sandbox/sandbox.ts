import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Api } from '../../../src/k8s/client/api.ts';
import type { Ip, IpFamily } from '../../../src/lib/ip.ts';
import { type CommandOptions, type CommandOutcome, runCommand } from '../command.ts';
import { connectByKubeconfig } from '../control-plane/kubeconfig.ts';
import { attachLan, type Lan } from '../lan/lan.ts';
import { planLan, primaryAddress, type Segment } from '../lan/plan.ts';
import { signalGroup } from '../process-id.ts';
import { startComponent, type StartedComponent, stopProcess, waitUntilReady } from './processes.ts';
import { isReady } from './readiness.ts';
import {
  NoSandboxError,
  readState,
  removeSandboxFolder,
  sandboxFolder,
  type SandboxState,
  writeState,
} from './state.ts';

/** A cluster and its LAN. Disposing of it takes it down. */
export type Sandbox = AsyncDisposable & {
  readonly name: string;
  readonly lan: Lan;
  /** A kubeconfig of the cluster's administrator, for programs in the machine's own namespace. */
  readonly kubeconfig: string;
  /** The same for programs on the LAN's hosts, which reach the API server at the control plane's address. */
  readonly lanKubeconfig: string;
  /** Where kubectl is. */
  readonly programsFolder: string;
  /** Addresses of the first segment that no host has. */
  readonly pool: Segment['pool'];
  /** The address of a host on the first segment. */
  readonly addressOf: (host: string, family?: IpFamily) => Ip;
  /** The API server, as administrator. */
  readonly api: Api;
  /** Runs kubectl as administrator. */
  readonly kubectl: (args: readonly string[], options?: CommandOptions) => Promise<CommandOutcome>;
  /** Runs a program on a host to its end. kubectl is on its path and has a kubeconfig. */
  readonly exec: (host: string, argv: readonly string[], options?: CommandOptions) => Promise<CommandOutcome>;
  /** Starts a program on a host. */
  readonly spawn: (host: string, argv: readonly string[], options?: SpawnOptions) => ChildProcess;
  /** Pulls the plugs of a host at the switches, or the one of a segment: 0 is that of eth0. */
  readonly unplug: (host: string, segment?: number) => Promise<void>;
  readonly plug: (host: string, segment?: number) => Promise<void>;
  /** What runs: `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kube-proxy-n1`, … */
  readonly components: () => readonly StartedComponent[];
  /** Ends a component with SIGTERM, and with SIGKILL after `grace` milliseconds. */
  readonly stop: (component: string, grace?: number) => Promise<void>;
  /** Starts a stopped component and waits until it is ready. */
  readonly start: (component: string) => Promise<void>;
  readonly restart: (component: string) => Promise<void>;
  /** Ends everything and leaves nothing behind. */
  readonly down: () => Promise<void>;
};

/** Milliseconds that a component has to get ready. */
export const readyTimeout = 90_000;

/** Milliseconds between SIGTERM and SIGKILL: a node ends its containers; kube-apiserver would wait long for its clients. */
const graceOf = (component: string): number => (component.startsWith('node-agent-') ? 5000 : 2000);

/** The sandbox that another process, or an earlier command, has started. */
export const attachSandbox = (name: string): Sandbox => {
  const state = readState(name);
  if (state === undefined) throw new NoSandboxError(name);
  return sandboxOf(state);
};

/** Where the files of a sandbox are. */
export const sandboxFiles = (name: string) => {
  const folder = sandboxFolder(name);
  return {
    kubeconfig: join(folder, 'kubeconfig'),
    lanKubeconfig: join(folder, 'lan.kubeconfig'),
    credentials: join(folder, 'credentials'),
    logs: join(folder, 'logs'),
    nodes: join(folder, 'nodes'),
  } as const;
};

/** A client for the API server with the administrator's kubeconfig. */
export const adminApi = (name: string): Api =>
  connectByKubeconfig(sandboxFiles(name).kubeconfig, 'metallb-sandbox/0.1.0');

/** The sandbox that a state describes. */
export const sandboxOf = (initial: SandboxState): Sandbox => {
  const { name, programs } = initial;
  const plan = planLan(initial.request);
  if (!plan.ok) throw new Error(plan.error);
  const lan = attachLan(plan.value, name);
  const files = sandboxFiles(name);
  const [segment] = plan.value.segments;
  if (segment === undefined) throw new Error('the LAN has no segment');

  // Read anew each time: another process may have restarted a component.
  const components = (): readonly StartedComponent[] => readState(name)?.components ?? [];
  const componentNamed = (wanted: string): StartedComponent => {
    const found = components().find((component) => component.name === wanted);
    if (found !== undefined) return found;
    throw new Error(
      `there is no component "${wanted}"; there are ${components()
        .map((c) => c.name)
        .join(', ')}`,
    );
  };
  // Not before it is needed: a sandbox whose start was interrupted has no kubeconfig, and can be taken down all the same.
  let api: Api | undefined;
  const connected = (): Api => (api ??= adminApi(name));
  const stop = (component: string, grace = graceOf(component)): Promise<void> =>
    stopProcess(componentNamed(component).id, grace);
  const start = async (component: string): Promise<void> => {
    const stopped = componentNamed(component);
    const started = startComponent(stopped, lan.host(stopped.host).name, files.logs);
    writeState({
      ...(readState(name) ?? initial),
      components: components().map((other) => (other.name === component ? started : other)),
    });
    await waitUntilReady(started, () => isReady(started, connected()), { timeout: readyTimeout });
  };
  const down = async (): Promise<void> => {
    api?.close();
    await takeDown(readState(name) ?? initial, lan);
  };
  const environment = (kubeconfig: string): NodeJS.ProcessEnv => ({
    // No proxy to the internet is in reach of the LAN.
    ...Object.fromEntries(Object.entries(process.env).filter(([key]) => !/_proxy$/i.test(key))),
    KUBECONFIG: kubeconfig,
    PATH: `${process.env.PATH}:${dirname(programs.kubectl)}`,
  });

  return {
    name,
    lan,
    kubeconfig: files.kubeconfig,
    lanKubeconfig: files.lanKubeconfig,
    programsFolder: dirname(programs.kubectl),
    pool: segment.pool,
    addressOf: (hostName, family = 'IPv4') => {
      lan.host(hostName); // throws if there is no such host
      const host = plan.value.hosts.find((candidate) => candidate.name === hostName);
      if (host === undefined) throw new Error(`${hostName} is not in the plan`);
      return primaryAddress(host)[family];
    },
    get api() {
      return connected();
    },
    kubectl: (args, options) =>
      runCommand([programs.kubectl, ...args], { env: environment(files.kubeconfig), ...options }),
    exec: (host, argv, options) => lan.host(host).exec(argv, { env: environment(files.lanKubeconfig), ...options }),
    spawn: (host, argv, options) => lan.host(host).spawn(argv, { env: environment(files.lanKubeconfig), ...options }),
    unplug: lan.unplug,
    plug: lan.plug,
    components,
    stop,
    start,
    restart: async (component) => {
      await stop(component);
      await start(component);
    },
    down,
    [Symbol.asyncDispose]: down,
  };
};

/** Ends the processes that the state names, and whatever else runs in the LAN's namespaces, and removes every trace. */
const takeDown = async (state: SandboxState, lan: Lan): Promise<void> => {
  if (state.guard !== undefined && state.guard.pid !== process.pid) signalGroup(state.guard, 'SIGKILL');
  // Nodes first: ending containers properly takes an API server that answers.
  const agents = state.components.filter(({ name }) => name.startsWith('node-agent-'));
  await Promise.all(agents.map(({ name, id }) => stopProcess(id, graceOf(name))));
  await Promise.all(state.components.map(({ id }) => stopProcess(id, 0)));
  if (state.relay !== undefined) await stopProcess(state.relay, 0);
  await lan[Symbol.asyncDispose]();
  rmSync(state.dataFolder, { recursive: true, force: true });
  removeSandboxFolder(state.name);
};
