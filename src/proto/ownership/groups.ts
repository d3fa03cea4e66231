import type { GroupOrder, RemovedGroup } from '../../lib/group-order.ts';
import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Ip } from '../../lib/ip.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Claims, Ownable } from './claims.ts';
import type { Context } from './context.ts';
import { firstOf, following, type Group, isOurs, rankOf, type Standing } from './group.ts';
import type { Holdings } from './holdings.ts';
import type { Assumption } from './machine.ts';
import type { Peer } from './peers.ts';
import type { PlannedMoves } from './planned-moves.ts';
import type { Fitness, SelfTrust } from './self-trust.ts';
import { forEachDue } from './timers.ts';
import { firstRankWait, overdueWait, passingTime, rankWait, releasedTime, removalTime } from './timing.ts';

/**
 * Decides for each group what this speaker does about it: claim it, wait for others to do so, answer, hand over, yield.
 * The decision rests on what is known now, whatever led there: looking again changes nothing.
 */
export type Groups = {
  readonly update: (changed: readonly GroupOrder[], removed: readonly RemovedGroup[]) => void;
  readonly get: (key: Ip) => Group | undefined;
  readonly all: () => Iterable<Group>;
  /** Looks at one group, or all, again. */
  readonly review: (group: Group) => void;
  readonly reviewAll: () => void;
  /** A group rests here that could be served. */
  readonly canResumeAny: () => boolean;
  /** Looks at those again whose owner may have to change with who lives. */
  readonly reviewUnsettled: () => void;
  readonly changed: (ownable: Ownable) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type GroupPorts = {
  readonly self: Peer;
  readonly claims: Claims;
  readonly holdings: Holdings;
  readonly moves: PlannedMoves;
  readonly trust: SelfTrust;
  /** Candidates that would answer if they took over now, and those that will soon (they listen still). */
  readonly standingOf: (node: string) => Standing;
  readonly standingOfListeners: (node: string) => Standing;
  /** This speaker listens, ends or sleeps: it claims nothing and resumes nothing. */
  readonly isPassive: () => boolean;
  readonly isEnding: () => boolean;
  readonly isMainAwake: () => boolean;
  readonly isWatchCurrent: () => boolean;
};

const isServable = (fitness: Fitness): boolean => fitness === 'full' || fitness === 'partial';

/** Makes the groups of one machine. */
export const createGroups = (context: Context, ports: GroupPorts): Groups => {
  const { self, claims, holdings, moves, trust } = ports;
  const { node: ownNode, hasBeacon } = context.options;
  const groups = new Map<Ip, Group>();
  const deadlines = createDeadlineQueue<Group>();
  /** Groups whose time of being offered, or said to be released, ends. */
  const ends = createDeadlineQueue<Ip>();

  const unsettled = new Set<Group>();

  const waitUntil = (group: Group, how: Assumption, at: Millis): void => {
    group.state = { type: 'waiting', how, at };
    deadlines.set(group, at);
  };

  const follow = (group: Group): void => {
    if (group.state.type === 'waiting') group.state = following;
    deadlines.delete(group);
  };

  const forget = (group: Group): void => {
    deadlines.delete(group);
    moves.stop(group);
    groups.delete(group.key);
    unsettled.delete(group);
    const ownable = claims.get(group.key);
    if (ownable !== undefined) ownable.isOrdered = false;
    claims.tidy(group.key);
  };

  /** Nobody is to own the group by an order as old as this one. */
  const isReleased = (group: Group, { releasedRevision }: Ownable): boolean => group.order.revision <= releasedRevision;

  /** Why an owner has to hand its group over, and to whom; undefined: it has not. */
  const reasonToMove = (group: Group, fitness: Fitness): { readonly only: string | undefined } | undefined => {
    const { order } = group;
    if (group.isPassing) return undefined;
    if (order.policy === 'exact') {
      const first = firstOf(order, ownNode, ports.standingOf);
      if (first !== undefined && first.node !== ownNode) return { only: first.node };
    }
    const isWanted = order.candidates.includes(ownNode) && !group.isRemoved;
    const isWell = fitness !== 'partial' && ports.isMainAwake() && !ports.isEnding();
    return isWanted && isWell ? undefined : { only: undefined };
  };

  const isForeignFirst = ({ order }: Group): boolean =>
    order.policy === 'exact' && firstOf(order, ownNode, ports.standingOf)?.standing === 'foreign';

  const reviewOurs = (group: Group, ownable: Ownable): void => {
    const { owner } = ownable;
    if (owner !== undefined && owner !== self) {
      const isHandedOver = moves.isUnderWay(group) && self.claims.get(group.key)?.state === 'yielding';
      holdings.letGo(group, isHandedOver ? 'handedOver' : 'yielded');
      review(group);
      return;
    }
    const ownNumber = self.claims.get(group.key)?.number ?? 0;
    // An equal number was claimed where the release was not heard: the state of the service decides.
    if (ownable.releasedNumber >= ownNumber && ownNumber > 0) {
      if (group.isPassing || isReleased(group, ownable)) holdings.letGo(group, 'released');
      else holdings.take(group, 'orphaned');
      return;
    }
    if (group.order.candidates.length === 0 || isForeignFirst(group)) {
      holdings.letGo(group, 'notCandidate');
      review(group);
      return;
    }
    const fitness = trust.fitnessFor(group.order.addresses);
    if (group.state.type === 'resting') {
      if (ports.isEnding()) holdings.letGo(group, 'notCandidate');
      else if (!ports.isPassive() && isServable(fitness)) holdings.resume(group);
      return;
    }
    if (fitness === 'none') {
      const fault = trust.faultOf(group.order.addresses);
      moves.stop(group);
      // Where nothing can be sent nobody hears a claim either; where nothing is heard, others are to take over.
      holdings.rest(group, fault, fault === 'noInterface');
      return;
    }
    if (group.order.policy === 'exact') unsettled.add(group);
    const reason = reasonToMove(group, fitness);
    if (reason === undefined) moves.relent(group);
    else if (group.state.type === 'answering') moves.start(group, reason.only, true);
    else if (!group.order.candidates.includes(ownNode) || ports.isEnding()) holdings.letGo(group, 'notCandidate');
  };

  const isFirst = ({ order }: Group): boolean => rankOf(order, ownNode, ports.standingOf) === 0;

  /** Somebody lives who owns the group, but is not to. */
  const reviewOwned = (group: Group, owner: Peer): void => {
    const { order } = group;
    const claim = owner.claims.get(group.key)!;
    const fitness = trust.fitnessFor(order.addresses);
    group.unownedSince = undefined;
    const isOffered = claim.state === 'yielding' && claim.successor === ownNode;
    if (isOffered && fitness === 'full' && !isForeignFirst(group)) {
      follow(group);
      holdings.take(group, 'planned');
      return;
    }
    const isMisowned = order.policy === 'exact' || !order.candidates.includes(owner.node);
    if (isMisowned) unsettled.add(group);
    else unsettled.delete(group);
    if (!isMisowned || !isFirst(group) || !ports.isWatchCurrent() || fitness !== 'full') {
      group.misownedSince = undefined;
      follow(group);
      return;
    }
    group.misownedSince ??= context.now();
    claimAt(group, 'planned', Math.max(group.misownedSince + overdueWait, group.holdUntil));
  };

  const claimAt = (group: Group, how: Assumption, at: number): void => {
    if (at > context.now()) {
      waitUntil(group, how, millis(at));
      return;
    }
    follow(group);
    holdings.take(group, how);
  };

  /** Nobody who lives owns the group. */
  const reviewUnowned = (group: Group, ownable: Ownable): void => {
    const { order } = group;
    group.misownedSince = undefined;
    const how = ownable.orphan?.how ?? 'first';
    const isFirstClaim = how === 'first';
    const rank = rankOf(order, ownNode, isFirstClaim ? ports.standingOfListeners : ports.standingOf);
    const fitness = trust.fitnessFor(order.addresses);
    const isBlocked = isReleased(group, ownable) || (isFirstClaim && !ports.isWatchCurrent());
    if (rank === undefined || isBlocked || fitness === 'none') {
      group.unownedSince = undefined;
      follow(group);
      return;
    }
    group.unownedSince ??= context.now();
    if (fitness === 'unknown') {
      follow(group);
      return;
    }
    // Who serves only a part of the group's interfaces comes after all who serve them all.
    const place = fitness === 'full' ? rank : rank + order.candidates.length;
    const at = group.unownedSince + place * (isFirstClaim ? firstRankWait : rankWait);
    claimAt(group, how, isFirstClaim ? Math.max(at, group.holdUntil) : at);
  };

  /** Without beacons the first candidate answers; nobody tells anybody. */
  const reviewAlone = (group: Group): void => {
    const isWanted = !ports.isEnding() && group.order.candidates[0] === ownNode && !group.isRemoved;
    const isServed = isWanted && trust.fitnessFor(group.order.addresses) !== 'none';
    if (isServed && !isOurs(group)) holdings.take(group, 'first');
    else if (!isServed && isOurs(group)) holdings.letGo(group, isWanted ? 'noInterface' : 'notCandidate');
  };

  const review = (group: Group): void => {
    if (!hasBeacon) {
      reviewAlone(group);
      return;
    }
    const ownable = claims.getOrMake(group.key);
    if (isOurs(group)) {
      reviewOurs(group, ownable);
      return;
    }
    if (group.isRemoved) {
      forget(group);
      return;
    }
    const isAble = !ports.isPassive() && ports.isMainAwake() && group.order.candidates.includes(ownNode);
    if (!isAble) {
      group.unownedSince = undefined;
      group.misownedSince = undefined;
      follow(group);
    } else if (ownable.owner === undefined) reviewUnowned(group, ownable);
    else reviewOwned(group, ownable.owner);
  };

  const letEnd = (key: Ip): void => {
    const group = groups.get(key);
    if (group?.isRemoved === true) {
      if (group.isPassing && isOurs(group)) {
        release(group, group.order.revision);
        return;
      }
      if (isOurs(group)) holdings.letGo(group, 'notCandidate');
      forget(group);
    } else holdings.forgetRelease(key);
  };

  const order = (next: GroupOrder): void => {
    const known = groups.get(next.key);
    if (known !== undefined) {
      known.isRemoved = false;
      known.isPassing = false;
      holdings.reorder(known, next);
      review(known);
      releaseParts(known);
      return;
    }
    const group: Group = {
      key: next.key,
      order: next,
      isRemoved: false,
      isPassing: false,
      state: following,
      holdUntil: millis(0),
      unownedSince: undefined,
      misownedSince: undefined,
    };
    groups.set(next.key, group);
    const ownable = claims.getOrMake(next.key);
    ownable.isOrdered = true;
    // Its addresses have been ours in another group: nobody else is asked, and whoever is to have them gets them from us.
    const isInherited = hasBeacon && ownable.owner === undefined && holdings.isAnswered(next.key);
    if (isInherited && !isReleased(group, ownable)) holdings.take(group, 'planned');
    review(group);
    releaseParts(group);
  };

  /** Somebody still owns what is a part of a group that is answered here: now it needs not any more. */
  const releaseParts = ({ key, order: { addresses, revision }, state }: Group): void => {
    if (state.type !== 'answering') return;
    for (const { ip } of addresses) {
      const part = ip === key ? undefined : claims.get(ip);
      if (part !== undefined) releasePart(part, revision);
    }
  };

  const releaseIfPart = (ownable: Ownable | undefined): void => {
    const whole = ownable && holdings.groupOf(ownable.key);
    if (whole?.state.type === 'answering') releasePart(ownable!, whole.order.revision);
  };

  const releasePart = ({ key, owner, isOrdered, releasedRevision }: Ownable, revision: number): void => {
    // By one state of the cluster this is said once: the owner may know better.
    if (isOrdered || owner === undefined || owner === self || releasedRevision >= revision) return;
    holdings.releaseOf(key, revision);
    ends.set(key, millis(context.now() + releasedTime));
  };

  /** A group that is wanted no more; `passing`: addresses that other groups have now. */
  const remove = ({ key, isReleased: isForAll, revision }: RemovedGroup, passing: ReadonlySet<Ip>): void => {
    const group = groups.get(key);
    if (group === undefined) return;
    group.isRemoved = true;
    const left = group.order.addresses.filter(({ ip }) => passing.has(ip) && holdings.groupOf(ip) === group);
    if (!isOurs(group)) {
      forget(group);
      releaseIfPart(claims.get(key));
    } else if (isForAll && hasBeacon && group.state.type === 'answering' && left.length > 0) {
      moves.stop(group);
      group.isPassing = true;
      holdings.reorder(group, { ...group.order, addresses: left, revision });
      ends.set(key, millis(context.now() + passingTime));
      review(group);
    } else if (isForAll || !hasBeacon) {
      moves.stop(group);
      release(group, revision);
    } else {
      ends.set(key, millis(context.now() + removalTime));
      review(group);
    }
  };

  const release = (group: Group, revision: number): void => {
    holdings.release(group, revision);
    ends.set(group.key, millis(context.now() + releasedTime));
    forget(group);
  };

  return {
    update: (changed, removed) => {
      // Those that come take up what those that go leave.
      for (const each of changed) order(each);
      const passing = new Set(
        removed.length > 0 ? changed.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)) : [],
      );
      for (const each of removed) remove(each, passing);
    },
    get: (key) => groups.get(key),
    all: () => groups.values(),
    review,
    reviewAll: () => {
      for (const group of [...groups.values()]) review(group);
    },
    canResumeAny: () => {
      for (const { state, order } of groups.values()) {
        if (state.type === 'resting' && isServable(trust.fitnessFor(order.addresses))) return true;
      }
      return false;
    },
    reviewUnsettled: () => {
      for (const group of [...unsettled]) review(group);
    },
    changed: (ownable) => {
      const group = groups.get(ownable.key);
      if (group !== undefined) {
        review(group);
        releaseParts(group);
        return;
      }
      releaseIfPart(ownable);
    },
    timerDue: () => {
      forEachDue(deadlines, context.now(), (group) => {
        if (group.state.type === 'waiting') review(group);
      });
      forEachDue(ends, context.now(), letEnd);
    },
    nextDeadline: () => {
      const [wait, end] = [deadlines.next(), ends.next()];
      return wait === undefined || end === undefined ? (wait ?? end) : millis(Math.min(wait, end));
    },
  };
};
