import { ApiError, type ApiRequest } from '../../src/k8s/client/api.ts';
import { object } from '../../src/lib/json.ts';
import { compareText } from '../../src/lib/sorted.ts';
import { mergeConditions, mergePatch } from './merge-patch.ts';

/** A Kubernetes object as it is sent. */
export type RawObject = {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
};

const collections = [
  'services',
  'namespaces',
  'nodes',
  'ipaddresspools',
  'l2advertisements',
  'bgpadvertisements',
  'bgppeers',
  'bfdprofiles',
  'communities',
  'servicel2statuses',
  'leases',
] as const;
export type Collection = (typeof collections)[number];

/** A change, as watches tell it. */
export type StoredEvent = {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly raw: RawObject;
};

/** Told before anybody sees what has happened. What it throws fails the test. */
export type Witness = {
  /** A client is about to change a status. */
  readonly onStatus: (before: RawObject, after: RawObject, writer: string) => void;
  /** Something was stored, by whomever. */
  readonly onStored: (collection: Collection, event: StoredEvent) => void;
};

export type ApiServer = {
  /** In the order in which a list has them. */
  readonly all: (collection: Collection) => readonly RawObject[];
  readonly create: (
    collection: Collection,
    object: Pick<RawObject, 'spec' | 'status'> & {
      readonly metadata: Partial<RawObject['metadata']> & { name: string };
    },
  ) => RawObject;
  readonly replace: (collection: Collection, object: RawObject) => void;
  readonly remove: (collection: Collection, object: RawObject) => void;
  /** Serves one call at this moment; throws the `ApiError` that it answers with. */
  readonly serve: (request: ApiRequest, writer: string) => RawObject;
  /** What has been stored in a collection, in order. */
  readonly history: (collection: Collection) => readonly StoredEvent[];
  /** The newest resourceVersion. */
  readonly version: () => number;
};

export const keyOf = ({ metadata }: Pick<RawObject, 'metadata'>): string =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

/** An API server in memory. */
export const createApiServer = ({ onStatus, onStored }: Witness): ApiServer => {
  const perCollection = <T>(make: () => T): Record<Collection, T> =>
    Object.fromEntries(collections.map((collection) => [collection, make()])) as Record<Collection, T>;
  const objects = perCollection(() => new Map<string, RawObject>());
  const events = perCollection((): StoredEvent[] => []);
  let version = 7;

  const store = (collection: Collection, type: StoredEvent['type'], object: RawObject): RawObject => {
    version++;
    const raw = { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
    if (type === 'DELETED') objects[collection].delete(keyOf(raw));
    else objects[collection].set(keyOf(raw), raw);
    const event = { version, type, raw };
    events[collection].push(event);
    onStored(collection, event);
    return raw;
  };

  const create: ApiServer['create'] = (collection, { metadata, ...rest }) => {
    const uid = `uid-${version}`;
    // Coarse, so that some are of the same age.
    const creationTimestamp = `${new Date(Math.floor(version / 5) * 5000).toISOString().slice(0, 19)}Z`;
    const raw = { ...rest, metadata: { uid, creationTimestamp, resourceVersion: '', ...metadata } };
    if (objects[collection].has(keyOf(raw))) throw new ApiError(409, 'AlreadyExists', `${keyOf(raw)} exists`);
    return store(collection, 'ADDED', raw);
  };

  const patch = (collection: Collection, key: string, body: Body, part: 'spec' | 'status', writer: string) => {
    const before = objects[collection].get(key);
    if (before === undefined) throw new ApiError(404, 'NotFound', `${key} not found`);
    const { metadata } = body;
    if (metadata?.uid !== undefined && metadata.uid !== before.metadata.uid)
      throw new ApiError(409, 'Conflict', 'the uid differs');
    if (metadata?.resourceVersion !== undefined && metadata.resourceVersion !== before.metadata.resourceVersion)
      throw new ApiError(409, 'Conflict', 'the object has been modified');
    const changes = body[part];
    const annotations = metadata?.annotations ?? {};
    const merged = mergePatch(before, { metadata: { annotations }, [part]: changes }) as RawObject;
    const conditions = mergeConditions(before.status?.['conditions'], object(changes)['conditions']);
    const after = conditions === undefined ? merged : { ...merged, status: { ...merged.status, conditions } };
    if (JSON.stringify(after) === JSON.stringify(before)) return before;
    if (part === 'status') onStatus(before, after, writer);
    return store(collection, 'MODIFIED', after);
  };

  const serve: ApiServer['serve'] = ({ method = 'GET', path, body }, writer) => {
    const { collection, namespace, key, isStatus } = readPath(path);
    if (method === 'POST') {
      const { metadata, ...rest } = body as RawObject;
      return create(collection, { ...rest, metadata: { ...metadata, namespace: namespace ?? '' } });
    }
    if (method === 'PATCH') return patch(collection, key, body as Body, isStatus ? 'status' : 'spec', writer);
    const found = method === 'GET' ? objects[collection].get(key) : undefined;
    if (found === undefined) throw new ApiError(404, 'NotFound', `${key} not found`);
    return found;
  };

  return {
    all: (collection) => [...objects[collection].values()].sort((a, b) => compareText(keyOf(a), keyOf(b))),
    create,
    replace: (collection, object) => void store(collection, 'MODIFIED', object),
    remove: (collection, object) => void store(collection, 'DELETED', object),
    serve,
    history: (collection) => events[collection],
    version: () => version,
  };
};

type Body = Partial<Omit<RawObject, 'metadata'>> & { readonly metadata?: Partial<RawObject['metadata']> };

/** `…/PLURAL`, `…/namespaces/NS/PLURAL`, `…/namespaces/NS/PLURAL/NAME` or that with `/status` */
export const readPath = (path: string) => {
  const [, namespace, rest = ''] = /\/namespaces\/([^/]+)\/(.+)$/.exec(path) ?? [];
  const [plural = '', name, subresource] = namespace === undefined ? [path.split('/').at(-1)] : rest.split('/');
  return {
    collection: plural as Collection,
    namespace,
    key: `${namespace}/${name}`,
    isStatus: subresource === 'status',
  };
};
