import { mkdir, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { type Api, isNotFound } from '../../../src/k8s/client/api.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { toolPath } from './container-process.ts';
import { type BindMount, passwd, prepareRoot } from './container-root.ts';
import {
  containerEnvironment,
  type Environment,
  environmentReferences,
  expandReferences,
  type PodAddresses,
} from './environment.ts';
import type { Image } from './images.ts';
import type { LaunchPlan } from './launcher.ts';
import { containerCredentials } from './security.ts';
import type { ConfigMap, Container, Pod, Secret, Volume } from './types.ts';

/** What the containers of a pod have in common. */
export type PodContext = {
  readonly pod: Pod;
  readonly addresses: PodAddresses;
  /** The host name inside. */
  readonly hostname: string;
  /** The variables that lead to the API server. */
  readonly services: Environment;
  /** The pod's volumes, each at a path of the machine. */
  readonly volumes: readonly { readonly volume: Volume; readonly path: string }[];
};

/** Why a container cannot be made, as its `waiting` state says it. */
export type PlanError = {
  readonly reason: 'CreateContainerConfigError' | 'CreateContainerError';
  readonly message: string;
};

/** The file of a container's last words. */
export const terminationLog = (dir: string): string => join(dir, 'termination-log');

/** Works out how a container runs and puts together, in `dir`, what its root is made of. */
export const planContainer = async (
  api: Pick<Api, 'request'>,
  context: PodContext,
  container: Container,
  image: Image,
  dir: string,
): Promise<Result<LaunchPlan, PlanError>> => {
  const { pod, hostname, services, addresses } = context;
  const configError = (message: string) => err({ reason: 'CreateContainerConfigError', message } as const);
  const credentials = containerCredentials(pod, container, image.user, passwd);
  if (!credentials.ok) return configError(credentials.error);
  const home = passwd.find(({ uid }) => uid === credentials.value.uid)?.home ?? '/';
  const base = new Map([...image.env, ['HOSTNAME', hostname], ['HOME', home]]);
  const sources = await fetchSources(api, pod.metadata.namespace, container);
  const environment = containerEnvironment({ pod, container, addresses, base, services, sources });
  if (!environment.ok) return configError(environment.error);
  const expand = (words: readonly string[]) => words.map((word) => expandReferences(word, environment.value));
  const argv = container.command
    ? [...expand(container.command), ...expand(container.args ?? [])]
    : [...image.entrypoint, ...(container.args ? expand(container.args) : image.cmd)];
  if (argv.length === 0) return err({ reason: 'CreateContainerError', message: 'no command specified' });
  const mounts = await bindMounts(context, container, dir);
  if (!mounts.ok) return configError(mounts.error);
  const workingDir = container.workingDir ?? image.workingDir;
  const hosts = hostsFile(context);
  const root = await prepareRoot(
    dir,
    { image, workingDir, hosts, hostname, mounts: mounts.value },
    toolPath('setpriv'),
  );
  return ok({
    root,
    readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
    workingDir,
    environment: environment.value,
    credentials: credentials.value,
    argv,
  });
};

const fetchSources = async (api: Pick<Api, 'request'>, namespace: string, container: Container) => {
  const { secrets, configMaps } = environmentReferences(container);
  const fetchAll = async <T>(kind: string, names: readonly string[]): Promise<ReadonlyMap<string, T>> => {
    const found = new Map<string, T>();
    for (const name of names) {
      try {
        const path = `/api/v1/namespaces/${namespace}/${kind}/${name}`;
        found.set(name, (await api.request({ path })) as T);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    return found;
  };
  return {
    secrets: await fetchAll<Secret>('secrets', secrets),
    configMaps: await fetchAll<ConfigMap>('configmaps', configMaps),
  };
};

/** The container's mounts, outer ones first. */
const bindMounts = async (
  { volumes, pod, addresses }: PodContext,
  container: Container,
  dir: string,
): Promise<Result<readonly BindMount[]>> => {
  const last = terminationLog(dir);
  await mkdir(dir, { recursive: true });
  await writeFile(last, '');
  await chmod(last, 0o666);
  const mounts: BindMount[] = [
    { from: last, path: container.terminationMessagePath ?? '/dev/termination-log', readOnly: false },
  ];
  for (const mount of container.volumeMounts ?? []) {
    const found = volumes.find(({ volume }) => volume.name === mount.name);
    if (found === undefined)
      return err(`volume "${mount.name}" is not one of the pod's (${pod.metadata.name} on ${addresses.nodeName})`);
    const isWritable = found.volume.emptyDir !== undefined && mount.readOnly !== true;
    const from = mount.subPath === undefined ? found.path : join(found.path, mount.subPath);
    if (mount.subPath !== undefined && isWritable) await mkdir(from, { recursive: true });
    mounts.push({ from, path: mount.mountPath, readOnly: !isWritable });
  }
  return ok(mounts.toSorted((a, b) => a.path.length - b.path.length));
};

const hostsFile = ({ pod, addresses, hostname }: PodContext): string => {
  const own = addresses.podIps.map((ip) => `${ip}\t${hostname}`);
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  const lines = ['127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', ...own, ...aliases];
  return `# Kubernetes-managed hosts file.\n${lines.join('\n')}\n`;
};
