declare const unit: unique symbol;

/** A duration, or a reading of a monotonic clock, in milliseconds. */
export type Millis = number & { readonly [unit]: 'ms' };

/** A duration of `value` milliseconds. */
export const millis = (value: number): Millis => value as Millis;

/** A duration of `value` seconds. */
export const seconds = (value: number): Millis => (value * 1000) as Millis;

/** A point in time by the wall clock: milliseconds since 1970. */
export type WallTime = number;

/** A monotonic clock and its timers. The real one lives at the edge; tests bring their own. */
export type Clock = {
  /** Milliseconds since an arbitrary start; never goes back. */
  readonly now: () => Millis;
  /** Calls `action` once after `delay`; the returned function cancels it. */
  readonly after: (delay: Millis, action: () => void) => () => void;
};

/** Resolves after `delay`, or at once when the signal aborts. */
export const sleep = async (clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  const cancel = clock.after(delay, wake);
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  cancel();
  signal.removeEventListener('abort', wake);
};

/** Resolves when the signal aborts, or at once if it has. */
export const untilAborted = async (signal: AbortSignal): Promise<void> => {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
};

/** Settles as `promise` does, but resolves after `limit` if it has not settled: what it stands for goes on then. */
export const within = async (clock: Clock, limit: Millis, promise: Promise<unknown>): Promise<void> => {
  const over = new AbortController();
  try {
    await Promise.race([promise, sleep(clock, limit, over.signal)]);
  } finally {
    over.abort();
  }
};
