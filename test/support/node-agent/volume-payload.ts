import { err, ok, type Result } from '../../../src/lib/result.ts';
import { fieldValue, type PodAddresses } from './environment.ts';
import type { ConfigMap, Pod, Secret, Volume, VolumeProjection } from './types.ts';

/** One file of a volume. */
export type VolumeFile = { readonly content: Buffer; readonly mode: number };

/** The files of a volume by relative path. */
export type VolumePayload = ReadonlyMap<string, VolumeFile>;

/** What volumes are made of. `token` gives the text of a service-account token that has been requested before. */
export type VolumeSources = {
  readonly pod: Pod;
  readonly addresses: PodAddresses;
  readonly secret: (name: string) => Secret | undefined;
  readonly configMap: (name: string) => ConfigMap | undefined;
  readonly token: (projection: TokenProjection) => string;
};

/** A service-account token asked for by a projected volume. */
export type TokenProjection = NonNullable<VolumeProjection['serviceAccountToken']>;

const modeByDefault = 0o644;

/** All sources of a volume in one form: a Secret, ConfigMap or downward API volume is a projected one of one source. */
export const projectionsOf = (volume: Volume): readonly VolumeProjection[] | undefined => {
  const { secret, configMap, downwardAPI, projected } = volume;
  if (secret) return [{ secret: { ...secret, name: secret.secretName } }];
  if (configMap) return [{ configMap }];
  if (downwardAPI) return [{ downwardAPI }];
  return projected ? (projected.sources ?? []) : undefined;
};

/** Names of the objects and the tokens that a volume needs. */
export const volumeReferences = (volume: Volume) => {
  const projections = projectionsOf(volume) ?? [];
  return {
    secrets: projections.flatMap(({ secret }) => (secret ? [secret.name] : [])),
    configMaps: projections.flatMap(({ configMap }) => (configMap ? [configMap.name] : [])),
    tokens: projections.flatMap(({ serviceAccountToken }) => (serviceAccountToken ? [serviceAccountToken] : [])),
  };
};

/**
 * The files of a Secret, ConfigMap, downward API or projected volume. The error is the end of the kubelet's
 * `FailedMount` sentence.
 */
export const volumePayload = (volume: Volume, sources: VolumeSources): Result<VolumePayload> => {
  const defaultMode =
    (volume.secret ?? volume.configMap ?? volume.downwardAPI ?? volume.projected)?.defaultMode ?? modeByDefault;
  const files = new Map<string, VolumeFile>();
  for (const projection of projectionsOf(volume) ?? []) {
    const part = projectionPayload(projection, sources, defaultMode);
    if (!part.ok) return part;
    for (const [path, file] of part.value) files.set(path, file);
  }
  return ok(files);
};

const projectionPayload = (
  projection: VolumeProjection,
  sources: VolumeSources,
  defaultMode: number,
): Result<VolumePayload> => {
  const { namespace } = sources.pod.metadata;
  if (projection.secret) {
    const { name, items, optional = false } = projection.secret;
    const found = sources.secret(name);
    if (!found) return optional ? ok(new Map()) : err(`secret "${name}" not found`);
    return pick(decoded(found.data), items, optional, defaultMode, `secret "${namespace}/${name}"`);
  }
  if (projection.configMap) {
    const { name, items, optional = false } = projection.configMap;
    const found = sources.configMap(name);
    if (!found) return optional ? ok(new Map()) : err(`configmap "${name}" not found`);
    const text = Object.entries(found.data ?? {}).map(([key, value]) => [key, Buffer.from(value)] as const);
    const keys = new Map([...text, ...decoded(found.binaryData)]);
    return pick(keys, items, optional, defaultMode, `configmap "${namespace}/${name}"`);
  }
  const files = new Map<string, VolumeFile>();
  for (const { path, fieldRef, mode } of projection.downwardAPI?.items ?? []) {
    const value = fieldValue(sources.pod, sources.addresses, fieldRef?.fieldPath ?? '');
    if (!value.ok) return value;
    files.set(path, { content: Buffer.from(value.value), mode: mode ?? defaultMode });
  }
  if (projection.serviceAccountToken) {
    const { path } = projection.serviceAccountToken;
    const content = Buffer.from(sources.token(projection.serviceAccountToken));
    files.set(path, { content, mode: tokenMode(sources.pod, defaultMode) });
  }
  return ok(files);
};

const decoded = (data: Readonly<Record<string, string>> = {}): ReadonlyMap<string, Buffer> =>
  new Map(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));

const pick = (
  keys: ReadonlyMap<string, Buffer>,
  items: readonly { readonly key: string; readonly path: string; readonly mode?: number }[] | undefined,
  optional: boolean,
  defaultMode: number,
  what: string,
): Result<VolumePayload> => {
  if (items === undefined)
    return ok(new Map([...keys].map(([path, content]) => [path, { content, mode: defaultMode }])));
  const files = new Map<string, VolumeFile>();
  for (const { key, path, mode } of items) {
    const content = keys.get(key);
    if (content !== undefined) files.set(path, { content, mode: mode ?? defaultMode });
    else if (!optional)
      return err(`references non-existent ${what.startsWith('secret') ? 'secret' : 'config'} key: ${key}`);
  }
  return ok(files);
};

/** A token is for its user's eyes alone wherever the pod has one user or a group for its files. */
const tokenMode = (pod: Pod, defaultMode: number): number =>
  pod.spec.securityContext?.fsGroup !== undefined || tokenOwner(pod) !== undefined ? 0o600 : defaultMode;

/** The one user all containers run as, who then owns the tokens; `undefined` where there is no such user. */
export const tokenOwner = (pod: Pod): number | undefined => {
  const users = new Set(
    [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(
      ({ securityContext }) => securityContext?.runAsUser ?? pod.spec.securityContext?.runAsUser,
    ),
  );
  return users.size === 1 && pod.spec.securityContext?.fsGroup === undefined ? [...users][0] : undefined;
};
