import { clip } from '../../lib/clip.ts';
import type { Log } from '../../lib/log.ts';
import { seconds, sleep, type Clock, type Millis, type WallTime } from '../../lib/time.ts';
import { ApiError, ApiUnreachable, isAlreadyExists, isNotFound, type Api } from '../client/api.ts';
import { atLeastAsked, nextDelay, type BackoffBounds } from '../client/backoff.ts';
import { EventLimit, forgetOldest } from './event-limit.ts';
import { collectionPath, objectPath, resources } from '../resources.ts';
import { timestamp } from '../timestamp.ts';

/** The object an event is about. */
export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a cluster-scoped object: its events go to the namespace `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string | undefined;
  /** The part of the object that is meant: `spec.containers{web}`. */
  readonly fieldPath?: string | undefined;
};

/** What `kubectl describe` shows. */
export type EventText = {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
};

/** Writes core/v1 Events in the background, never blocking and never failing its caller. */
export type EventRecorder = {
  readonly record: (object: ObjectReference, event: EventText) => void;
  /** Settles when all events are written or `limit` is over, whichever comes first; later events are dropped. */
  readonly close: (limit: Millis) => Promise<void>;
};

export type EventRecorderOptions = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** For the timestamps and names. */
  readonly wallTime: () => WallTime;
  /** `metallb-controller` or `metallb-speaker`. */
  readonly component: string;
  /** The node's name; empty where there is none. */
  readonly host: string;
  readonly random?: () => number;
};

/** Writes at one time: few, because statuses must not wait for events. */
const mostWrites = 4;
/** Events that wait; more are dropped. */
const longestQueue = 10_000;
/** What has waited longer is dropped: a replica that leads no more does not come back with it an hour later. */
const longestWait: Millis = seconds(300);
/** Events remembered, so that one that repeats is counted instead of written anew. */
const mostRemembered = 1000;
/** With the waits in between about a minute: time enough to restart an API server. */
const mostAttempts = 12;
/** Octets of a message, as many as kube-apiserver takes in its newer form of events. */
const longestMessage = 1024;
const bounds: BackoffBounds = { first: seconds(1), longest: seconds(10) };

type Entry = {
  readonly object: ObjectReference;
  readonly event: EventText;
  name: string;
  readonly firstAt: number;
  lastAt: number;
  count: number;
  /** What the API server knows of `count`; 0 before the first write. */
  written: number;
  /** Waits or is being written: it is not queued twice. */
  isBusy: boolean;
  /** By the monotonic clock. */
  queuedAt: Millis;
};

/** Makes the recorder of a process. What cannot be written after some attempts is logged and dropped. */
export const createEventRecorder = (options: EventRecorderOptions): EventRecorder => {
  const { api, clock, log, wallTime, component, host, random = Math.random } = options;
  const limit = new EventLimit();
  /** In the order of last use. */
  const remembered = new Map<string, Entry>();
  const queue: Entry[] = [];
  const ending = new AbortController();
  const writers = new Set<Promise<void>>();
  let isClosed = false;
  let dropped = 0;
  /** Not written when the time to close was over. */
  let lost = 0;
  let sequence = 0;

  /** As client-go names events: the object's name and a time in nanoseconds, here with a counter for its last digits. */
  const newName = (object: ObjectReference): string => {
    sequence = (sequence + 1) % 1_000_000;
    return `${object.name}.${(BigInt(wallTime()) * 1_000_000n + BigInt(sequence)).toString(16)}`;
  };

  const record = (object: ObjectReference, text: EventText): void => {
    if (isClosed) return;
    const event = { ...text, message: clip(text.message, longestMessage) };
    const objectKey = [object.apiVersion, object.kind, object.namespace ?? '', object.name, object.uid].join('/');
    if (!limit.take(objectKey, clock.now())) return;
    const key = [objectKey, object.fieldPath ?? '', event.type, event.reason, event.message].join('/');
    const now = wallTime();
    const entry = remembered.get(key) ?? {
      object,
      event,
      name: newName(object),
      firstAt: now,
      lastAt: now,
      count: 0,
      written: 0,
      isBusy: false,
      queuedAt: clock.now(),
    };
    entry.count++;
    entry.lastAt = now;
    remembered.delete(key);
    remembered.set(key, entry);
    forgetOldest(remembered, mostRemembered);
    if (!entry.isBusy) enqueue(entry);
  };

  const enqueue = (entry: Entry): void => {
    if (queue.length >= longestQueue) {
      if (dropped === 0) log.warn('too many events wait, dropping', { waiting: queue.length });
      dropped++;
      return;
    }
    entry.isBusy = true;
    entry.queuedAt = clock.now();
    queue.push(entry);
    if (writers.size < mostWrites) startWriter();
  };

  const startWriter = (): void => {
    const writer = writeAll().finally(() => writers.delete(writer));
    writers.add(writer);
  };

  /** Takes events until none waits. */
  const writeAll = async (): Promise<void> => {
    // Not in the caller's turn: what it does next is more urgent, and the same event again is counted.
    await Promise.resolve();
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) {
      if (clock.now() - entry.queuedAt > longestWait) drop(entry);
      else await write(entry);
      entry.isBusy = false;
      if (ending.signal.aborted && entry.written < entry.count) lost++;
      if (!ending.signal.aborted && entry.written > 0 && entry.written < entry.count) enqueue(entry);
    }
    if (dropped > 0) {
      log.warn('events were dropped', { dropped });
      dropped = 0;
    }
  };

  const drop = (entry: Entry): void => {
    dropped++;
    entry.count = entry.written;
  };

  /** Writes one event; after a few failures, or a no, it is lost and said in the log. */
  const write = async (entry: Entry): Promise<void> => {
    let delay: Millis | undefined;
    for (let attempt = 1; !ending.signal.aborted; attempt++) {
      const { count } = entry;
      try {
        await send(entry);
        entry.written = count;
        return;
      } catch (error) {
        if (ending.signal.aborted) return;
        if (!(error instanceof ApiError || error instanceof ApiUnreachable)) throw error;
        if (attempt >= mostAttempts || !isWorthRetrying(error)) {
          const { namespace, name } = entry.object;
          log.warn('event not written', { namespace, name, reason: entry.event.reason, error: error.message });
          entry.count = entry.written;
          return;
        }
        delay = nextDelay(bounds, delay, random());
        await sleep(clock, atLeastAsked(delay, error), ending.signal);
      }
    }
  };

  const send = async (entry: Entry): Promise<void> => {
    const namespace = entry.object.namespace ?? 'default';
    const { signal } = ending;
    if (entry.written > 0) {
      const body = { count: entry.count, lastTimestamp: timestamp(entry.lastAt) };
      const path = objectPath(resources.events, namespace, entry.name);
      try {
        await api.request({ method: 'PATCH', path, body, signal });
        return;
      } catch (error) {
        if (!isNotFound(error)) throw error;
        entry.name = newName(entry.object); // the server keeps events for an hour only
      }
    }
    const path = collectionPath(resources.events, namespace);
    try {
      await api.request({ method: 'POST', path, body: eventBody(entry, namespace, component, host), signal });
    } catch (error) {
      // Names do not repeat: it was written before, and the answer was lost.
      if (!isAlreadyExists(error)) throw error;
    }
  };

  const close = async (limit: Millis): Promise<void> => {
    isClosed = true;
    const cancel = clock.after(limit, () => ending.abort());
    while (writers.size > 0) await Promise.all(writers);
    cancel();
    if (lost > 0) log.warn('no time was left to write events', { lost });
  };

  return { record, close };
};

const eventBody = (entry: Entry, namespace: string, component: string, host: string): object => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: entry.name, namespace },
  involvedObject: entry.object,
  ...entry.event,
  source: host === '' ? { component } : { component, host },
  reportingComponent: component,
  reportingInstance: host,
  firstTimestamp: timestamp(entry.firstAt),
  lastTimestamp: timestamp(entry.lastAt),
  count: entry.count,
});

/** The server may be well again soon; any other no is final, for example in a namespace that is being deleted. */
const isWorthRetrying = (error: ApiError | ApiUnreachable): boolean =>
  error instanceof ApiUnreachable || error.status === 429 || error.status >= 500;
