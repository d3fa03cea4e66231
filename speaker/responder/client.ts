import type { GroupOrder, RemovedGroup } from '../../src/lib/group-order.ts';
import type { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { realClock } from '../../src/io/real-clock.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { type Clock, type Millis, seconds } from '../../src/lib/time.ts';
import type { Member } from '../../src/proto/ownership/machine.ts';
import type {
  ResponderCommand,
  ResponderData,
  ResponderMessage,
  ResponderOptions,
  ResponderReport,
} from './messages.ts';

/** The main thread's handle of the responder thread. */
export type ResponderThread = {
  /** Orders about groups of addresses; those not named stay as they are. */
  readonly groups: (changed: readonly GroupOrder[], removed: readonly RemovedGroup[]) => void;
  /** All members but this one; `isComplete` once everybody who is there has had time to be named. */
  readonly members: (members: readonly Member[], isComplete: boolean) => void;
  /** Whether all watches of the main thread are current; until told they are not. */
  readonly watchCurrent: (isCurrent: boolean) => void;
  /** Hands groups over by planned moves: to the node named, else to the next candidate that lives. */
  readonly handOver: (keys: readonly Ip[] | 'all', to: string | undefined) => void;
  /** The content of the mounted key, whenever that has changed. */
  readonly key: (secret: Uint8Array) => void;
  /** Hands everything over; resolves once nothing is answered any more, at the latest after `within`. */
  readonly leave: (within: Millis) => Promise<void>;
  /** Gives back memory that busy times have needed; costs the thread a pause like any collection of its garbage. */
  readonly shrink: () => void;
  /** Calls `listener` with every report from now on; the first one also with those that came before it. */
  readonly onReport: (listener: (report: ResponderReport) => void) => void;
  /** Ends the thread; it falls silent and closes its sockets. */
  readonly stop: () => Promise<void>;
};

/** The thread's own file: beside the bundle of the program, or here where nothing is bundled. */
const threadFile = import.meta.url.endsWith('.ts') ? './thread.ts' : './responder.js';

/** The number 1 as an eventfd takes it. */
const one = new Uint8Array(BigUint64Array.of(1n).buffer);

/** The thread hears this often that the main thread lives, and is looked after as often. */
const heartbeat = seconds(1);

/** The thread is given up when so many looks in a row have found that it did nothing at all. */
const mostSilentLooks = 5;

/** What is needed of a `Worker`. */
type Thread = EventEmitter & { readonly postMessage: (batch: readonly ResponderCommand[]) => void };

const startWorker = (data: ResponderData): Thread =>
  new Worker(new URL(threadFile, import.meta.url), { name: 'responder', workerData: data });

/**
 * Starts the thread that owns the sockets of the LAN. Needs CAP_NET_RAW. If the thread fails, ends or stands still for
 * 5 s, the error is thrown where nobody catches it, so that the process ends: a speaker that cannot answer must not look
 * alive.
 */
export const startResponder = (
  options: ResponderOptions,
  startThread = startWorker,
  clock: Clock = realClock,
): ResponderThread => {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = startThread({ ...options, beats: beats.buffer });
  const listeners: ((report: ResponderReport) => void)[] = [];
  /** What was reported before anybody listened. */
  let early: ResponderReport[] = [];
  const ended = Promise.withResolvers<void>();
  const left = Promise.withResolvers<void>();
  let wakeFd: number | undefined;
  let pending: ResponderCommand[] = [];
  let isStopping = false;
  let isWatchCurrent = false;
  let failure: { readonly cause: unknown } | undefined;

  const wake = (): void => {
    if (wakeFd !== undefined) writeSync(wakeFd, one);
  };
  const flush = (): void => {
    if (pending.length === 0) return;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- between threads there is no origin
    worker.postMessage(pending);
    pending = [];
    wake();
  };
  /** What is ordered in one turn of the event loop goes as one batch, with one wake. */
  const order = (command: ResponderCommand): void => {
    if (isStopping) return;
    if (pending.push(command) === 1) queueMicrotask(flush);
  };
  const orderStop = (): void => {
    order({ type: 'stop' });
    isStopping = true;
    flush();
  };

  let lastBeat = Atomics.load(beats, 0);
  let silentLooks = 0;
  const beat = (): void => {
    const now = Atomics.load(beats, 0);
    silentLooks = now === lastBeat && wakeFd !== undefined ? silentLooks + 1 : 0;
    lastBeat = now;
    if (silentLooks >= mostSilentLooks) throw new Error('the responder thread stands still');
    order({ type: 'mainAwake', isWatchCurrent });
    stopBeating = clock.after(heartbeat, beat);
  };
  let stopBeating = clock.after(heartbeat, beat);

  worker.on('message', (message: ResponderMessage) => {
    if (message.type === 'started') {
      wakeFd = message.wakeFd;
      wake(); // for what was ordered before
      return;
    }
    if (message.type === 'ownership' && message.reports.some(({ type }) => type === 'ended')) left.resolve();
    if (listeners.length === 0) early.push(message);
    else for (const listener of listeners) listener(message);
  });
  // 'exit' follows, and throws: two throws in one turn of the event loop would hide the first.
  worker.on('error', (cause: unknown) => {
    failure = { cause };
  });
  worker.on('exit', () => {
    wakeFd = undefined;
    stopBeating();
    process.off('exit', orderStop);
    left.resolve();
    ended.resolve();
    if (failure !== undefined) throw new Error('the responder thread failed', failure);
    if (!isStopping) throw new Error('the responder thread ended by itself');
  });
  // Otherwise the end of the process would wait for the thread's next turn.
  process.on('exit', orderStop);
  order({ type: 'mainAwake', isWatchCurrent });

  return {
    groups: (changed, removed) => order({ type: 'groups', changed, removed }),
    members: (members, isComplete) => order({ type: 'members', members, isComplete }),
    watchCurrent: (isCurrent) => {
      if (isCurrent === isWatchCurrent) return;
      isWatchCurrent = isCurrent;
      order({ type: 'mainAwake', isWatchCurrent });
    },
    handOver: (keys, to) => order({ type: 'handOver', keys, to }),
    key: (secret) => order({ type: 'key', secret }),
    leave: (within) => {
      order({ type: 'leave', within });
      return left.promise;
    },
    shrink: () => order({ type: 'shrink' }),
    onReport: (listener) => {
      listeners.push(listener);
      for (const report of early) listener(report);
      early = [];
    },
    stop: () => {
      orderStop();
      return ended.promise;
    },
  };
};
