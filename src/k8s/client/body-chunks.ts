import type { Readable } from 'node:stream';
import type { CallLimit } from './call-limit.ts';

/** Chunks that may wait for a slow reader until the connection is asked to wait as well. */
const mostWaiting = 16;

/**
 * The chunks of a body, for one reader. A reader that stops early ends the connection. Written out, because Node's own
 * iterator over a stream costs more than the parsing of a small event (docs/performance.md).
 */
export const bodyChunks = (response: Readable, limit: CallLimit): AsyncIterable<Uint8Array> => {
  const waiting: Uint8Array[] = [];
  let end: { readonly error?: unknown } | undefined;
  let reader: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;

  const over = async (): Promise<IteratorResult<Uint8Array>> => {
    if (end?.error !== undefined) throw end.error;
    return { done: true, value: undefined };
  };
  const finish = (how: { readonly error?: unknown }): void => {
    if (end !== undefined) return;
    end = how;
    limit[Symbol.dispose]();
    reader?.resolve(over());
    reader = undefined;
  };
  const fail = (error: unknown): void => finish({ error: limit.explain(error) });

  response.on('data', (chunk: Buffer) => {
    if (reader === undefined) {
      if (waiting.push(chunk) >= mostWaiting) response.pause();
    } else {
      reader.resolve({ done: false, value: chunk });
      reader = undefined;
    }
  });
  response.once('end', () => finish({}));
  response.on('error', fail);
  response.once('close', () => fail(new Error('the connection was closed in mid-answer')));

  const next = (): Promise<IteratorResult<Uint8Array>> => {
    const value = waiting.shift();
    if (value !== undefined) {
      if (waiting.length === 0 && response.isPaused()) response.resume();
      return Promise.resolve({ done: false, value });
    }
    if (end !== undefined) return over();
    reader = Promise.withResolvers();
    return reader.promise;
  };
  return {
    [Symbol.asyncIterator]: () => ({
      next,
      return: () => {
        finish({});
        response.destroy();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
};
