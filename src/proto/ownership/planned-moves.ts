import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Group } from './group.ts';
import { forEachDue } from './timers.ts';
import { moveRetry, successorWait } from './timing.ts';

/**
 * Groups on their way to a successor: it is asked to claim, and the owner answers until it hears that. A successor that
 * does not claim in time is followed by the next; if none is left, the owner keeps the group.
 */
export type PlannedMoves = {
  /**
   * Begins a move, unless one is under way; `only`: to this node or to none. `isStanding`: for a reason that the group is
   * looked at for, and that may vanish.
   */
  readonly start: (group: Group, only: string | undefined, isStanding: boolean) => void;
  /** The reason has vanished. */
  readonly relent: (group: Group) => void;
  readonly isUnderWay: (group: Group) => boolean;
  readonly stop: (group: Group) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type MovePorts = {
  /** Whether a node can take groups over now. */
  readonly isReady: (node: string) => boolean;
  readonly offer: (group: Group, successor: string) => void;
  readonly keep: (group: Group) => void;
  /** A move has failed some time ago: looks whether the reason for it still stands. */
  readonly onRetry: (group: Group) => void;
  /** Whether to begin anew at once. */
  readonly isUrgent: () => boolean;
};

type Move = {
  readonly only: string | undefined;
  readonly isStanding: boolean;
  readonly tried: Set<string>;
  asked: string | undefined;
};

/** Makes the planned moves of one machine. */
export const createPlannedMoves = (context: Context, ports: MovePorts): PlannedMoves => {
  const moves = new Map<Group, Move>();
  const deadlines = createDeadlineQueue<Group>();

  const stop = (group: Group): void => {
    moves.delete(group);
    deadlines.delete(group);
  };

  const wait = (group: Group, duration: Millis): void => deadlines.set(group, millis(context.now() + duration));

  const fail = (group: Group, move: Move): void => {
    const wasOffered = move.asked !== undefined;
    move.asked = undefined;
    move.tried.clear();
    wait(group, ports.isUrgent() ? successorWait : moveRetry);
    // Last, because the group is looked at again when its claim changes.
    if (wasOffered) ports.keep(group);
  };

  const askNext = (group: Group, move: Move): void => {
    const { candidates } = group.order;
    const choices = move.only === undefined ? candidates : [move.only];
    const next = choices.find((node) => !move.tried.has(node) && ports.isReady(node));
    if (next === undefined) {
      fail(group, move);
      return;
    }
    move.asked = next;
    move.tried.add(next);
    wait(group, successorWait);
    ports.offer(group, next);
  };

  const due = (group: Group): void => {
    const move = moves.get(group)!;
    if (move.asked !== undefined) {
      askNext(group, move);
      return;
    }
    stop(group);
    ports.onRetry(group);
  };

  return {
    start: (group, only, isStanding) => {
      const known = moves.get(group);
      if (known !== undefined && (known.asked !== undefined || known.only === only)) return;
      const move = { only, isStanding, tried: new Set<string>(), asked: undefined };
      moves.set(group, move);
      askNext(group, move);
    },
    relent: (group) => {
      const move = moves.get(group);
      if (move?.isStanding !== true) return;
      stop(group);
      if (move.asked !== undefined) ports.keep(group);
    },
    isUnderWay: (group) => moves.get(group)?.asked !== undefined,
    stop,
    timerDue: () => forEachDue(deadlines, context.now(), due),
    nextDeadline: deadlines.next,
  };
};
