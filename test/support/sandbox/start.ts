import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, statfsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Api } from '../../../src/k8s/client/api.ts';
import {
  apiServerNames,
  apiServerPort,
  type Component,
  etcd,
  kubeApiServer,
  kubeControllerManager,
  kubeProxy,
  kubeProxyConfiguration,
  kubeScheduler,
  type ProxyMode,
} from '../control-plane/components.ts';
import { createCredentials, type Credentials, type Identity } from '../control-plane/credentials.ts';
import { writeKubeconfig } from '../control-plane/kubeconfig.ts';
import { findPrograms } from '../kubernetes/programs.ts';
import type { Log } from '../kubernetes/version.ts';
import { createLan } from '../lan/lan.ts';
import { defaultSubnet, type Host, type LanPlan, planLan, primaryAddress } from '../lan/plan.ts';
import { namespaceName, setNamespaceOwner } from '../netns.ts';
import { ownProcessId, type ProcessId, processIdOf } from '../process-id.ts';
import { requireTools } from '../tools.ts';
import { startComponent, type StartedComponent, waitUntilReady } from './processes.ts';
import { isReady, isThere } from './readiness.ts';
import { startRelay } from './relay-start.ts';
import { adminApi, readyTimeout, type Sandbox, sandboxFiles, sandboxOf } from './sandbox.ts';
import { createSandboxFolder, orphanedSandboxes, readState, type SandboxState, writeState } from './state.ts';

export type SandboxOptions = {
  /** Up to 12 lower-case letters and digits; tells sandboxes apart that are up at the same time. */
  readonly name?: string;
  readonly nodes?: number;
  readonly nics?: number;
  /** The LAN's IPv4 subnet, which exists inside its namespaces only. */
  readonly subnet?: string;
  readonly proxyMode?: ProxyMode;
  /** Whether it is taken down when this process ends, however that happens; true unless told. */
  readonly endsWithOwner?: boolean;
  /** Takes a line for each step. */
  readonly log?: Log;
  /** Ends the start; what was started is taken down. */
  readonly signal?: AbortSignal | undefined;
};

/** The options contradict themselves or the LAN cannot be as wanted. */
export class SandboxOptionsError extends Error {
  override readonly name = 'SandboxOptionsError';
}

/** A sandbox of that name is up. */
export class SandboxExistsError extends Error {
  override readonly name = 'SandboxExistsError';
}

/** Starts a cluster on a LAN of its own and waits until its nodes are ready. Needs root. */
export const startSandbox = async ({
  name = 'default',
  nodes = 3,
  nics = 1,
  subnet = defaultSubnet,
  proxyMode = 'nftables',
  endsWithOwner = true,
  log = () => {},
  signal,
}: SandboxOptions = {}): Promise<Sandbox> => {
  if (!/^[a-z0-9]{1,12}$/.test(name)) {
    throw new SandboxOptionsError(`the name must be up to 12 lower-case letters and digits, not "${name}"`);
  }
  const request = { nodes, nics, subnet };
  const plan = planLan(request);
  if (!plan.ok) throw new SandboxOptionsError(plan.error);
  if (process.getuid?.() !== 0) throw new SandboxOptionsError('the sandbox makes network namespaces and needs root');
  await requireTools(['ip', 'sysctl', 'nft', 'iptables', 'conntrack', 'openssl', 'setpriv']);
  const programs = await findPrograms(log);
  for (const orphan of orphanedSandboxes()) await removeOrphan(orphan, log);
  signal?.throwIfAborted();

  const state: SandboxState = {
    name,
    request,
    proxyMode,
    owner: ownProcessId(),
    guard: undefined,
    relay: undefined,
    dataFolder: createDataFolder(name),
    programs,
    components: [],
  };
  if (!createSandboxFolder(state)) throw new SandboxExistsError(`the sandbox "${name}" is up already`);
  const sandbox = sandboxOf(state);
  try {
    const start = new Start(state, log, signal);
    if (endsWithOwner) start.update({ guard: startGuard(name) });
    await start.run(plan.value);
    if (!endsWithOwner) start.handOver(sandbox);
    return sandbox;
  } catch (error) {
    await sandbox.down();
    throw error;
  }
};

const removeOrphan = async (name: string, log: Log): Promise<void> => {
  const state = readState(name);
  if (state === undefined) return;
  log(`removing what is left of the sandbox "${name}", whose owner has ended`);
  await sandboxOf(state).down();
};

/** tmpfs in statfs(2) */
const tmpfsMagic = 0x0102_1994;

/** etcd waits for the disk at every write; in memory it does not wait. */
const createDataFolder = (name: string): string => {
  const memory = '/dev/shm';
  const isRoomy = (): boolean => {
    const { type, bavail, bsize } = statfsSync(memory);
    return type === tmpfsMagic && bavail * bsize > 512 * 1024 * 1024;
  };
  return mkdtempSync(join(existsSync(memory) && isRoomy() ? memory : tmpdir(), `metallb-ts-${name}-`));
};

const startGuard = (name: string): ProcessId => {
  const guard = spawn(process.execPath, [join(import.meta.dirname, 'guard.ts'), name], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  guard.unref();
  (guard.stdin as Socket).unref();
  const id = guard.pid === undefined ? undefined : processIdOf(guard.pid);
  if (id === undefined) throw new Error('the guard of the sandbox did not start');
  return id;
};

/** One start of a sandbox: keeps its state on file while components come up. */
class Start {
  #state: SandboxState;
  readonly #log: Log;
  readonly #signal: AbortSignal | undefined;

  constructor(state: SandboxState, log: Log, signal: AbortSignal | undefined) {
    this.#state = state;
    this.#log = log;
    this.#signal = signal;
  }

  update(changes: Partial<SandboxState>): void {
    this.#state = { ...this.#state, ...changes };
    writeState(this.#state);
  }

  async run(plan: LanPlan): Promise<void> {
    const { name, programs } = this.#state;
    const files = sandboxFiles(name);
    const controlPlane = plan.hosts.find(({ role }) => role === 'controlPlane');
    if (controlPlane === undefined) throw new Error('the LAN has no control plane');
    const nodes = plan.hosts.filter(({ role }) => role === 'node');
    await Promise.all([files.logs, files.nodes].map((folder) => mkdir(folder, { recursive: true })));

    const credentials = await this.#step(`LAN with ${nodes.length} nodes, certificates`, async () => {
      const names = nodes.map((node) => node.name);
      const [made] = await Promise.all([
        createCredentials(files.credentials, apiServerNames(controlPlane), names),
        createLan(plan, { scope: name, owner: this.#state.owner }),
      ]);
      return made;
    });
    const onLan = `https://${primaryAddress(controlPlane).IPv4}:${apiServerPort}`;
    const kubeconfig = (of: string, server: string, identity: Identity): Promise<string> =>
      writeKubeconfig(join(files.credentials, `${of}.kubeconfig`), server, credentials, identity);

    const api = await this.#step('etcd and kube-apiserver', async () => {
      this.#launch(etcd(programs, controlPlane, this.#state.dataFolder));
      const apiServer = this.#launch(kubeApiServer(programs, controlPlane, credentials));
      const namespace = namespaceName(name, controlPlane.name);
      const { id, port } = await startRelay(namespace, '127.0.0.1', apiServerPort, join(files.logs, 'relay.log'));
      this.update({ relay: id });
      const { admin } = credentials.identities;
      await writeKubeconfig(files.kubeconfig, `https://127.0.0.1:${port}`, credentials, admin);
      await writeKubeconfig(files.lanKubeconfig, onLan, credentials, admin);
      const client = adminApi(name);
      await this.#ready(apiServer, client);
      return client;
    });

    await this.#step('kube-controller-manager, kube-scheduler and the nodes', async () => {
      const { controllerManager, scheduler, proxy } = credentials.identities;
      const local = `https://127.0.0.1:${apiServerPort}`;
      const asManager = await kubeconfig('kube-controller-manager', local, controllerManager);
      const asScheduler = await kubeconfig('kube-scheduler', local, scheduler);
      const asProxy = await kubeconfig('kube-proxy', onLan, proxy);
      await Promise.all([
        this.#ready(this.#launch(kubeControllerManager(programs, controlPlane, credentials, asManager)), api),
        this.#ready(this.#launch(kubeScheduler(programs, controlPlane, credentials, asScheduler)), api),
        ...nodes.map((node) => this.#startNode(node, { onLan, asProxy, credentials, api })),
      ]);
    });
    api.close();
  }

  /** The sandbox stays up without this process: the relay stands for it from now on. */
  handOver({ lan, name }: Sandbox): void {
    const { relay } = this.#state;
    if (relay === undefined) throw new Error('the relay is not running');
    this.update({ owner: relay });
    const switches = lan.plan.segments.map((_, index) => `sw${index + 1}`);
    for (const host of [...lan.plan.hosts.map((each) => each.name), ...switches]) {
      setNamespaceOwner(namespaceName(name, host), relay);
    }
  }

  /** kube-proxy starts when its Node exists: it waits ever longer between its looks for it. */
  async #startNode(
    node: Host,
    { onLan, asProxy, credentials, api }: { onLan: string; asProxy: string; credentials: Credentials; api: Api },
  ): Promise<void> {
    const files = sandboxFiles(this.#state.name);
    const identity = credentials.identities.nodes[node.name];
    if (identity === undefined) throw new Error(`${node.name} has no identity`);
    const kubeconfig = join(files.credentials, `${node.name}.kubeconfig`);
    await writeKubeconfig(kubeconfig, onLan, credentials, identity);
    const agent = this.#launch(nodeAgent(node, kubeconfig, join(files.nodes, node.name)));
    await waitUntilReady(agent, () => isThere(api, `/api/v1/nodes/${node.name}`), {
      timeout: readyTimeout,
      signal: this.#signal,
    });
    const configFile = join(files.nodes, `${node.name}.kube-proxy.json`);
    await writeFile(configFile, JSON.stringify(kubeProxyConfiguration(node, asProxy, this.#state.proxyMode)));
    const proxy = this.#launch(kubeProxy(this.#state.programs, node, configFile));
    await Promise.all([this.#ready(agent, api), this.#ready(proxy, api)]);
  }

  #launch(component: Component): StartedComponent {
    const { name, components } = this.#state;
    const started = startComponent(component, namespaceName(name, component.host), sandboxFiles(name).logs);
    this.update({ components: [...components, started] });
    return started;
  }

  #ready(component: StartedComponent, api: Api): Promise<void> {
    return waitUntilReady(component, () => isReady(component, api), {
      timeout: readyTimeout,
      signal: this.#signal,
    });
  }

  async #step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.#log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
    this.#signal?.throwIfAborted();
    return result;
  }
}

/** The kubelet's stand-in for one node. */
const nodeAgent = (node: Host, kubeconfig: string, stateFolder: string): Component => {
  const { IPv4, IPv6 } = primaryAddress(node);
  return {
    name: `node-agent-${node.name}`,
    host: node.name,
    argv: [
      process.execPath,
      join(import.meta.dirname, '../node-agent/main.ts'),
      `--node-name=${node.name}`,
      `--node-ip=${IPv4},${IPv6}`,
      `--pod-cidr=${node.podCidrs.join(',')}`,
      `--kubeconfig=${kubeconfig}`,
      `--state-dir=${stateFolder}`,
      `--repo=${join(import.meta.dirname, '../../..')}`,
    ],
  };
};
