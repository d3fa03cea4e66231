import type { GroupAddress } from '../../lib/group-order.ts';
import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import type { Sighting } from './machine.ts';
import { forEachDue } from './timers.ts';
import { conflictRetry, conflictRetryAtMost, probeCount, probePause } from './timing.ts';

/**
 * Asks before the first announcement of a group whether another host has one of its addresses (RFC 5227 section 2.1.1,
 * RFC 4862 section 5.4), and again later if one has.
 */
export type FirstAnnouncements = {
  readonly start: (group: Group) => void;
  readonly stop: (group: Group) => void;
  /** The order has other addresses now. */
  readonly restart: (group: Group) => void;
  /** A foreign host has, or wants, an address of the group. */
  readonly sighted: (group: Group, sighting: Sighting) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

type Attempt = {
  addresses: readonly GroupAddress[];
  sent: number;
  /** Pause before the next attempt, if this one fails. */
  retry: Millis;
  /** What has been reported. */
  conflict: Sighting | undefined;
  isWatching: boolean;
};

/** Makes the first announcements of one machine; `onClear`: nobody has said anything. */
export const createFirstAnnouncements = (context: Context, onClear: (group: Group) => void): FirstAnnouncements => {
  const attempts = new Map<Group, Attempt>();
  const deadlines = createDeadlineQueue<Group>();

  const unwatch = (attempt: Attempt): void => {
    if (attempt.isWatching) context.emit({ type: 'unwatch', addresses: attempt.addresses });
    attempt.isWatching = false;
  };

  const settleConflict = ({ key }: Group, { conflict }: Attempt): void => {
    if (conflict === undefined) return;
    const { ip, interface: index } = conflict;
    context.report({ type: 'conflict', key, ip, interface: index, mac: undefined, isDefended: false });
  };

  const stop = (group: Group): void => {
    const attempt = attempts.get(group);
    if (attempt === undefined) return;
    attempts.delete(group);
    deadlines.delete(group);
    unwatch(attempt);
    settleConflict(group, attempt);
  };

  const probe = (group: Group, attempt: Attempt): void => {
    attempt.sent += 1;
    for (const address of attempt.addresses) context.emit({ type: 'probe', address });
    deadlines.set(group, millis(context.now() + probePause));
  };

  const begin = (group: Group, attempt: Attempt): void => {
    attempt.addresses = group.order.addresses;
    attempt.sent = 0;
    attempt.isWatching = true;
    context.emit({ type: 'watch', addresses: attempt.addresses });
    probe(group, attempt);
  };

  const start = (group: Group): void => {
    const attempt = { addresses: [], sent: 0, retry: conflictRetry, conflict: undefined, isWatching: false };
    attempts.set(group, attempt);
    begin(group, attempt);
  };

  const due = (group: Group): void => {
    const attempt = attempts.get(group)!;
    if (!attempt.isWatching) begin(group, attempt);
    else if (attempt.sent < probeCount) probe(group, attempt);
    else {
      stop(group);
      onClear(group);
    }
  };

  return {
    start,
    stop,
    restart: (group) => {
      const attempt = attempts.get(group);
      if (attempt === undefined || !attempt.isWatching) return;
      unwatch(attempt);
      begin(group, attempt);
    },
    sighted: (group, sighting) => {
      const attempt = attempts.get(group);
      if (attempt === undefined || !attempt.isWatching) return;
      const { ip, mac, interface: index } = sighting;
      const isKnown = attempt.conflict?.ip === ip && attempt.conflict.mac === mac;
      if (attempt.conflict !== undefined && attempt.conflict.ip !== ip) settleConflict(group, attempt);
      attempt.conflict = sighting;
      if (!isKnown) {
        context.report({ type: 'conflict', key: group.key, ip, interface: index, mac, isDefended: false });
      }
      unwatch(attempt);
      deadlines.set(group, millis(context.now() + attempt.retry));
      attempt.retry = millis(Math.min(2 * attempt.retry, conflictRetryAtMost));
    },
    timerDue: () => forEachDue(deadlines, context.now(), due),
    nextDeadline: deadlines.next,
  };
};
