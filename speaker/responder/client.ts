import type { EventEmitter } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { Ip } from '../../src/lib/ip.ts';
import type { ResponderCommand, ResponderMessage, ResponderOptions, ResponderReport } from './messages.ts';

/** The main thread's handle of the responder thread. */
export type ResponderThread = {
  /**
   * Answers for the address from now on; undefined means on every interface that qualifies. Announces it on each
   * interface where it was not answered before.
   */
  readonly announce: (ip: Ip, interfaces: readonly string[] | undefined) => void;
  /** Falls silent for the address. */
  readonly withdraw: (ip: Ip) => void;
  /** Calls `listener` with every report from now on; the first one also with those that came before it. */
  readonly onReport: (listener: (report: ResponderReport) => void) => void;
  /** Ends the thread; it falls silent and closes its sockets. */
  readonly stop: () => Promise<void>;
};

/** The thread's own file: beside the bundle of the program, or here where nothing is bundled. */
const threadFile = import.meta.url.endsWith('.ts') ? './thread.ts' : './responder.js';

/** The number 1 as an eventfd takes it. */
const one = new Uint8Array(BigUint64Array.of(1n).buffer);

/** What is needed of a `Worker`. */
type Thread = EventEmitter & { readonly postMessage: (batch: readonly ResponderCommand[]) => void };

const startWorker = (options: ResponderOptions): Thread =>
  new Worker(new URL(threadFile, import.meta.url), { name: 'responder', workerData: options });

/**
 * Starts the thread that owns the packet sockets. Needs CAP_NET_RAW. If the thread fails, the error is thrown where
 * nobody catches it, so that the process ends: a speaker that cannot answer must not look alive.
 */
export const startResponder = (options: ResponderOptions, startThread = startWorker): ResponderThread => {
  const worker = startThread(options);
  const listeners: ((report: ResponderReport) => void)[] = [];
  /** What was reported before anybody listened. */
  let early: ResponderReport[] = [];
  const ended = Promise.withResolvers<void>();
  let wakeFd: number | undefined;
  let pending: ResponderCommand[] = [];
  let isStopping = false;
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

  worker.on('message', (message: ResponderMessage) => {
    if (message.type === 'started') {
      wakeFd = message.wakeFd;
      wake(); // for what was ordered before
    } else if (listeners.length === 0) early.push(message);
    else for (const listener of listeners) listener(message);
  });
  // 'exit' follows, and throws: two throws in one turn of the event loop would hide the first.
  worker.on('error', (cause: unknown) => {
    failure = { cause };
  });
  worker.on('exit', () => {
    wakeFd = undefined;
    process.off('exit', orderStop);
    ended.resolve();
    if (failure !== undefined) throw new Error('the responder thread failed', failure);
    if (!isStopping) throw new Error('the responder thread ended by itself');
  });
  // Otherwise the end of the process would wait for the thread's next turn.
  process.on('exit', orderStop);

  return {
    announce: (ip, interfaces) => order({ type: 'announce', ip, interfaces }),
    withdraw: (ip) => order({ type: 'withdraw', ip }),
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
