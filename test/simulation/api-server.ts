import { type Api, ApiError, type ApiRequest, ApiUnreachable } from '../../src/k8s/api.ts';
import { isObject, list, object } from '../../src/k8s/raw.ts';

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
] as const;
type Collection = (typeof collections)[number];
type StoredEvent = {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly raw: RawObject;
};

/** A list that was asked for; its answer is what stood at that moment, however late it comes. */
export type PendingList = { readonly collection: Collection; readonly answer: () => void; readonly fail: () => void };

/** An open watch. */
export type OpenWatch = {
  readonly collection: Collection;
  /** How many events it has not been sent. */
  readonly behind: () => number;
  readonly deliver: () => void;
  /** Sends the last event once more. */
  readonly repeat: () => void;
  /** The server ends it, in good order, because its version is no longer kept, or by a broken connection. */
  readonly end: (how: 'closed' | 'expired' | 'broken') => void;
};

/** A status write on its way: it is applied or refused at one moment, and answered at another. */
export type PendingWrite = {
  readonly name: string;
  readonly isApplied: () => boolean;
  readonly apply: () => void;
  readonly answer: () => void;
  /** The server has a fault before it is applied, or the answer is lost after. */
  readonly fail: () => void;
  /** The caller gives up waiting while the request is still on its way: it may be applied any time later. */
  readonly giveUp: () => void;
};

/** One process's connection, whose every answer waits until somebody gives it. */
export type Connection = {
  readonly api: Api;
  readonly lists: Set<PendingList>;
  readonly watches: Set<OpenWatch>;
  readonly writes: Set<PendingWrite>;
  /** Writes the caller has given up, and that are still on their way. */
  readonly stray: Set<PendingWrite>;
  /** What the process has been told of a collection. */
  readonly seen: (collection: Collection) => readonly RawObject[];
  /** What it was told until now it has had time to take in: throws if it then writes on the ground of older states. */
  readonly settled: () => void;
};

export type ApiServer = {
  readonly all: (collection: Collection) => readonly RawObject[];
  readonly create: (
    collection: Collection,
    object: Pick<RawObject, 'spec' | 'status'> & {
      readonly metadata: Partial<RawObject['metadata']> & { name: string };
    },
  ) => void;
  readonly replace: (collection: Collection, object: RawObject) => void;
  readonly remove: (collection: Collection, object: RawObject) => void;
  readonly connect: () => Connection;
  /** The newest resourceVersion. */
  readonly version: () => number;
  /** PATCH calls so far, whatever came of them. */
  readonly writes: () => number;
};

const encoder = new TextEncoder();
const keyOf = ({ metadata }: RawObject): string =>
  metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;

/** An API server in memory. `onStatus` is told of each status that a client has changed, before anybody sees it. */
export const createApiServer = (onStatus: (before: RawObject, after: RawObject) => void): ApiServer => {
  const perCollection = <T>(make: () => T): Record<Collection, T> =>
    Object.fromEntries(collections.map((collection) => [collection, make()])) as Record<Collection, T>;
  const objects = perCollection(() => new Map<string, RawObject>());
  const events = perCollection((): StoredEvent[] => []);
  let version = 7;
  let writes = 0;

  const store = (collection: Collection, type: StoredEvent['type'], object: RawObject): RawObject => {
    version++;
    const raw = { ...object, metadata: { ...object.metadata, resourceVersion: `${version}` } };
    if (type === 'DELETED') objects[collection].delete(keyOf(raw));
    else objects[collection].set(keyOf(raw), raw);
    events[collection].push({ version, type, raw });
    return raw;
  };

  const patchStatus = (collection: Collection, key: string, body: unknown): RawObject => {
    const before = objects[collection].get(key);
    if (before === undefined) throw new ApiError(404, 'NotFound', `${key} not found`);
    const { metadata, status } = body as { metadata?: Record<string, unknown>; status: unknown };
    if (metadata?.['uid'] !== undefined && metadata['uid'] !== before.metadata.uid)
      throw new ApiError(409, 'Conflict', 'the uid differs');
    if (metadata?.['resourceVersion'] !== undefined && metadata['resourceVersion'] !== before.metadata.resourceVersion)
      throw new ApiError(409, 'Conflict', 'the object has been modified');
    const merged = mergePatch(before, {
      metadata: { annotations: metadata?.['annotations'] ?? {} },
      status,
    }) as RawObject;
    const conditions = mergeConditions(before.status?.['conditions'], object(status)['conditions']);
    const after = conditions === undefined ? merged : { ...merged, status: { ...merged.status, conditions } };
    if (JSON.stringify(after) === JSON.stringify(before)) return before;
    onStatus(before, after);
    return store(collection, 'MODIFIED', after);
  };

  const connect = (): Connection => {
    const lists = new Set<PendingList>();
    const watches = new Set<OpenWatch>();
    const pending = new Set<PendingWrite>();
    const stray = new Set<PendingWrite>();
    const seen = new Map<Collection, Map<string, RawObject>>();
    /** The newest version of each object that it knows; and those it has been told since. */
    const taken = new Map<string, number>();
    let told: RawObject[] = [];
    const outdated: string[] = [];
    const seenOf = (collection: Collection): Map<string, RawObject> => seen.get(collection) ?? new Map();

    const openList = async (collection: Collection): Promise<AsyncIterable<Uint8Array>> => {
      const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<Uint8Array>>();
      const metadata = { resourceVersion: `${version}` };
      const snapshot = new Map(objects[collection]);
      const text = JSON.stringify({ kind: 'List', metadata, items: [...snapshot.values()] });
      const list: PendingList = {
        collection,
        answer: () => {
          lists.delete(list);
          seen.set(collection, snapshot);
          told.push(...snapshot.values());
          resolve(once(encoder.encode(text)));
        },
        fail: () => {
          lists.delete(list);
          reject(new ApiUnreachable('no answer to the list', undefined));
        },
      };
      lists.add(list);
      return promise;
    };

    const openWatch = (collection: Collection, from: number, signal: AbortSignal | undefined): Pipe => {
      const pipe = createPipe();
      const log = events[collection];
      let next = log.findIndex((event) => event.version > from);
      if (next < 0) next = log.length;
      const send = (line: unknown): void => pipe.push(encoder.encode(`${JSON.stringify(line)}\n`));
      const sendEvent = (event: StoredEvent | undefined): void => {
        if (event === undefined) return;
        if (event.type === 'DELETED') seenOf(collection).delete(keyOf(event.raw));
        else seenOf(collection).set(keyOf(event.raw), event.raw);
        told.push(event.raw);
        send({ type: event.type, object: event.raw });
      };
      const first = next;
      const watch: OpenWatch = {
        collection,
        behind: () => log.length - next,
        deliver: () => sendEvent(log[next++]),
        repeat: () => {
          if (next > first) sendEvent(log[next - 1]);
        },
        end: (how) => {
          watches.delete(watch);
          if (how === 'expired') send({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
          pipe.end(how === 'broken' ? new ApiUnreachable('the connection broke', undefined) : undefined);
        },
      };
      signal?.addEventListener('abort', () => {
        watches.delete(watch);
        pipe.end(signal.reason);
      });
      watches.add(watch);
      return pipe;
    };

    const write = async ({ path, body }: ApiRequest): Promise<unknown> => {
      writes++;
      const { collection, key } = readStatusPath(path);
      const { metadata } = body as { readonly metadata?: RawObject['metadata'] };
      if (metadata !== undefined && Number(metadata.resourceVersion) < (taken.get(metadata.uid) ?? 0))
        outdated.push(key);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      // The wire: what the caller holds may change meanwhile.
      const sent: unknown = JSON.parse(JSON.stringify(body));
      let outcome: { readonly value: RawObject } | { readonly error: unknown } | undefined;
      const one: PendingWrite = {
        name: key,
        isApplied: () => outcome !== undefined,
        apply: () => {
          stray.delete(one);
          try {
            outcome = { value: patchStatus(collection, key, sent) };
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
            outcome = { error };
          }
        },
        answer: () => {
          pending.delete(one);
          if (outcome === undefined) throw new Error('answered before it was applied');
          if ('value' in outcome) {
            told.push(outcome.value);
            resolve(outcome.value);
          } else reject(outcome.error);
        },
        fail: () => {
          pending.delete(one);
          reject(
            outcome === undefined ? new ApiError(500, 'InternalError', 'etcd') : new ApiUnreachable('lost', undefined),
          );
        },
        giveUp: () => {
          pending.delete(one);
          stray.add(one);
          reject(new ApiUnreachable('no answer in time', undefined));
        },
      };
      pending.add(one);
      return promise;
    };

    return {
      lists,
      watches,
      writes: pending,
      stray,
      settled: () => {
        if (outdated.length > 0) throw new Error(`written from an outdated state: ${outdated.join()}`);
        for (const { metadata } of told) {
          taken.set(metadata.uid, Math.max(taken.get(metadata.uid) ?? 0, Number(metadata.resourceVersion)));
        }
        told = [];
      },
      seen: (collection) => [...seenOf(collection).values()],
      api: {
        request: write,
        stream: async ({ path, query, signal }) => {
          const collection = path.split('/').at(-1) as Collection;
          if (query?.['watch'] === undefined) return openList(collection);
          return openWatch(collection, Number(query['resourceVersion']), signal);
        },
        close: () => {},
      },
    };
  };

  return {
    all: (collection) => [...objects[collection].values()],
    create: (collection, { metadata, ...rest }) => {
      const uid = `uid-${version}`;
      const creationTimestamp = new Date(version * 1000).toISOString();
      store(collection, 'ADDED', { ...rest, metadata: { uid, creationTimestamp, resourceVersion: '', ...metadata } });
    },
    replace: (collection, object) => void store(collection, 'MODIFIED', object),
    remove: (collection, object) => void store(collection, 'DELETED', object),
    connect,
    version: () => version,
    writes: () => writes,
  };
};

/** `…/namespaces/NS/PLURAL/NAME/status` */
const readStatusPath = (path: string): { readonly collection: Collection; readonly key: string } => {
  const [status, name, plural, namespace] = path.split('/').toReversed();
  if (status !== 'status') throw new Error(`a write to ${path}`);
  return { collection: plural as Collection, key: `${namespace}/${name}` };
};

/** As a strategic merge patch changes the conditions of a core object; undefined: not at all. */
const mergeConditions = (before: unknown, patch: unknown): readonly unknown[] | undefined => {
  if (!Array.isArray(patch)) return undefined;
  const byType = new Map(list(before).map((raw) => [object(raw)['type'], object(raw)]));
  for (const { $patch, ...condition } of patch.map(object)) {
    if ($patch === 'delete') byType.delete(condition['type']);
    else byType.set(condition['type'], { ...byType.get(condition['type']), ...condition });
  }
  return [...byType.values()];
};

/** RFC 7386. */
const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
};

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}

type Pipe = AsyncIterable<Uint8Array> & {
  readonly push: (chunk: Uint8Array) => void;
  /** With an error, reading ends by that; what was pushed before is read first. */
  readonly end: (error: unknown) => void;
};

const createPipe = (): Pipe => {
  const chunks: Uint8Array[] = [];
  let ended: { readonly error: unknown } | undefined;
  let wake = (): void => {};
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (ended !== undefined) {
        if (ended.error !== undefined) throw ended.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  };
  return {
    push: (chunk) => {
      chunks.push(chunk);
      wake();
    },
    end: (error) => {
      ended ??= { error };
      wake();
    },
    [Symbol.asyncIterator]: read,
  };
};
