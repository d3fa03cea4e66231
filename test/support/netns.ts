import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandOptions, type CommandOutcome, runCommand } from './command.ts';
import { isRunning, ownProcessId, type ProcessId, signalOrGone } from './process-id.ts';

/** What every namespace of ours is called first; nothing else is ever removed. */
const prefix = 'mlb-';

/** One file per namespace, named like it, that holds its owner's `ProcessId`. */
const ownersDirectory = '/run/metallb-ts/namespaces';

/** A network namespace of our own, known to `ip netns`. Whoever creates it disposes of it. */
export class Namespace {
  /** As `ip netns` knows it. */
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Runs a program inside to its end. */
  exec(argv: readonly string[], options?: CommandOptions): Promise<CommandOutcome> {
    return runCommand(['ip', 'netns', 'exec', this.name, ...argv], options);
  }

  /** Starts a program inside; the pid of the child is the program's. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, ...argv], options);
  }

  /** Runs `ip` commands, one per line and without the word `ip`, in one process; the first that fails throws. */
  async ip(...lines: readonly string[]): Promise<void> {
    await runCommand(['ip', '-n', this.name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
  }

  /** Sets kernel parameters below `net.`, for example `{ 'net.ipv4.ip_forward': 1 }`. */
  async sysctl(values: Readonly<Record<string, number | string>>): Promise<void> {
    await this.exec(['sysctl', '-qw', ...Object.entries(values).map(([key, value]) => `${key}=${value}`)]);
  }

  /** Adds an address such as `192.0.2.1/24`; an IPv6 address is usable at once (no duplicate address detection). */
  async addAddress(interfaceName: string, cidr: string): Promise<void> {
    await this.ip(`addr add ${cidr} dev ${interfaceName}${cidr.includes(':') ? ' nodad' : ''}`);
  }

  async setLink(interfaceName: string, state: 'up' | 'down'): Promise<void> {
    await this.ip(`link set dev ${interfaceName} ${state}`);
  }

  /** The hardware address of an interface, as `02:42:0a:00:00:01`. */
  async macOf(interfaceName: string): Promise<string> {
    const { stdout } = await runCommand(['ip', '-n', this.name, '-json', 'link', 'show', 'dev', interfaceName]);
    const [link] = JSON.parse(stdout) as { address: string }[];
    if (link === undefined) throw new Error(`${this.name} has no interface ${interfaceName}`);
    return link.address;
  }

  /** Kills every process inside and removes the namespace with all its interfaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await removeNamespace(this.name);
  }
}

export type NamespaceOptions = {
  /** Stands between prefix and label. By default something no other process has; a fixed one makes the name predictable. */
  readonly scope?: string | undefined;
  /** With whose end the namespace may be removed by anybody; this process unless told. */
  readonly owner?: ProcessId | undefined;
};

/**
 * Creates a namespace whose name ends with `label`, with its loopback up. The first call of a process removes what dead
 * owners left.
 */
export const createNamespace = async (
  label: string,
  { scope = `${process.pid}-${randomBytes(2).toString('hex')}`, owner }: NamespaceOptions = {},
): Promise<Namespace> => {
  await (sweeping ??= removeOrphans());
  const name = namespaceName(scope, label);
  setNamespaceOwner(name, owner ?? ownProcessId());
  await runCommand(['ip', 'netns', 'add', name]);
  const namespace = new Namespace(name);
  await namespace.ip('link set lo up');
  return namespace;
};

/** What a namespace with a scope of its creator's choice is called. */
export const namespaceName = (scope: string, label: string): string => `${prefix}${scope}-${label}`;

let sweeping: Promise<void> | undefined;

/** Hands a namespace to another owner, or notes the owner of one that is about to be made. */
export const setNamespaceOwner = (name: string, owner: ProcessId): void => {
  if (!name.startsWith(prefix)) throw new Error(`${name} is not one of our namespaces`);
  mkdirSync(ownersDirectory, { recursive: true });
  writeFileSync(`${ownersDirectory}/${name}`, JSON.stringify(owner));
};

/** Joins two namespaces by a veth pair, both ends up. */
export const connect = async (a: Namespace, aInterface: string, b: Namespace, bInterface: string): Promise<void> => {
  await a.ip(
    `link add name ${aInterface} type veth peer name ${bInterface} netns ${b.name}`,
    `link set dev ${aInterface} up`,
  );
  await b.setLink(bInterface, 'up');
};

/**
 * Makes a namespace an Ethernet switch: a bridge `br0` that forwards at once and listens to no multicast; and beside it
 * another one, `br1`, for partitions.
 */
export const makeSwitch = async (namespace: Namespace): Promise<void> => {
  await namespace.sysctl({ 'net.ipv6.conf.default.disable_ipv6': 1 }); // the switch has no address of its own
  for (const bridge of ['br0', 'br1']) {
    await namespace.ip(`link add name ${bridge} type bridge forward_delay 0 mcast_snooping 0`, `link set ${bridge} up`);
  }
};

/**
 * Connects a new interface of a host to a switch. The switch's port gets the name `port` (15 characters at most), the
 * host's end the hardware address `mac` if there is one.
 */
export const plugIn = async (
  lan: Namespace,
  port: string,
  host: Namespace,
  hostInterface: string,
  mac?: string,
): Promise<void> => {
  const hardware = mac === undefined ? '' : ` address ${mac}`;
  await lan.ip(
    `link add name ${port} type veth peer name ${hostInterface}${hardware} netns ${host.name}`,
    `link set dev ${port} master br0`,
    `link set dev ${port} up`,
  );
  await host.setLink(hostInterface, 'up');
};

/** Removes the namespaces whose owners have ended. */
const removeOrphans = async (): Promise<void> => {
  mkdirSync(ownersDirectory, { recursive: true });
  for (const name of readdirSync(ownersDirectory).filter((file) => file.startsWith(prefix))) {
    const owner = readOwner(name);
    if (owner === undefined || isRunning(owner)) continue;
    await removeNamespace(name);
  }
};

const readOwner = (name: string): ProcessId | undefined => {
  try {
    return JSON.parse(readFileSync(`${ownersDirectory}/${name}`, 'utf8')) as ProcessId;
  } catch {
    return undefined; // removed, or being written, by somebody else this very moment
  }
};

/** Kills what runs inside, removes the namespace and forgets its owner; one that has gone already is fine. */
const removeNamespace = async (name: string): Promise<void> => {
  await killInside(name);
  // Removing is complete only when the last interface has gone; a veth's other end goes with it.
  const { code, stderr } = await runCommand(['ip', 'netns', 'delete', name], { check: false });
  if (code !== 0 && !stderr.includes('No such file')) throw new Error(`cannot remove ${name}: ${stderr.trim()}`);
  rmSync(`${ownersDirectory}/${name}`, { force: true });
};

const killInside = async (name: string): Promise<void> => {
  // A process may fork between the look and the kill, hence until none is left.
  for (;;) {
    const { stdout } = await runCommand(['ip', 'netns', 'pids', name], { check: false });
    const pids = stdout.split('\n').filter((line) => line !== '');
    if (pids.length === 0) return;
    for (const pid of pids) signalOrGone(Number(pid), 'SIGKILL');
    await sleep(10);
  }
};
