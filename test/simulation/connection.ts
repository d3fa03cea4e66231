import { type Api, ApiError, type ApiRequest, ApiUnreachable } from '../../src/k8s/client/api.ts';
import { type Clock, millis } from '../../src/lib/time.ts';
import { type ApiServer, type Collection, keyOf, type RawObject, readPath } from './api-server.ts';
import { createPipe, type Pipe } from './pipe.ts';

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

/** A call on its way: the server serves it at one moment, and answers at another. */
export type PendingCall = {
  readonly collection: Collection;
  /** Key of the object. */
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
  /** Calls that are not for the Lease. */
  readonly writes: Set<PendingCall>;
  /** Calls for the Lease. */
  readonly leaseCalls: Set<PendingCall>;
  /** Writes the caller has given up, and that are still on their way. */
  readonly stray: Set<PendingCall>;
  /** PATCH calls so far, whatever came of them, those for the Lease aside. */
  readonly sent: () => number;
  /** What the process has been told of a collection. */
  readonly seen: (collection: Collection) => readonly RawObject[];
  /** What it was told until now it has had time to take in: throws if it then writes on the ground of older states. */
  readonly settled: () => void;
};

export type ConnectionOptions = {
  readonly server: ApiServer;
  /** Of the process, for deadlines. */
  readonly clock: Clock;
  /** The server's clock in milliseconds, for calls that limit the server. */
  readonly now: () => number;
  readonly writer: string;
  /** The process has been sent something of a collection. */
  readonly onTold: (collection: Collection) => void;
};

const encoder = new TextEncoder();

export const connect = ({ server, clock, now, writer, onTold }: ConnectionOptions): Connection => {
  const lists = new Set<PendingList>();
  const watches = new Set<OpenWatch>();
  const writes = new Set<PendingCall>();
  const leaseCalls = new Set<PendingCall>();
  const stray = new Set<PendingCall>();
  const seen = new Map<Collection, Map<string, RawObject>>();
  /** The newest version of each object that it knows; and those it has been told since. */
  const taken = new Map<string, number>();
  let told: RawObject[] = [];
  let sent = 0;
  const outdated: string[] = [];
  const seenOf = (collection: Collection): Map<string, RawObject> => seen.get(collection) ?? new Map();

  const openList = async (
    collection: Collection,
    signal: AbortSignal | undefined,
  ): Promise<AsyncIterable<Uint8Array>> => {
    const { promise, resolve, reject } = Promise.withResolvers<AsyncIterable<Uint8Array>>();
    const metadata = { resourceVersion: `${server.version()}` };
    const items = server.all(collection);
    const text = JSON.stringify({ kind: 'List', metadata, items });
    const list: PendingList = {
      collection,
      answer: () => {
        lists.delete(list);
        seen.set(collection, new Map(items.map((raw) => [keyOf(raw), raw])));
        told.push(...items);
        onTold(collection);
        resolve(once(encoder.encode(text)));
      },
      fail: () => {
        lists.delete(list);
        reject(new ApiUnreachable('no answer to the list', undefined));
      },
    };
    lists.add(list);
    signal?.addEventListener('abort', () => {
      lists.delete(list);
      reject(signal.reason);
    });
    return promise;
  };

  const openWatch = (collection: Collection, from: number, signal: AbortSignal | undefined): Pipe => {
    const pipe = createPipe();
    const history = server.history(collection);
    const found = history.findIndex(({ version }) => version > from);
    const first = found < 0 ? history.length : found;
    let next = first;
    const send = (line: unknown): void => pipe.push(encoder.encode(`${JSON.stringify(line)}\n`));
    const sendEvent = (index: number): void => {
      const event = history[index];
      if (event === undefined) return;
      if (event.type === 'DELETED') seenOf(collection).delete(keyOf(event.raw));
      else seenOf(collection).set(keyOf(event.raw), event.raw);
      told.push(event.raw);
      onTold(collection);
      send({ type: event.type, object: event.raw });
    };
    const watch: OpenWatch = {
      collection,
      behind: () => history.length - next,
      deliver: () => sendEvent(next++),
      repeat: () => {
        if (next > first) sendEvent(next - 1);
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

  const call = async (request: ApiRequest): Promise<unknown> => {
    const { method = 'GET', path, body, signal, deadline = millis(30_000), limitsServer = false } = request;
    const { collection, key } = readPath(path);
    const isLease = collection === 'leases';
    if (method === 'PATCH' && !isLease) {
      sent++;
      const { uid = '', resourceVersion } = (body as Partial<RawObject>).metadata ?? {};
      if (resourceVersion !== undefined && Number(resourceVersion) < (taken.get(uid) ?? 0)) outdated.push(key);
    }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    // The wire: what the caller holds may change meanwhile.
    const copy: ApiRequest = { method, path, body: JSON.parse(JSON.stringify(body ?? null)) };
    const expiresAt = now() + (limitsServer ? deadline : Infinity);
    const pending = isLease ? leaseCalls : writes;
    let outcome: { readonly value: RawObject } | { readonly error: unknown } | undefined;
    let cancelDeadline = (): void => {};
    const leave = (): void => {
      pending.delete(one);
      cancelDeadline();
      signal?.removeEventListener('abort', onAbort);
    };
    const abandon = (reason: unknown): void => {
      leave();
      if (outcome === undefined && method !== 'GET') stray.add(one);
      reject(reason);
    };
    const onAbort = (): void => abandon(signal?.reason);
    const one: PendingCall = {
      collection,
      name: key,
      isApplied: () => outcome !== undefined,
      apply: () => {
        stray.delete(one);
        try {
          if (now() >= expiresAt) throw new ApiError(504, 'Timeout', 'the time of the request is over');
          outcome = { value: server.serve(copy, writer) };
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          outcome = { error };
        }
      },
      answer: () => {
        leave();
        if (outcome === undefined) throw new Error('answered before it was applied');
        if ('value' in outcome) {
          told.push(outcome.value);
          resolve(outcome.value);
        } else reject(outcome.error);
      },
      fail: () => {
        leave();
        reject(
          outcome === undefined ? new ApiError(500, 'InternalError', 'etcd') : new ApiUnreachable('lost', undefined),
        );
      },
      giveUp: () => abandon(new ApiUnreachable('no answer in time', undefined)),
    };
    pending.add(one);
    cancelDeadline = clock.after(deadline, one.giveUp);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    return promise;
  };

  return {
    lists,
    watches,
    writes,
    leaseCalls,
    stray,
    sent: () => sent,
    settled: () => {
      if (outdated.length > 0) throw new Error(`written from an outdated state: ${outdated.join()}`);
      for (const { metadata } of told) {
        taken.set(metadata.uid, Math.max(taken.get(metadata.uid) ?? 0, Number(metadata.resourceVersion)));
      }
      told = [];
    },
    seen: (collection) => [...seenOf(collection).values()],
    api: {
      request: call,
      stream: async ({ path, query, signal }) => {
        const { collection } = readPath(path);
        if (query?.['watch'] === undefined) return openList(collection, signal);
        return openWatch(collection, Number(query['resourceVersion']), signal);
      },
      close: () => {},
    },
  };
};

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield chunk;
}
