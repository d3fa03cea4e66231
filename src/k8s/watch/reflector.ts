import { filled, object } from '../../lib/json.ts';
import type { Log } from '../../lib/log.ts';
import { millis, seconds, sleep, type Clock, type Millis } from '../../lib/time.ts';
import { ApiError, ApiUnreachable, isExpired, type Api } from '../client/api.ts';
import { atLeastAsked, nextDelay, type BackoffBounds } from '../client/backoff.ts';
import { LineSplitter } from './line-splitter.ts';
import { ListSplitter } from './list-splitter.ts';
import { Mirror, type Change } from './mirror.ts';
import { objectKey } from '../object-key.ts';
import { parseJson, parseWatchEvent } from './watch-event.ts';

export type { Change } from './mirror.ts';

export type ReflectorOptions<View> = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Path of the collection, of one namespace or of all: `resources.ts`. */
  readonly path: string;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Keeps of a raw object what is needed; `undefined` leaves the object out. Must not keep the raw object alive. */
  readonly project: (raw: unknown) => View | undefined;
  /** Called for every change after the mirror has it. Must not throw. */
  readonly onChange: (change: Change<View>) => void;
  /** Whether `project` is to see `metadata.managedFields`. Default: they are left out, since they are half of an object. */
  readonly keepsManagedFields?: boolean;
  /** Jitter: a number in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
};

/** A copy of one collection of the API server, kept current by list and watch. Keys are `namespace/name` or `name`. */
export type Reflector<View> = {
  readonly get: (key: string) => View | undefined;
  readonly values: () => Iterable<View>;
  readonly size: () => number;
  /** Whether a watch tells of every change now; false before the first one, and while it has failed. */
  readonly isCurrent: () => boolean;
  /** Settles when the first list is complete and every change of it has been handed out. */
  readonly synced: Promise<void>;
  /**
   * Lists anew, at once, what the API server has now: a watch may lag behind. Settles when every change has been handed
   * out; failures are retried, so it does not settle if `run` ends first.
   */
  readonly relist: () => Promise<void>;
  /** Keeps the copy current until `signal` aborts; then resolves. Whatever fails is retried. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Objects per page of a list, as client-go asks for. */
const pageSize = 500;

/** A page that makes no progress for so long is given up. */
const pageLimit: Millis = seconds(30);

/** The server ends each watch after a time in this range, so that connections spread over its replicas again. */
const shortestWatch = seconds(300);
const longestWatch = seconds(600);

/**
 * kube-apiserver sends a bookmark every minute, but drops it unless the collection has changed since the version that the
 * watch began with. So silence may mean that all is well, or that something between us swallows what comes: the watch is
 * opened anew.
 */
const quietLimit: Millis = seconds(150);

/** A watch that has lived this long has shown that the server is well. */
const settledAfter: Millis = seconds(5);

const bounds: BackoffBounds = { first: millis(100), longest: seconds(10) };

/** While somebody waits for a list: a leader lists two collections, and gives no address before. */
const awaitedBounds: BackoffBounds = { ...bounds, longest: seconds(1) };

/** Reasons of failures that are told, each once, until all is well again: some reasons differ each time. */
const mostTold = 8;

/** Makes the copy; nothing happens until `run`. */
export const createReflector = <View>(options: ReflectorOptions<View>): Reflector<View> => {
  const { api, clock, path, labelSelector, fieldSelector, project, onChange, random = Math.random } = options;
  const { keepsManagedFields } = options;
  const log = options.log.child({ path });
  const mirror = new Mirror<View>();
  const synced = Promise.withResolvers<void>();
  const selectors = { labelSelector, fieldSelector };
  /** The version that the mirror has; undefined when it must be listed. */
  let version: string | undefined;
  /** The last wait, until something succeeds; undefined when all is well. */
  let delay: Millis | undefined;
  /** The failures that were told; empty when all is well. */
  const told = new Set<string>();
  /** Versions that were no longer kept since all was well. */
  let expiries = 0;
  /** Resolved after the next list that begins from now on. */
  let awaited: (() => void)[] = [];
  let isCurrent = false;
  /** Ends the watch or pause under way, so that the list begins. */
  let interruption = new AbortController();

  const hand = (change: Change<View> | undefined): void => {
    if (change !== undefined) onChange(change);
  };

  const put = (raw: unknown): string | undefined => {
    const key = objectKey(raw);
    if (key !== undefined) hand(mirror.put(key, project(raw)));
    return key;
  };

  /** A watch has lived for a while. */
  const settle = (): void => {
    delay = undefined;
    if (told.size > 0) log.info('watching again');
    told.clear();
    expiries = 0;
  };

  /**
   * Reads the whole collection, page by page, into the mirror. Pages and not a streaming list, because every API
   * server has them; each object is at least as new as the mirror's, so a list that breaks off does no harm.
   */
  const listAll = async (signal: AbortSignal): Promise<string> => {
    const listed = new Set<string>();
    let page: string | undefined;
    for (;;) {
      const metadata = await listPage(page, listed, signal);
      page = filled(metadata['continue']);
      if (page !== undefined) continue;
      for (const change of mirror.removeOthers(listed)) hand(change);
      const listVersion = filled(metadata['resourceVersion']);
      if (listVersion === undefined) throw new ApiUnreachable(`${path}: a list without a resourceVersion`, undefined);
      return listVersion;
    }
  };

  /** Reads one page and adds its keys to `listed`; resolves with the metadata of the list. */
  const listPage = async (
    page: string | undefined,
    listed: Set<string>,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> => {
    const quiet = watchdog(clock, pageLimit, signal);
    try {
      const query = { ...selectors, limit: pageSize, continue: page };
      const items = new ListSplitter();
      for await (const chunk of await api.stream({ path, query, signal: quiet.signal })) {
        quiet.feed();
        for (const item of items.push(chunk)) {
          const key = put(parseJson(item, keepsManagedFields));
          if (key !== undefined) listed.add(key);
        }
      }
      return object(object(parseJson(items.end()))['metadata']);
    } finally {
      quiet.stop();
    }
  };

  /** Takes in one line of the watch. */
  const takeIn = (line: string): void => {
    const event = parseWatchEvent(line, keepsManagedFields);
    if (event.type === 'error') throw event.error;
    if (event.type === 'present') put(event.raw);
    if (event.type === 'deleted') {
      const key = objectKey(event.raw);
      if (key !== undefined) hand(mirror.remove(key));
    }
    version = event.resourceVersion ?? version;
  };

  /** Follows the collection until the server ends the watch in good order; rejects if anything else ends it. */
  const watch = async (signal: AbortSignal): Promise<void> => {
    const quiet = watchdog(clock, quietLimit, signal);
    let isSettled = false;
    let stopSettling = (): void => {};
    try {
      const timeout = shortestWatch + random() * (longestWatch - shortestWatch);
      const query = {
        ...selectors,
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion: version,
        timeoutSeconds: Math.round(timeout / 1000),
      };
      const chunks = await api.stream({ path, query, signal: quiet.signal });
      isCurrent = true;
      stopSettling = clock.after(settledAfter, () => {
        isSettled = true;
        settle();
      });
      const lines = new LineSplitter();
      for await (const chunk of chunks) {
        quiet.feed();
        for (const line of lines.push(chunk)) {
          takeIn(line);
          delay = undefined;
        }
      }
    } catch (error) {
      if (!quiet.isSilent()) throw error;
      log.debug('nothing came, watching anew');
      return;
    } finally {
      quiet.stop();
      stopSettling();
    }
    // A watch that ends at once, again and again, must not become a busy loop.
    if (!isSettled) throw new ApiUnreachable('the server ended the watch at once', undefined);
  };

  /** Waits after a failure; longer each time, and at least as long as the server asks for. */
  const pause = async (error: ApiError | ApiUnreachable, signal: AbortSignal): Promise<void> => {
    isCurrent = false;
    const reason = error.message;
    const isUsual = isExpired(error) && expiries++ === 0;
    const isNews = !isUsual && !told.has(reason) && told.size < mostTold;
    log[isNews ? 'warn' : 'debug']('watch interrupted', { reason });
    if (isNews) told.add(reason);
    delay = nextDelay(awaited.length > 0 ? awaitedBounds : bounds, delay, random());
    await sleep(clock, atLeastAsked(delay, error), signal);
  };

  /** Lists for those who wait for a list, and for the watch. */
  const list = async (signal: AbortSignal): Promise<void> => {
    const served = awaited.length;
    version = await listAll(signal);
    log.debug('listed', { objects: mirror.size });
    synced.resolve();
    for (const resolve of awaited.splice(0, served)) resolve();
  };

  /** Lists if need be and watches; pauses after a failure. Ends when it is interrupted. */
  const follow = async (signal: AbortSignal): Promise<void> => {
    try {
      if (version === undefined || awaited.length > 0) await list(signal);
      if (!signal.aborted) await watch(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError || error instanceof ApiUnreachable)) throw error; // a fault of ours
      if (isExpired(error)) version = undefined;
      await pause(error, signal);
    }
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    const end = (): void => interruption.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    try {
      while (!signal.aborted) {
        interruption = new AbortController();
        await follow(interruption.signal);
      }
    } finally {
      signal.removeEventListener('abort', end);
    }
  };

  return {
    get: (key) => mirror.get(key),
    values: () => mirror.values(),
    size: () => mirror.size,
    isCurrent: () => isCurrent,
    synced: synced.promise,
    relist: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      awaited.push(resolve);
      interruption.abort();
      await promise;
    },
    run,
  };
};

type Watchdog = {
  readonly signal: AbortSignal;
  readonly feed: () => void;
  readonly stop: () => void;
  /** Whether it was not fed for so long that it has aborted. */
  readonly isSilent: () => boolean;
};

/** A signal that aborts with `parent`, or when it has not been fed for `limit`. */
const watchdog = (clock: Clock, limit: Millis, parent: AbortSignal): Watchdog => {
  const controller = new AbortController();
  const follow = (): void => controller.abort(parent.reason);
  if (parent.aborted) follow();
  else parent.addEventListener('abort', follow, { once: true });
  let fedAt = clock.now();
  let cancel: () => void;
  // One timer per limit and not per line: it looks when it was fed last and sleeps for the rest.
  const arm = (delay: Millis): void => {
    cancel = clock.after(delay, () => {
      const rest = fedAt + limit - clock.now();
      if (rest > 0) arm(millis(rest));
      else controller.abort(new ApiUnreachable(`no line for ${limit / 1000} s`, undefined));
    });
  };
  arm(limit);
  return {
    signal: controller.signal,
    isSilent: () => controller.signal.aborted && !parent.aborted,
    feed: () => {
      fedAt = clock.now();
    },
    stop: () => {
      cancel();
      parent.removeEventListener('abort', follow);
    },
  };
};
