import type { Api, ApiRequest } from '../../src/k8s/client/api.ts';

/** The ConfigMap `metallb-system/config`, with a text under its key and perhaps the mark. */
export const configMap = (version: string, config?: string, inUse?: string): object => ({
  metadata: {
    name: 'config',
    namespace: 'metallb-system',
    uid: 'u1',
    resourceVersion: version,
    ...(inUse !== undefined && { annotations: { 'metallb.io/in-use': inUse } }),
  },
  ...(config !== undefined && { data: { config } }),
});

/** An API server that holds nothing but ConfigMaps: one list, and one watch with the test at its other end. */
export type ConfigMapApi = {
  readonly api: Api;
  /** Every list and watch that was asked for. */
  readonly reads: readonly ApiRequest[];
  /** Sends an event to the watch. */
  readonly send: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: object) => void;
};

/** Makes it with what it holds at first. */
export const configMapApi = (items: readonly object[]): ConfigMapApi => {
  const reads: ApiRequest[] = [];
  const waiting: string[] = [];
  let wake = Promise.withResolvers<void>();

  const encode = (value: object): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  async function* list(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(encode({ metadata: { resourceVersion: '10' }, items }));
  }
  async function* watch(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    signal?.addEventListener('abort', () => wake.resolve());
    for (;;) {
      signal?.throwIfAborted();
      for (const line of waiting.splice(0)) yield new TextEncoder().encode(line);
      await wake.promise;
      wake = Promise.withResolvers();
    }
  }
  return {
    reads,
    send: (type, object) => {
      waiting.push(`${JSON.stringify({ type, object })}\n`);
      wake.resolve();
    },
    api: {
      request: () => Promise.reject(new Error('nothing is written here')),
      stream: (request) => {
        reads.push(request);
        return Promise.resolve(request.query?.['watch'] === 'true' ? watch(request.signal) : list());
      },
      close: () => {},
    },
  };
};
