import type { Log } from '../lib/log.ts';
import type { Clock } from '../lib/time.ts';
import type { Api } from './api.ts';

/** What happened to one object of the mirrored collection. */
export type Change<View> =
  | { readonly type: 'added'; readonly key: string; readonly now: View }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly before: View;
      readonly now: View;
      /** False if both views are equal but for `resourceVersion`: most callers have nothing to do then. */
      readonly changed: boolean;
    }
  | { readonly type: 'deleted'; readonly key: string; readonly before: View };

export type ReflectorOptions<View> = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  /** Path of the collection, of one namespace or of all: `resources.ts`. */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Keeps of a raw object what is needed; `undefined` leaves the object out. Must not keep the raw object alive. */
  readonly project: (raw: unknown) => View | undefined;
  /** Called for every change after the mirror has it. Must not throw. */
  readonly onChange: (change: Change<View>) => void;
  /** Jitter: a number in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
};

/** A copy of one collection of the API server, kept current by list and watch. Keys are `namespace/name` or `name`. */
export type Reflector<View> = {
  readonly get: (key: string) => View | undefined;
  readonly values: () => Iterable<View>;
  readonly size: () => number;
  /** Settles when the first list is complete and every change of it has been handed out. */
  readonly synced: Promise<void>;
  /** Keeps the copy current until `signal` aborts; then resolves. Whatever fails is retried. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};
