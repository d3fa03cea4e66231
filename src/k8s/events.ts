import type { Millis } from '../lib/time.ts';

/** The object an event is about. */
export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for a cluster-scoped object: its events go to the namespace `default`. */
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion?: string | undefined;
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
