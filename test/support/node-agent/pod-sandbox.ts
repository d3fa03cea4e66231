import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import { familyOf, type Ip } from '../../../src/lib/ip.ts';
import { runCommand } from '../command.ts';
import type { PodNamespaces } from './container-process.ts';

/** What a pod's sandbox is made from. A pod without addresses of its own uses the node's network. */
export type SandboxPlan = {
  readonly hostname: string;
  readonly uid: string;
  readonly network: { readonly addresses: readonly Ip[]; readonly gateways: readonly Ip[] } | undefined;
};

/**
 * The namespaces that a pod's containers share, held by a process that does nothing else. They vanish with that process,
 * network interfaces and routes included, and the process dies with the node agent.
 */
export class PodSandbox {
  readonly namespaces: PodNamespaces;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, hostNetwork: boolean) {
    this.#holder = holder;
    this.namespaces = { holder: holder.pid as number, hostNetwork };
  }

  static async create(plan: SandboxPlan): Promise<PodSandbox> {
    const hostNetwork = plan.network === undefined;
    const script = [
      'echo "$0" >/proc/sys/kernel/hostname',
      // As container runtimes have it since containerd 2.0: a low port needs no capability in a pod's own network.
      ...(hostNetwork ? [] : ['echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start']),
      'echo ready',
      'exec sleep infinity >&-',
    ];
    const namespaces = ['--uts', '--ipc', ...(hostNetwork ? [] : ['--net'])];
    const holder = spawn(
      'setpriv',
      ['--pdeathsig=KILL', 'unshare', ...namespaces, 'sh', '-c', script.join('; '), plan.hostname],
      { cwd: '/', stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(holder, 'spawn');
    const sandbox = new PodSandbox(holder, hostNetwork);
    try {
      await Promise.race([
        once(holder.stdout, 'data'),
        once(holder, 'exit').then(() => Promise.reject(new Error('the namespaces of the pod could not be made'))),
      ]);
      if (plan.network !== undefined) await connect(plan.uid, holder.pid as number, plan.network);
      return sandbox;
    } catch (error) {
      await sandbox.remove();
      throw error;
    }
  }

  /** Ends the sandbox; the pod's containers must have ended before. */
  async remove(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}

/** The node's end of a pod's link; the `veth` in front is what speakers leave out by default. */
const linkName = (uid: string): string => `veth${createHash('sha256').update(uid).digest('hex').slice(0, 8)}`;

const hostPrefix = (ip: Ip): string => `${ip}/${familyOf(ip) === 'IPv4' ? 32 : 128}`;
const noDad = (ip: Ip): string => (familyOf(ip) === 'IPv6' ? ' nodad' : '');

/** A link between node and pod with one route on each side, as the CNI plugin `ptp` makes it. */
const connect = async (uid: string, holder: number, network: NonNullable<SandboxPlan['network']>): Promise<void> => {
  const link = linkName(uid);
  await ip(
    [],
    [
      `link add name ${link} type veth peer name eth0 netns ${holder}`,
      `link set dev ${link} up`,
      ...network.gateways.map((gateway) => `addr add ${hostPrefix(gateway)} dev ${link}${noDad(gateway)}`),
      ...network.addresses.map((address) => `route replace ${hostPrefix(address)} dev ${link}`),
    ],
  );
  await ip(
    ['nsenter', `--target=${holder}`, '--net'],
    [
      'link set dev lo up',
      'link set dev eth0 up',
      ...network.addresses.map((address) => `addr add ${hostPrefix(address)} dev eth0${noDad(address)}`),
      ...network.gateways.flatMap((gateway) => {
        const all = familyOf(gateway) === 'IPv4' ? '0.0.0.0/0' : '::/0';
        return [`route add ${hostPrefix(gateway)} dev eth0`, `route add ${all} via ${gateway} dev eth0`];
      }),
    ],
  );
};

const ip = async (prefix: readonly string[], lines: readonly string[]): Promise<void> => {
  await runCommand([...prefix, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
};
