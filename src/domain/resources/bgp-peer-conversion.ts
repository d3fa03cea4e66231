import { isObject, text } from '../../lib/json.ts';
import { err, ok, type Result } from '../../lib/result.ts';
import { bgpPeerSpec } from './bgp-peer.ts';

const oldVersion = 'metallb.io/v1beta1';
const newVersion = 'metallb.io/v1beta2';

/**
 * Begins the annotations in which an object that is shown as v1beta1 keeps what only v1beta2 has, as JSON, so that a
 * client that reads and writes it in the old version loses nothing: `v1beta2.metallb.io/vrf: '"red"'`. There is one for
 * each field, because server-side apply has to see which of them its owners no longer want. The password is in both
 * versions and never gets here.
 */
const annotationPrefix = 'v1beta2.metallb.io/';

/** In characters; ten times what names of interfaces, VRFs and Secrets can have. */
const maxAnnotationLength = 4096;

/** The fields that v1beta1 lacks, each of which may be missing. */
const { shape } = bgpPeerSpec;
const newFields = {
  localASN: shape.localASN,
  dynamicASN: shape.dynamicASN,
  interface: shape.interface,
  connectTime: shape.connectTime,
  passwordSecret: shape.passwordSecret,
  enableGracefulRestart: shape.enableGracefulRestart,
  vrf: shape.vrf,
  disableMP: shape.disableMP,
  dualStackAddressFamily: shape.dualStackAddressFamily,
};

type Fields = Readonly<Record<string, unknown>>;

/** A BGPPeer of either version, with what was found in it. */
type Peer = { readonly name: string; readonly object: Fields; readonly metadata: Fields; readonly annotations: Fields };

/**
 * Converts a `BGPPeer` between `metallb.io/v1beta1` and `metallb.io/v1beta2`, as the API server asks for; an object that
 * has the version already is given back. Everything that both versions have is taken over as it is. In particular
 * timers that are not set stay unset: to write 0s instead, as MetalLB does, means a session without keepalives, which
 * nobody asked for. Fields that v1beta1 lacks are kept in annotations there, apart from far too long ones; those that
 * only v1beta1 requires (`peerASN`, `peerAddress`) are 0 and empty there if v1beta2 has none.
 *
 * The error names the object and the field.
 */
export const convertBgpPeer = (object: unknown, desiredApiVersion: string): Result<object> => {
  if (!isObject(object)) return err('a BGPPeer must be an object');
  const { apiVersion, kind } = object;
  const metadata = object['metadata'] ?? {};
  if (!isObject(metadata)) return err('BGPPeer: metadata: must be an object');
  const name = `BGPPeer ${text(metadata['namespace']) ?? ''}/${text(metadata['name']) ?? ''}`;
  if (kind !== 'BGPPeer') return err(`${name}: kind: must be BGPPeer`);
  if (apiVersion !== oldVersion && apiVersion !== newVersion) {
    return err(`${name}: apiVersion: must be ${oldVersion} or ${newVersion}`);
  }
  if (desiredApiVersion !== oldVersion && desiredApiVersion !== newVersion) {
    return err(`${name}: there is no version ${JSON.stringify(desiredApiVersion.slice(0, 100))} of it`);
  }
  const annotations = metadata['annotations'] ?? {};
  if (!isObject(annotations)) return err(`${name}: metadata.annotations: must be an object`);
  const spec = object['spec'];
  if (spec !== undefined && !isObject(spec)) return err(`${name}: spec: must be an object`);
  if (apiVersion === desiredApiVersion) return ok(object);
  const peer: Peer = { name, object, metadata, annotations };
  return desiredApiVersion === oldVersion ? ok(toOld(peer, spec)) : toNew(peer, spec);
};

const toOld = (peer: Peer, spec: Fields | undefined): object => {
  if (spec === undefined) return assemble(peer, oldVersion, undefined, {});
  const lacking = filter(spec, ([field, value]) => isNewField(field) && value !== presets[field]);
  const kept = Object.entries(lacking)
    .map(([field, value]) => [`${annotationPrefix}${field}`, JSON.stringify(value)] as const)
    .filter(([, json]) => json.length <= maxAnnotationLength);
  const shared = filter(spec, ([field]) => !isNewField(field));
  const required = { peerASN: spec['peerASN'] ?? 0, peerAddress: spec['peerAddress'] ?? '' };
  return assemble(peer, oldVersion, { ...shared, ...required }, Object.fromEntries(kept));
};

const toNew = (peer: Peer, spec: Fields | undefined): Result<object> => {
  const kept = readAnnotations(peer.annotations);
  if (!kept.ok) return err(`${peer.name}: ${kept.error}`);
  if (spec === undefined) return ok(assemble(peer, newVersion, undefined, {}));
  const shared = filter(spec, ([field, value]) => !Object.hasOwn(oldZeros, field) || value !== oldZeros[field]);
  return ok(assemble(peer, newVersion, { ...shared, ...kept.value }, {}));
};

/** What the API server writes in v1beta2 for a field that is not set. */
const presets: Fields = { disableMP: false, dualStackAddressFamily: false };

/** What v1beta1 has to write, or may write, for a field that is not set. */
const oldZeros: Fields = { peerASN: 0, peerAddress: '', peerPort: 0 };

/** The object in another version: with that spec, and those of our annotations. */
const assemble = (
  { object, metadata, annotations }: Peer,
  apiVersion: string,
  spec: Fields | undefined,
  ours: Fields,
): object => {
  const all = { ...filter(annotations, ([key]) => !key.startsWith(annotationPrefix)), ...ours };
  const bare = filter(metadata, ([field]) => field !== 'annotations');
  return {
    ...object,
    apiVersion,
    metadata: Object.keys(all).length === 0 ? bare : { ...bare, annotations: all },
    ...(spec !== undefined && { spec }),
  };
};

/** The fields that our annotations hold. An error never shows a value: somebody may have put a password there. */
const readAnnotations = (annotations: Fields): Result<Fields> => {
  const fields: [string, unknown][] = [];
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(annotationPrefix)) continue;
    const field = key.slice(annotationPrefix.length);
    const refuse = (why: string) => err(`metadata.annotations[${key.slice(0, 100)}]: ${why}`);
    if (!isNewField(field)) return refuse(`${newVersion} has no such field beyond ${oldVersion}`);
    const parsed = parseField(field, value);
    if (!parsed.ok) return refuse(`must be what spec.${field} is in ${newVersion}, as JSON`);
    fields.push([field, parsed.value]);
  }
  return ok(Object.fromEntries(fields));
};

const parseField = (field: keyof typeof newFields, json: unknown): Result<unknown> => {
  if (typeof json !== 'string' || json.length > maxAnnotationLength) return err('not readable');
  try {
    const value: unknown = JSON.parse(json);
    return newFields[field].safeParse(value).success ? ok(value) : err('of another type');
  } catch {
    return err('not JSON');
  }
};

const isNewField = (field: string): field is keyof typeof newFields => Object.hasOwn(newFields, field);

const filter = (fields: Fields, keep: (entry: readonly [string, unknown]) => boolean): Fields =>
  Object.fromEntries(Object.entries(fields).filter(keep));
