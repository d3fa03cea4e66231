import * as z from 'zod/mini';
import { err, ok, type Result } from '../../lib/result.ts';
import { bgpPeerSpec } from './bgp-peer.ts';

const oldVersion = 'metallb.io/v1beta1';
const newVersion = 'metallb.io/v1beta2';

/**
 * Where an object that is shown as v1beta1 keeps what only v1beta2 has, as JSON, so that a client that reads and writes
 * it in the old version loses nothing. The password is in both versions and never gets here.
 */
const newFieldsAnnotation = 'metallb.io/v1beta2-fields';

/** In characters; a hundred times what names of interfaces, VRFs and Secrets need. */
const maxAnnotationLength = 65_536;

/** The fields that v1beta1 lacks, each of which may be missing. */
const { shape } = bgpPeerSpec;
const newFields = z.strictObject({
  localASN: shape.localASN,
  dynamicASN: shape.dynamicASN,
  interface: shape.interface,
  connectTime: shape.connectTime,
  passwordSecret: shape.passwordSecret,
  enableGracefulRestart: shape.enableGracefulRestart,
  vrf: shape.vrf,
  disableMP: shape.disableMP,
  dualStackAddressFamily: shape.dualStackAddressFamily,
});

type Fields = Readonly<Record<string, unknown>>;

/** A BGPPeer of either version, with what was found in it. */
type Peer = { readonly name: string; readonly object: Fields; readonly metadata: Fields; readonly annotations: Fields };

/**
 * Converts a `BGPPeer` between `metallb.io/v1beta1` and `metallb.io/v1beta2`, as the API server asks for; an object that
 * has the version already is given back. Everything that both versions have is taken over as it is. In particular
 * timers that are not set stay unset: to write 0s instead, as MetalLB does, means a session without keepalives, which
 * nobody asked for. Fields that v1beta1 lacks are kept in an annotation there, unless they are longer than it may be;
 * fields that only v1beta1 requires (`peerASN`, `peerAddress`) are 0 and empty there if v1beta2 has none.
 *
 * The error names the object and the field.
 */
export const convertBgpPeer = (object: unknown, desiredApiVersion: string): Result<object> => {
  if (!isObject(object)) return err('a BGPPeer must be an object');
  const { apiVersion, kind } = object;
  const metadata = object['metadata'] ?? {};
  if (!isObject(metadata)) return err('BGPPeer: metadata: must be an object');
  const name = `BGPPeer ${text(metadata['namespace'])}/${text(metadata['name'])}`;
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
  if (spec === undefined) return assemble(peer, oldVersion, undefined, undefined);
  const kept = filter(spec, ([field, value]) => isNewField(field) && value !== presets[field]);
  const json = JSON.stringify(kept);
  const shared = filter(spec, ([field]) => !isNewField(field));
  return assemble(
    peer,
    oldVersion,
    { ...shared, peerASN: spec['peerASN'] ?? 0, peerAddress: spec['peerAddress'] ?? '' },
    json === '{}' || json.length > maxAnnotationLength ? undefined : json,
  );
};

const toNew = (peer: Peer, spec: Fields | undefined): Result<object> => {
  const kept = readAnnotation(peer.annotations[newFieldsAnnotation]);
  if (!kept.ok) return err(`${peer.name}: metadata.annotations[${newFieldsAnnotation}]: ${kept.error}`);
  if (spec === undefined) return ok(assemble(peer, newVersion, undefined, undefined));
  const shared = filter(spec, ([field, value]) => !Object.hasOwn(oldZeros, field) || value !== oldZeros[field]);
  return ok(assemble(peer, newVersion, { ...shared, ...kept.value }, undefined));
};

/** What the API server writes in v1beta2 for a field that is not set. */
const presets: Fields = { disableMP: false, dualStackAddressFamily: false };

/** What v1beta1 has to write, or may write, for a field that is not set. */
const oldZeros: Fields = { peerASN: 0, peerAddress: '', peerPort: 0 };

/** The object in another version: with that spec, and that text in the annotation. */
const assemble = (
  { object, metadata, annotations }: Peer,
  apiVersion: string,
  spec: Fields | undefined,
  annotation: string | undefined,
): object => {
  const others = filter(annotations, ([key]) => key !== newFieldsAnnotation);
  const all = annotation === undefined ? others : { ...others, [newFieldsAnnotation]: annotation };
  const bare = filter(metadata, ([field]) => field !== 'annotations');
  return {
    ...object,
    apiVersion,
    metadata: Object.keys(all).length === 0 ? bare : { ...bare, annotations: all },
    ...(spec !== undefined && { spec }),
  };
};

const readAnnotation = (value: unknown): Result<Fields> => {
  if (value === undefined) return ok({});
  if (typeof value !== 'string') return err('must be text');
  if (value.length > maxAnnotationLength) return err(`must not be longer than ${maxAnnotationLength} characters`);
  let fields: unknown;
  try {
    fields = JSON.parse(value);
  } catch {
    return err('must be a JSON object');
  }
  const parsed = newFields.safeParse(fields);
  return parsed.success ? ok(fields as Fields) : err(issueText(parsed.error.issues[0]!));
};

/** Never shows a value: somebody may have put a password there. */
const issueText = (issue: z.core.$ZodIssue): string => {
  if (issue.code === 'unrecognized_keys') return `there is no field ${JSON.stringify(issue.keys[0]?.slice(0, 100))}`;
  return issue.path.length === 0 ? 'must be a JSON object' : `${issue.path.join('.')}: is not as ${newVersion} has it`;
};

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isNewField = (field: string): boolean => Object.hasOwn(newFields.shape, field);

const filter = (fields: Fields, keep: (entry: readonly [string, unknown]) => boolean): Fields =>
  Object.fromEntries(Object.entries(fields).filter(keep));

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
