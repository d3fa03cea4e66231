import { setTimeout as sleep } from 'node:timers/promises';

export type EventuallyOptions = {
  /** Milliseconds until it is given up; generous, because it is only waited for when something is wrong. */
  readonly timeout?: number;
  /** Milliseconds between two looks. */
  readonly every?: number;
  /** Ends the waiting; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
};

/**
 * Calls `look` until it gives something, and gives that back; `undefined`, `false` and a rejection mean not yet. Rejects
 * after `timeout` with what was waited for and the last rejection.
 */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { timeout = 120_000, every = 50, signal }: EventuallyOptions = {},
): Promise<T> => {
  const end = performance.now() + timeout;
  let lastError: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > end) throw new Error(`not after ${timeout / 1000} s: ${what}`, { cause: lastError });
    await sleep(every, undefined, { ...(signal && { signal }) });
  }
};
