import { type Balance, planMoves, type Move, type OwnedGroup } from '../src/domain/layer2/planned-moves.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';
import { type Clock, type Millis, millis, seconds } from '../src/lib/time.ts';
import type { NodeStates } from './node-states.ts';
import type { Orders } from './speaker-ports.ts';

export type MoverOptions = {
  /** Name of this node. */
  readonly self: string;
  readonly nodes: Pick<NodeStates, 'upSince' | 'notReadySince'>;
  readonly responder: Pick<Orders, 'handOver'>;
  /** Groups by owner, of all nodes that live and may own some. */
  readonly loads: () => Balance['loads'];
  /** All groups that this node owns. */
  readonly owned: () => Iterable<OwnedGroup>;
  readonly isMoving: () => boolean;
  readonly isRebalancing: boolean;
  readonly clock: Clock;
  readonly log: Log;
};

/** Hands groups over that should be elsewhere. */
export type Mover = {
  /** Looks at some groups that this node owns, for what cannot wait. */
  readonly look: (groups: readonly OwnedGroup[]) => void;
  /** Looks at all of them, and again when the time comes for something. */
  readonly lookAtAll: () => void;
  /** A group has gone from one node to another, whichever. */
  readonly moved: () => void;
};

/** A node that was asked to hand over and still owns the group is asked again. */
const askAgainAfter = seconds(5);

/** Makes a mover that waits to be called. */
export const createMover = (options: MoverOptions): Mover => {
  const { self, nodes, responder, loads, owned, isMoving, isRebalancing, clock, log } = options;
  const asked = new Map<Ip, { readonly to: string; readonly at: Millis }>();
  let lastMove: Millis | undefined;
  let cancel = (): void => {};

  const order = (moves: readonly Move[]): void => {
    const now = clock.now();
    const byTarget = new Map<string, Ip[]>();
    for (const { key, to, why } of moves) {
      const before = asked.get(key);
      if (before?.to === to && now < before.at + askAgainAfter) continue;
      asked.set(key, { to, at: now });
      byTarget.set(to, [...(byTarget.get(to) ?? []), key]);
      log.info('handing a group of addresses over', { event: 'handOver', key, to, reason: why });
    }
    for (const [to, keys] of byTarget) responder.handOver(keys, to);
  };

  const view = (balance: Balance | undefined) => ({
    self,
    now: clock.now(),
    upSince: nodes.upSince,
    notReadySince: nodes.notReadySince(),
    balance,
  });

  const lookAtAll = (): void => {
    cancel();
    const groups = isMoving() ? [...owned()] : [];
    const keys = new Set(groups.map(({ key }) => key));
    for (const key of asked.keys()) if (!keys.has(key)) asked.delete(key);
    const { moves, next } = planMoves(groups, view(isRebalancing ? { loads: loads(), lastMove } : undefined));
    order(moves);
    const now = clock.now();
    const at = Math.min(next ?? Infinity, moves.length > 0 ? now + askAgainAfter : Infinity);
    cancel = at === Infinity ? () => {} : clock.after(millis(Math.max(1, at - now)), lookAtAll);
  };

  return {
    look: (groups) => {
      if (isMoving()) order(planMoves(groups, view(undefined)).moves);
    },
    lookAtAll,
    moved: () => {
      lastMove = clock.now();
    },
  };
};
