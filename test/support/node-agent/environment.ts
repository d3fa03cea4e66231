import { err, ok, type Result } from '../../../src/lib/result.ts';
import type { ConfigMap, Container, EnvVar, Pod, Secret } from './types.ts';

/** Variables in the order in which they were defined. */
export type Environment = ReadonlyMap<string, string>;

/** The Secrets and ConfigMaps a container's variables refer to, by name; a missing one is absent. */
export type EnvironmentSources = {
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
};

/** Where the pod runs, for `status.podIP` and the like. */
export type PodAddresses = {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
};

/**
 * Replaces `$(NAME)` by the value of a variable defined before; an unknown name stays as it is, and `$$` is a literal
 * dollar sign (the rules of `k8s.io/kubernetes/third_party/forked/golang/expansion`).
 */
export const expandReferences = (text: string, variables: Environment): string =>
  text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? whole),
  );

/** Names of the Secrets and ConfigMaps that a container's environment reads. */
export const environmentReferences = (container: Container) => {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  for (const from of container.envFrom ?? []) {
    if (from.secretRef) secrets.add(from.secretRef.name);
    if (from.configMapRef) configMaps.add(from.configMapRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.secretKeyRef) secrets.add(valueFrom.secretKeyRef.name ?? '');
    if (valueFrom?.configMapKeyRef) configMaps.add(valueFrom.configMapKeyRef.name ?? '');
  }
  return { secrets: [...secrets], configMaps: [...configMaps] };
};

/** The value of a downward API field; the errors are the kubelet's. */
export const fieldValue = (pod: Pod, addresses: PodAddresses, fieldPath: string): Result<string> => {
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (subscript) return ok(pod.metadata[subscript[1] as 'labels' | 'annotations']?.[subscript[2] ?? ''] ?? '');
  const fields: Readonly<Record<string, () => string>> = {
    'metadata.name': () => pod.metadata.name,
    'metadata.namespace': () => pod.metadata.namespace,
    'metadata.uid': () => pod.metadata.uid,
    'metadata.labels': () => quotedLines(pod.metadata.labels),
    'metadata.annotations': () => quotedLines(pod.metadata.annotations),
    'spec.nodeName': () => addresses.nodeName,
    'spec.serviceAccountName': () => pod.spec.serviceAccountName ?? '',
    'status.hostIP': () => addresses.hostIps[0] ?? '',
    'status.hostIPs': () => addresses.hostIps.join(','),
    'status.podIP': () => addresses.podIps[0] ?? '',
    'status.podIPs': () => addresses.podIps.join(','),
  };
  const read = fields[fieldPath];
  return read ? ok(read()) : err(`unsupported fieldPath: ${fieldPath}`);
};

const quotedLines = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n');

/**
 * The variables that lead a pod to the API server, as the kubelet sets them for the Service `kubernetes`
 * (the older link-style names included).
 */
export const kubernetesServiceVariables = (clusterIp: string, port: number): Environment => {
  const host = clusterIp.includes(':') ? `[${clusterIp}]` : clusterIp;
  const url = `tcp://${host}:${port}`;
  return new Map([
    ['KUBERNETES_SERVICE_HOST', clusterIp],
    ['KUBERNETES_SERVICE_PORT', `${port}`],
    ['KUBERNETES_SERVICE_PORT_HTTPS', `${port}`],
    ['KUBERNETES_PORT', url],
    [`KUBERNETES_PORT_${port}_TCP`, url],
    [`KUBERNETES_PORT_${port}_TCP_PROTO`, 'tcp'],
    [`KUBERNETES_PORT_${port}_TCP_PORT`, `${port}`],
    [`KUBERNETES_PORT_${port}_TCP_ADDR`, clusterIp],
  ]);
};

/** What `containerEnvironment` starts from; `base` holds the image's variables, PATH, HOME and HOSTNAME. */
type EnvironmentInput = {
  readonly pod: Pod;
  readonly container: Container;
  readonly addresses: PodAddresses;
  readonly base: Environment;
  readonly services: Environment;
  readonly sources: EnvironmentSources;
};

/**
 * The environment of a container: the base, then service variables, `envFrom`, `env`; later ones win. A reference to
 * something that does not exist is an error worded as the kubelet words it in `CreateContainerConfigError`.
 */
export const containerEnvironment = (input: EnvironmentInput): Result<Environment> => {
  const { pod, container, addresses, sources } = input;
  const own = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    const entries = importedEntries(from, sources);
    if (!entries.ok) return entries;
    for (const [key, value] of entries.value) own.set(`${from.prefix ?? ''}${key}`, value);
  }
  for (const variable of container.env ?? []) {
    const value = variableValue(variable, pod, addresses, sources, new Map([...input.services, ...own]));
    if (!value.ok) return value;
    if (value.value !== undefined) own.set(variable.name, value.value);
  }
  return ok(new Map([...input.base, ...input.services, ...own]));
};

const importedEntries = (
  from: NonNullable<Container['envFrom']>[number],
  sources: EnvironmentSources,
): Result<readonly (readonly [string, string])[]> => {
  if (from.secretRef) {
    const secret = sources.secrets.get(from.secretRef.name);
    if (!secret && from.secretRef.optional !== true) return err(`secret "${from.secretRef.name}" not found`);
    return ok(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decodeBase64(value)]));
  }
  if (from.configMapRef) {
    const map = sources.configMaps.get(from.configMapRef.name);
    if (!map && from.configMapRef.optional !== true) return err(`configmap "${from.configMapRef.name}" not found`);
    return ok(Object.entries(map?.data ?? {}));
  }
  return ok([]);
};

/** `undefined`: an optional reference leads nowhere, and the variable is not set. */
const variableValue = (
  variable: EnvVar,
  pod: Pod,
  addresses: PodAddresses,
  sources: EnvironmentSources,
  defined: Environment,
): Result<string | undefined> => {
  const from = variable.valueFrom;
  if (from === undefined) return ok(expandReferences(variable.value ?? '', defined));
  if (from.fieldRef) return fieldValue(pod, addresses, from.fieldRef.fieldPath);
  if (from.secretKeyRef) {
    const { name = '', key, optional } = from.secretKeyRef;
    const secret = sources.secrets.get(name);
    const value = secret?.data?.[key];
    if (value !== undefined) return ok(decodeBase64(value));
    if (optional === true) return ok(undefined);
    return err(
      secret ? `couldn't find key ${key} in Secret ${pod.metadata.namespace}/${name}` : `secret "${name}" not found`,
    );
  }
  if (from.configMapKeyRef) {
    const { name = '', key, optional } = from.configMapKeyRef;
    const map = sources.configMaps.get(name);
    const value = map?.data?.[key];
    if (value !== undefined) return ok(value);
    if (optional === true) return ok(undefined);
    return err(
      map ? `couldn't find key ${key} in ConfigMap ${pod.metadata.namespace}/${name}` : `configmap "${name}" not found`,
    );
  }
  return err(`environment variable ${variable.name}: resourceFieldRef is not supported in the sandbox`);
};

const decodeBase64 = (value: string): string => Buffer.from(value, 'base64').toString();
