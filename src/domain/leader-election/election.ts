import { millis, type Millis } from '../../lib/time.ts';
import { heldFor, isSameRecord, type LeaseChange, type LeaseView } from './lease.ts';

/**
 * One candidate in the election of a leader by a Lease. No two machines compare their clocks: a candidate takes a lease
 * over when it has not changed for the lease's duration by the candidate's own monotonic clock, and the holder counts its
 * time from the moment at which it *sent* a renewal, which is before anybody could see it. All writes are optimistic, so
 * that of several only one succeeds, and one that comes late fails.
 */
export type Election = {
  readonly settings: ElectionSettings;
  /** `leaving`: the lease is given back if it is ours. */
  readonly phase: 'running' | 'leaving' | 'left';
  /** The lease as it was known last; undefined if there is none, or none was read. */
  readonly lease: LeaseView | undefined;
  /** Whether that is still so, for all we know. */
  readonly isCurrent: boolean;
  /** From when a lease that is not ours may be taken. */
  readonly freeAt: Millis;
  readonly call: Call | undefined;
  /** Calls that failed since one was answered. */
  readonly failures: number;
  /** Writes in a row that were refused although the lease was as we knew it. */
  readonly refusals: number;
  /** No call starts before: a pause after failures. */
  readonly pausedUntil: Millis;
  /** When the last write of ours was sent that is known to have succeeded; undefined unless the lease is ours. */
  readonly confirmedAt: Millis | undefined;
  /** When the first of those writes was sent that may have succeeded without our knowing. */
  readonly unconfirmedSince: Millis | undefined;
  /** As `leadershipChanged` told it last. */
  readonly isLeader: boolean;
  /** Whether anybody else can have led since we did. */
  readonly othersHeldIt: boolean;
};

export type ElectionSettings = {
  readonly identity: string;
  /** `leaseDurationSeconds`. */
  readonly duration: Millis;
  /** Time between two renewals. */
  readonly renewEvery: Millis;
  /** The holder stops so long before others may begin: for clocks that run at different rates. */
  readonly margin: Millis;
  readonly retry: { readonly first: Millis; readonly longest: Millis };
};

type Call = { readonly type: 'read' | LeaseChange; readonly sentAt: Millis };

/** What can happen to a candidate. */
export type ElectionEvent =
  | { readonly type: 'timerDue' }
  /** A watch says so; it may be late. */
  | { readonly type: 'observed'; readonly lease: LeaseView | undefined }
  /** The call under way succeeded; the lease is as it was read or written, undefined if there is none. */
  | { readonly type: 'answered'; readonly lease: LeaseView | undefined }
  /** The write under way was refused because the lease is another by now: it has had no effect. */
  | { readonly type: 'overtaken' }
  /** The call under way failed; it may have had its effect all the same. */
  | { readonly type: 'failed'; readonly retryAfter?: Millis | undefined }
  /** Lead no more and give the lease back, for as long as it takes. */
  | { readonly type: 'leave' };

/** What the driver is asked to do next. */
export type ElectionEffect =
  | { readonly type: 'read' }
  /** Write on the condition that the lease is still `base`; undefined: that there is none. */
  | { readonly type: 'write'; readonly change: LeaseChange; readonly base: LeaseView | undefined }
  | { readonly type: 'leadershipChanged'; readonly isLeader: boolean; readonly othersHeldIt: boolean }
  /** Nothing more comes. */
  | { readonly type: 'left' };

export type ElectionStep = { readonly election: Election; readonly effects: readonly ElectionEffect[] };

/** A candidate that knows nothing yet; `timerDue` starts it. */
export const newElection = (settings: ElectionSettings, now: Millis): Election => ({
  settings,
  phase: 'running',
  lease: undefined,
  isCurrent: false,
  freeAt: now,
  call: undefined,
  failures: 0,
  refusals: 0,
  pausedUntil: now,
  confirmedAt: undefined,
  unconfirmedSince: undefined,
  isLeader: false,
  othersHeldIt: true,
});

/** Until when we may write, by our own clock: in the past, or undefined, if we may not. */
export const leadsUntil = ({ settings, confirmedAt, phase }: Election): Millis | undefined =>
  confirmedAt === undefined || phase !== 'running'
    ? undefined
    : millis(confirmedAt + settings.duration - settings.margin);

/** When `timerDue` wants to be fed; undefined: not before something else has happened. */
export const nextDeadline = (election: Election): Millis | undefined => {
  const callAt = election.call === undefined ? nextCall(election)?.at : undefined;
  const lapseAt = election.isLeader ? leadsUntil(election) : undefined;
  if (callAt === undefined || lapseAt === undefined) return callAt ?? lapseAt;
  return millis(Math.min(callAt, lapseAt));
};

/** Advances a candidate by one event. Pure; `random` in [0, 1) spreads retries. */
export const stepElection = (election: Election, event: ElectionEvent, now: Millis, random: number): ElectionStep => {
  // After the process stood still, whatever comes first must not hide that our time was over.
  const before = tellLeadership(election, now);
  const after = tellLeadership(takeIn(before.election, event, now, random), now);
  const called = startCall(after.election, now);
  return { election: called.election, effects: [...before.effects, ...after.effects, ...called.effects] };
};

const takeIn = (election: Election, event: ElectionEvent, now: Millis, random: number): Election => {
  const { call } = election;
  if (event.type === 'timerDue') return election;
  if (event.type === 'leave') return leave(election, now);
  if (event.type === 'observed') {
    // Only answers to our own calls say for certain what is; a watch may still tell of the time before we led.
    const isNews = call === undefined && election.isCurrent && !isOurs(election);
    return isNews ? learn(election, event.lease, now) : election;
  }
  if (call === undefined) return election;
  if (event.type === 'answered') return answered(election, call, event.lease, now, random);
  if (event.type === 'overtaken') return overtaken(election, call, now);
  return failed(election, call, event.retryAfter, now, random);
};

const leave = (election: Election, now: Millis): Election => {
  if (election.phase !== 'running') return election;
  // A write that may have succeeded may have made the lease ours.
  const isCurrent = election.isCurrent && election.unconfirmedSince === undefined;
  return { ...election, phase: 'leaving', isCurrent, pausedUntil: now };
};

const answered = (
  election: Election,
  call: Call,
  lease: LeaseView | undefined,
  now: Millis,
  random: number,
): Election => {
  const ended: Election = { ...election, call: undefined, failures: 0 };
  if (call.type === 'read') {
    const known = learn(confirmByReading(ended, lease), lease, now);
    if (!isSameVersion(election.lease, lease) || election.refusals === 0) return { ...known, refusals: 0 };
    // Nobody was quicker, and yet the server refuses: it is not asked again and again without a pause.
    return { ...known, pausedUntil: retryAt(election, election.refusals - 1, now, random) };
  }
  // Writes without an answer cannot succeed any more: the lease they were made for is another now.
  const written = learn({ ...ended, unconfirmedSince: undefined, refusals: 0 }, lease, now);
  return isOurs(written) ? { ...written, confirmedAt: call.sentAt } : written;
};

/**
 * A lease of ours that is not the one we knew, when we have no answer to some of our writes: one of them has succeeded,
 * the first for all we know.
 */
const confirmByReading = (election: Election, lease: LeaseView | undefined): Election => {
  const { lease: before, unconfirmedSince, settings } = election;
  if (unconfirmedSince === undefined || lease?.record.holder !== settings.identity) return election;
  if (before !== undefined && isSameRecord(before.record, lease.record)) return election;
  return { ...election, confirmedAt: unconfirmedSince, unconfirmedSince: undefined };
};

const overtaken = (election: Election, call: Call, now: Millis): Election => ({
  ...election,
  call: undefined,
  refusals: election.refusals + 1,
  isCurrent: false,
  pausedUntil: now,
  // Writes before this one are another matter.
  unconfirmedSince: election.unconfirmedSince === call.sentAt ? undefined : election.unconfirmedSince,
});

const failed = (
  election: Election,
  call: Call,
  retryAfter: Millis | undefined,
  now: Millis,
  random: number,
): Election => ({
  ...election,
  call: undefined,
  failures: election.failures + 1,
  // From the sending: a call that took long has been a pause already.
  pausedUntil: millis(Math.max(retryAt(election, election.failures, call.sentAt, random), now + (retryAfter ?? 0))),
  isCurrent: election.isCurrent && election.phase === 'running',
});

const retryAt = ({ settings: { retry } }: Election, failures: number, from: Millis, random: number): Millis =>
  millis(from + Math.min(retry.longest, retry.first * 2 ** failures) * (0.5 + random / 2));

const isOurs = ({ lease, settings }: Election): boolean => lease?.record.holder === settings.identity;

const isSameVersion = (a: LeaseView | undefined, b: LeaseView | undefined): boolean =>
  a?.uid === b?.uid && a?.resourceVersion === b?.resourceVersion;

/** Takes in the lease as it is. */
const learn = (election: Election, lease: LeaseView | undefined, now: Millis): Election => {
  const { lease: before, settings } = election;
  const known: Election = { ...election, lease, isCurrent: true };
  if (isOurs(known)) return known;
  const isUnchanged = isSameVersion(before, lease);
  const others: Election = {
    ...known,
    othersHeldIt: true,
    confirmedAt: undefined,
    unconfirmedSince: isUnchanged ? election.unconfirmedSince : undefined,
  };
  if (lease === undefined) {
    // Deleted by hand: its holder has not noticed yet. If that was us, or if there never was one, nobody has to wait.
    if (before === undefined) return others;
    return { ...others, freeAt: isOurs(election) ? now : millis(now + heldFor(before.record, settings.duration)) };
  }
  if (isUnchanged) return others;
  const { record } = lease;
  return {
    ...others,
    pausedUntil: now,
    freeAt: record.holder === '' ? now : millis(now + heldFor(record, settings.duration)),
  };
};

/** Tells when leading begins or ends. */
const tellLeadership = (election: Election, now: Millis): ElectionStep => {
  const isLeader = now < (leadsUntil(election) ?? -Infinity);
  if (isLeader === election.isLeader) return { election, effects: [] };
  return {
    election: { ...election, isLeader, othersHeldIt: !isLeader && election.othersHeldIt },
    effects: [{ type: 'leadershipChanged', isLeader, othersHeldIt: isLeader && election.othersHeldIt }],
  };
};

/** What is to be done next, and when; undefined if nothing. */
const nextCall = (election: Election): { readonly type: Call['type'] | 'left'; readonly at: Millis } | undefined => {
  const { settings, isCurrent, freeAt, confirmedAt, pausedUntil, phase } = election;
  if (phase === 'left') return undefined;
  if (phase === 'leaving') {
    if (!isCurrent) return { type: 'read', at: pausedUntil };
    return { type: isOurs(election) ? 'release' : 'left', at: pausedUntil };
  }
  if (!isCurrent) return { type: 'read', at: pausedUntil };
  if (!isOurs(election)) return { type: 'acquire', at: millis(Math.max(freeAt, pausedUntil)) };
  const renewAt = confirmedAt === undefined ? pausedUntil : confirmedAt + settings.renewEvery;
  return { type: 'renew', at: millis(Math.max(renewAt, pausedUntil)) };
};

const startCall = (election: Election, now: Millis): ElectionStep => {
  const next = nextCall(election);
  if (election.call !== undefined || next === undefined || now < next.at) return { election, effects: [] };
  if (next.type === 'left') return { election: { ...election, phase: 'left' }, effects: [{ type: 'left' }] };
  const calling: Election = { ...election, call: { type: next.type, sentAt: now } };
  if (next.type === 'read') return { election: calling, effects: [{ type: 'read' }] };
  return {
    election: { ...calling, unconfirmedSince: election.unconfirmedSince ?? now },
    effects: [{ type: 'write', change: next.type, base: election.lease }],
  };
};
