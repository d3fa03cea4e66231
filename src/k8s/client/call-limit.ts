import { millis, seconds, type Clock, type Millis } from '../../lib/time.ts';
import { ApiError, ApiUnreachable, type ApiRequest } from './api.ts';

/** The two things that end a call early: its caller's signal and its deadline. */
export type CallLimit = {
  /** Throws if the call is over already. */
  readonly check: () => void;
  /**
   * Whether it is over, or less than a millisecond is left, by the clock itself: after the process stood still, its
   * timers come late.
   */
  readonly isOver: () => boolean;
  /** What is left until the deadline. */
  readonly left: () => Millis;
  /** What the promise gives, unless the call is over before that; then it rejects. */
  readonly race: <T>(promise: Promise<T>) => Promise<T>;
  /** Says how to end what is under way; the last one counts. */
  readonly onEnd: (end: (reason: Error) => void) => void;
  /** The answer has begun: from here on only the caller's signal counts. */
  readonly stopClock: () => void;
  /** What to tell the caller for a failure: why the call was ended, the server's no, or that it cannot be reached. */
  readonly explain: (error: unknown) => unknown;
  /** Lets go of clock and signal. */
  readonly [Symbol.dispose]: () => void;
};

const defaultDeadline: Millis = seconds(30);

/** Starts the clock for one call. */
export const limitCall = (call: ApiRequest, clock: Clock): CallLimit => {
  const { signal, deadline = defaultDeadline, method = 'GET', path } = call;
  let ended: { readonly reason: unknown } | undefined;
  let end: ((reason: Error) => void) | undefined;
  const finish = (reason: unknown): void => {
    ended ??= { reason };
    end?.(reason instanceof Error ? reason : new Error('aborted', { cause: reason }));
  };
  const onSignal = (): void => finish(signal?.reason);
  const onDeadline = (): void =>
    finish(new ApiUnreachable(`${method} ${path}: no answer within ${deadline / 1000} s`, undefined));
  const endsAt = clock.now() + deadline;
  const left = (): Millis => millis(endsAt - clock.now());
  const stopClock = clock.after(deadline, onDeadline);
  if (signal?.aborted) onSignal();
  else signal?.addEventListener('abort', onSignal, { once: true });
  const check = (): void => {
    if (ended !== undefined) throw ended.reason;
  };
  return {
    check,
    isOver: () => {
      if (left() < 1) onDeadline();
      return ended !== undefined;
    },
    left,
    race: async (promise) => {
      const over = Promise.withResolvers<never>();
      end = over.reject;
      if (ended !== undefined) over.reject(ended.reason);
      return Promise.race([promise, over.promise]);
    },
    onEnd: (how) => {
      end = how;
    },
    stopClock,
    explain: (error) => {
      if (ended !== undefined) return ended.reason;
      if (error instanceof ApiError || error instanceof ApiUnreachable) return error;
      const why = error instanceof Error ? error.message : String(error);
      return new ApiUnreachable(`${method} ${path}: ${why}`, error);
    },
    [Symbol.dispose]: () => {
      stopClock();
      signal?.removeEventListener('abort', onSignal);
    },
  };
};
