import { type Api, ApiError, type ApiRequest } from '../../src/k8s/client/api.ts';
import { object } from '../../src/lib/json.ts';
import { mergePatch } from '../simulation/merge-patch.ts';

type Metadata = {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly labels?: Readonly<Record<string, string>>;
};
export type StoredObject = { readonly metadata: Metadata; readonly status?: Readonly<Record<string, unknown>> };

/** An API server with one collection of a namespace, in memory, whose watches tell everything at once. */
export type ObjectApi = {
  readonly api: Api;
  readonly get: (name: string) => StoredObject | undefined;
  /** Stores an object as somebody else does. */
  readonly put: (object: { readonly metadata: Partial<Metadata> & { name: string }; readonly status?: object }) => void;
  readonly remove: (name: string) => void;
  /** The writes since it was asked last: method and the end of the path. */
  readonly taken: () => readonly string[];
  /** Writes are answered with these, the first one with the first. */
  readonly failures: Error[];
};

/** Makes it; `others` answers what is not asked of the collection. */
export const objectApi = (
  plural: string,
  others: (request: ApiRequest) => unknown = ({ path }) => {
    throw new ApiError(404, 'NotFound', path);
  },
): ObjectApi => {
  const objects = new Map<string, StoredObject>();
  const watchers = new Set<(type: string, object: StoredObject) => void>();
  const writes: string[] = [];
  const failures: Error[] = [];
  let version = 10;

  const store = (type: 'ADDED' | 'MODIFIED' | 'DELETED', raw: StoredObject): StoredObject => {
    version++;
    const stored = { ...raw, metadata: { ...raw.metadata, resourceVersion: `${version}` } };
    if (type === 'DELETED') objects.delete(stored.metadata.name);
    else objects.set(stored.metadata.name, stored);
    for (const tell of watchers) tell(type, stored);
    return stored;
  };

  const create = (body: unknown): StoredObject => {
    const { metadata, status } = body as Omit<StoredObject, 'metadata'> & { readonly metadata: Omit<Metadata, 'uid'> };
    if (objects.has(metadata.name)) throw new ApiError(409, 'AlreadyExists', metadata.name);
    const stored = { metadata: { uid: `uid-${version}`, ...metadata, namespace: 'm' }, ...(status && { status }) };
    return store('ADDED', stored);
  };

  const find = (name: string, uid: unknown): StoredObject => {
    const found = objects.get(name);
    if (found === undefined) throw new ApiError(404, 'NotFound', name);
    if (uid !== undefined && uid !== found.metadata.uid) throw new ApiError(409, 'Conflict', name);
    return found;
  };

  const request = async ({ method = 'GET', path, body }: ApiRequest): Promise<unknown> => {
    const [, rest] = path.split(`/${plural}`);
    if (rest === undefined) return others({ method, path, body });
    const [, name = '', subresource = ''] = rest.split('/');
    if (method === 'GET') return find(name, undefined);
    writes.push([method, name, subresource].filter(Boolean).join(' '));
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    const { metadata, status, preconditions } = object(body);
    if (method === 'POST') return create({ metadata });
    const found = find(name, object(preconditions)['uid'] ?? object(metadata)['uid']);
    if (method === 'DELETE') return store('DELETED', found);
    const changes = subresource === 'status' ? { status } : { metadata };
    return store('MODIFIED', mergePatch(found, changes) as StoredObject);
  };

  const encode = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  async function* list(isWanted: (object: StoredObject) => boolean): AsyncGenerator<Uint8Array> {
    const items = [...objects.values()].filter(isWanted);
    yield await Promise.resolve(encode({ metadata: { resourceVersion: `${version}` }, items }));
  }
  async function* watch(
    isWanted: (object: StoredObject) => boolean,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const lines: Uint8Array[] = [];
    let wake = (): void => {};
    const tell = (type: string, each: StoredObject): void => {
      if (isWanted(each)) lines.push(encode({ type, object: each }));
      wake();
    };
    watchers.add(tell);
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    for (;;) {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) yield line;
      await Promise.race([aborted, new Promise<void>((resolve) => (wake = resolve))]);
      if (signal?.aborted === true) break;
    }
    watchers.delete(tell);
  }

  return {
    api: {
      request,
      stream: async ({ query, signal }) => {
        const [label, value] = String(query?.['labelSelector'] ?? '').split('=');
        const isWanted = ({ metadata }: StoredObject): boolean =>
          value === undefined || metadata.labels?.[label ?? ''] === value;
        return query?.['watch'] === 'true' ? watch(isWanted, signal) : list(isWanted);
      },
      close: () => {},
    },
    get: (name) => objects.get(name),
    put: (raw) => {
      const known = objects.get(raw.metadata.name);
      store(known === undefined ? 'ADDED' : 'MODIFIED', {
        ...raw,
        metadata: { uid: `uid-${version}`, ...raw.metadata, namespace: 'm' } as Metadata,
      } as StoredObject);
    },
    remove: (name) => void store('DELETED', find(name, undefined)),
    taken: () => writes.splice(0),
    failures,
  };
};
