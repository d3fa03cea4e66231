import { millis, type Millis, seconds } from '../../lib/time.ts';

/** `spec` of a Lease (coordination.k8s.io/v1), filled in as client-go's leader election fills it in. */
export type LeaseRecord = {
  /** Who leads; empty: nobody, the lease was given back. */
  readonly holder: string;
  /** How long the holder may lead after each renewal. */
  readonly durationSeconds: number;
  /** When the holder became it; RFC 3339 with microseconds, by the holder's wall clock. For people only. */
  readonly acquireTime: string;
  /** When the holder renewed last. Never compared with a clock: that it changes shows that the holder lives. */
  readonly renewTime: string;
  /** How often the lease went to another holder. */
  readonly transitions: number;
};

/** A Lease as it was read. */
export type LeaseView = {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly record: LeaseRecord;
};

/** What a write does to the lease. */
export type LeaseChange = 'acquire' | 'renew' | 'release';

export type LeaseWriter = {
  readonly identity: string;
  readonly durationSeconds: number;
  /** The wall clock, as `acquireTime` has it. */
  readonly time: string;
};

/**
 * The record that a write puts in the place of `before`; `undefined` if there is no lease yet. Its `renewTime` is always
 * another than before, also when the wall clock stands still: whoever watches must see that something happened.
 */
export const nextRecord = (
  change: LeaseChange,
  before: LeaseRecord | undefined,
  { identity, durationSeconds, time }: LeaseWriter,
): LeaseRecord => {
  const now = time === before?.renewTime ? another(time) : time;
  if (before === undefined) {
    return { holder: identity, durationSeconds, acquireTime: now, renewTime: now, transitions: 0 };
  }
  const renewed = { ...before, durationSeconds, renewTime: now };
  if (change === 'renew') return renewed;
  // As client-go does: nobody, and for as short as the API allows.
  if (change === 'release') return { ...renewed, holder: '', durationSeconds: 1 };
  return { ...renewed, holder: identity, acquireTime: now, transitions: before.transitions + 1 };
};

/** The same time but for a microsecond. */
const another = (time: string): string => time.replace(/\dZ$/, (last) => (last === '0Z' ? '1Z' : '0Z'));

/** Whether nobody has written the record in between; labels and annotations of the lease do not count. */
export const isSameRecord = (a: LeaseRecord, b: LeaseRecord): boolean =>
  a.holder === b.holder &&
  a.durationSeconds === b.durationSeconds &&
  a.acquireTime === b.acquireTime &&
  a.renewTime === b.renewTime &&
  a.transitions === b.transitions;

/** A lease that says more than this, by mistake, does not keep others out for longer. */
const longestHold: Millis = seconds(60);

/** How long a lease keeps others out after it was seen to change: as long as its holder says, at least `own`. */
export const heldFor = ({ durationSeconds }: LeaseRecord, own: Millis): Millis =>
  millis(Math.max(own, Math.min(seconds(durationSeconds), longestHold)));
