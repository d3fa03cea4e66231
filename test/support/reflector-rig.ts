import { getEventListeners } from 'node:events';
import type { Log } from '../../src/lib/log.ts';
import { millis } from '../../src/lib/time.ts';
import type { Api, ApiRequest } from '../../src/k8s/client/api.ts';
import type { Change } from '../../src/k8s/watch/mirror.ts';
import { createReflector, type Reflector } from '../../src/k8s/watch/reflector.ts';
import { fakeClock } from './fake-clock.ts';

type View = { readonly name: string; readonly value: unknown; readonly resourceVersion: string };

export const object = (name: string, value: unknown, resourceVersion: string): object => ({
  metadata: { name, resourceVersion },
  value,
});

export const page = (resourceVersion: string, items: readonly object[], next?: string): object => ({
  metadata: { resourceVersion, continue: next ?? '' },
  items,
});

/** An answer in one chunk. */
export async function* body(answer: unknown): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(new TextEncoder().encode(JSON.stringify(answer)));
}

export const event = (type: string, raw: object): string => `${JSON.stringify({ type, object: raw })}\n`;

/** One watch, with the test at its other end. */
type OpenWatch = {
  readonly query: ApiRequest['query'];
  readonly send: (text: string | Uint8Array) => Promise<void>;
  readonly end: (error?: Error) => Promise<void>;
  readonly isOpen: () => boolean;
};

/** A reflector before an API server that is played by the test. */
export const reflectorRig = (random = 0) => {
  const clock = fakeClock();
  const lists: ApiRequest[] = [];
  const watches: OpenWatch[] = [];
  const changes: Change<View>[] = [];
  /** What the next lists answer; the last one answers for ever. */
  const answers: (object | Error)[] = [page('10', [])];
  /** What opening the next watches fails with. */
  const refusals: Error[] = [];
  const ending = new AbortController();
  const settle = (): Promise<void> => clock.advanceAsync(millis(0));

  const open = ({ query, signal }: ApiRequest): AsyncIterable<Uint8Array> => {
    const waiting: { text: Uint8Array; taken: () => void }[] = [];
    let wake = Promise.withResolvers<void>();
    let ended: { readonly error: Error | undefined } | undefined;
    const finish = (error: Error | undefined): void => {
      ended ??= { error };
      wake.resolve();
    };
    signal?.addEventListener('abort', () => finish(signal.reason as Error));
    watches.push({
      query,
      send: async (text) => {
        waiting.push({ text: typeof text === 'string' ? new TextEncoder().encode(text) : text, taken: () => {} });
        wake.resolve();
        await settle();
      },
      end: async (error) => {
        finish(error);
        await settle();
      },
      isOpen: () => ended === undefined,
    });
    return (async function* () {
      try {
        for (;;) {
          const next = waiting.shift();
          if (next !== undefined) yield next.text;
          else if (ended !== undefined) {
            if (ended.error !== undefined) throw ended.error;
            return;
          } else {
            await wake.promise;
            wake = Promise.withResolvers();
          }
        }
      } finally {
        ended ??= { error: undefined };
      }
    })();
  };

  const list = (request: ApiRequest): Promise<AsyncIterable<Uint8Array>> => {
    lists.push(request);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(body(answer));
  };

  const api: Api = {
    request: () => Promise.reject(new Error('not here')),
    stream: (request) => {
      if (request.query?.['watch'] === undefined) return list(request);
      const refusal = refusals.shift();
      return refusal === undefined ? Promise.resolve(open(request)) : Promise.reject(refusal);
    },
    close: () => {},
  };
  const lines: string[] = [];
  const tell = (message: string): void => void lines.push(message);
  const log: Log = { debug: () => {}, info: tell, warn: tell, error: tell, child: () => log };
  const reflector: Reflector<View> = createReflector({
    api,
    clock,
    log,
    path: '/api/v1/things',
    labelSelector: 'a=b',
    project: (raw) => {
      const { metadata, value } = raw as { metadata: { name: string; resourceVersion: string }; value: unknown };
      return value === 'unwanted'
        ? undefined
        : { name: metadata.name, value, resourceVersion: metadata.resourceVersion };
    },
    onChange: (change) => changes.push(change),
    random: () => random,
  });
  let running: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    running = reflector.run(ending.signal);
    await settle();
  };
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  const told = (): unknown[] =>
    changes
      .splice(0)
      .map((change) =>
        change.type === 'updated' ? [change.type, change.key, change.changed] : [change.type, change.key],
      );
  const watch = (): OpenWatch => watches.at(-1)!;
  const listeners = (): number => getEventListeners(ending.signal, 'abort').length;
  return { clock, answers, refusals, lists, watches, watch, reflector, start, stop, told, lines, settle, listeners };
};
