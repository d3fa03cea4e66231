import { parseMac } from '../mac.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import { buildPrograms, repository } from './build.ts';

/** The ways in which a user may apply our manifests: the one file, the folder, and its Kustomization. */
const waysToApply = {
  file: ['-f', 'manifests/metallb.yaml'],
  folder: ['-f', 'manifests/'],
  kustomization: ['-k', 'manifests/'],
} as const;

export type WayToApply = keyof typeof waysToApply;

/** Applies our manifests as a user does, and waits until controller and speakers are ready. */
export const deployMetallb = async (sandbox: Sandbox, way: WayToApply = 'file'): Promise<void> => {
  await buildPrograms();
  await sandbox.kubectl(['apply', ...waysToApply[way]], { cwd: repository, timeout: 60_000 });
  await rolledOut(sandbox, 'deployment/controller', 'daemonset/speaker');
};

/** Waits until workloads of our namespace run what their spec says. */
export const rolledOut = async (sandbox: Sandbox, ...workloads: readonly string[]): Promise<void> => {
  await Promise.all(
    workloads.map((workload) =>
      sandbox.kubectl(['-n', 'metallb-system', 'rollout', 'status', workload, '--timeout=180s'], { timeout: 200_000 }),
    ),
  );
};

/** An object as kubectl prints it with `-o json`; undefined if there is none of that name. */
export const getObject = async <T>(sandbox: Sandbox, ...args: readonly string[]): Promise<T | undefined> => {
  const { stdout } = await sandbox.kubectl(['get', ...args, '-o', 'json', '--ignore-not-found']);
  return stdout === '' ? undefined : (JSON.parse(stdout) as T);
};

type ServiceJson = { readonly status: { readonly loadBalancer: { readonly ingress?: readonly { ip: string }[] } } };

/** The addresses of a service; empty while it has none. */
export const addressesOf = async (sandbox: Sandbox, service: string, namespace = 'default'): Promise<string[]> => {
  const object = await getObject<ServiceJson>(sandbox, '-n', namespace, 'service', service);
  return (object?.status.loadBalancer.ingress ?? []).map(({ ip }) => ip);
};

/** The hardware address that a host's kernel has for an address; undefined if it has none, or it did not answer. */
export const neighbourMac = async (sandbox: Sandbox, host: string, address: string): Promise<string | undefined> => {
  const { stdout } = await sandbox.exec(host, ['ip', '-json', 'neigh', 'show', address]);
  const [entry] = JSON.parse(stdout === '' ? '[]' : stdout) as { lladdr?: string }[];
  return entry?.lladdr !== undefined && parseMac(entry.lladdr).ok ? entry.lladdr : undefined;
};

/** The node that has a hardware address. */
export const nodeOfMac = async (sandbox: Sandbox, mac: string): Promise<string | undefined> => {
  const nodes = sandbox.lan.plan.hosts.filter(({ role }) => role === 'node').map(({ name }) => name);
  for (const node of nodes) if ((await sandbox.lan.host(node).macOf('eth0')) === mac) return node;
  return undefined;
};

/** Asks for `/` of an address from a host of the LAN; the body, or undefined if there was no answer in time. */
export const curl = async (
  sandbox: Sandbox,
  host: string,
  address: string,
  port = 80,
  seconds = 2,
): Promise<string | undefined> => {
  const at = `http://${address.includes(':') ? `[${address}]` : address}:${port}/`;
  const { code, stdout } = await sandbox.exec(
    host,
    ['curl', '--silent', '--show-error', '--max-time', String(seconds), at],
    { check: false },
  );
  return code === 0 ? stdout : undefined;
};
