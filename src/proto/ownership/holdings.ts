import type { GroupAddress, GroupOrder } from '../../lib/group-order.ts';
import type { Ip } from '../../lib/ip.ts';
import { millis } from '../../lib/time.ts';
import { type Claims, isOwning, type Ownable, silenceOf } from './claims.ts';
import type { Context } from './context.ts';
import { answering, following, type Group, isOurs, isSameAnswer, probing } from './group.ts';
import type { Assumption, NotOwning } from './machine.ts';
import type { Claim } from './message.ts';
import type { Peer } from './peers.ts';
import { yieldedHold } from './timing.ts';

/** What this speaker does about the groups it owns: claims, answers, announces again, lets go. */
export type Holdings = {
  /** Claims the group with the next number. */
  readonly take: (group: Group, how: Assumption) => void;
  /** No other host has the addresses: they are answered from now on. */
  readonly prove: (group: Group) => void;
  /** Falls silent and has no claim any more; `yielded`: for another's claim. */
  readonly letGo: (group: Group, why: NotOwning) => void;
  /** Falls silent, and says that nobody is to have the group by what was known at this revision. */
  readonly release: (group: Group, revision: number) => void;
  /** Says no more that the group is released. */
  readonly forgetRelease: (key: Ip) => void;
  /** Falls silent for a time; with its claim, or offering the group to whoever can serve it. */
  readonly rest: (group: Group, why: NotOwning, isClaimKept: boolean) => void;
  readonly resume: (group: Group) => void;
  /** Asks a successor to claim, and goes on answering. */
  readonly offer: (group: Group, successor: string) => void;
  readonly keep: (group: Group) => void;
  /** Another claimed the group and loses: says so, and announces the addresses again. */
  readonly reassert: (group: Group, ownable: Ownable) => void;
  /** The group has another order. */
  readonly reorder: (group: Group, order: GroupOrder) => void;
  /** Says that nobody is to have a group by what was known at this revision: this speaker answers its addresses in another. */
  readonly releaseOf: (key: Ip, revision: number) => void;
  /** Whether this speaker answers for the address, in whichever group. */
  readonly isAnswered: (ip: Ip) => boolean;
  /** Ends a step: addresses that no group of ours has taken up are answered no more. */
  readonly settle: () => void;
  /** The group that has the address, if it is ours. */
  readonly groupOf: (ip: Ip) => Group | undefined;
  /** How many groups are claimed here. */
  readonly count: () => number;
};

export type HoldingPorts = {
  readonly self: Peer;
  readonly setOwner: (isOwner: boolean) => void;
  /** A claim of this speaker is to be told. */
  readonly onClaim: (claim: Claim) => void;
  readonly isProbingFirst: () => boolean;
  readonly startProbing: (group: Group) => void;
  readonly restartProbing: (group: Group) => void;
  /** The group is no longer answered or probed here. */
  readonly onStopped: (group: Group) => void;
};

/** Makes the holdings of one machine. */
export const createHoldings = (context: Context, claims: Claims, { self, ...ports }: HoldingPorts): Holdings => {
  const byAddress = new Map<Ip, Group>();
  /** Answered when the step began, and given up in it. An address that passes to another group is never silent. */
  const givenUp = new Map<Ip, { readonly key: Ip; readonly address: GroupAddress }>();
  let owned = 0;

  const setClaim = (key: Ip, state: Claim['state'], more: Partial<Claim> & { readonly number: number }): void => {
    const claim = { key, state, successor: undefined, revision: 0, ...more };
    const before = self.claims.get(key);
    owned += Number(isOwning(claim)) - Number(before !== undefined && isOwning(before));
    ports.setOwner(owned > 0);
    ports.onClaim(claim);
    claims.put(self, claim);
  };

  const nextNumber = (key: Ip): number => claims.getOrMake(key).highest + 1;

  const releaseOf = (key: Ip, revision: number): void =>
    setClaim(key, 'released', { number: nextNumber(key), revision });

  const numberOf = ({ key }: Group): number => self.claims.get(key)?.number ?? nextNumber(key);

  const index = (group: Group): void => {
    for (const { ip } of group.order.addresses) byAddress.set(ip, group);
  };

  const answer = (group: Group, isAgain: boolean): void =>
    context.emit({ type: 'answer', key: group.key, addresses: group.order.addresses, isAgain });

  /** Its addresses are not those of the group any more, unless another group has taken them already. */
  const giveUp = (group: Group): void => {
    for (const address of group.order.addresses) {
      if (byAddress.get(address.ip) !== group) continue;
      byAddress.delete(address.ip);
      if (group.state.type === 'answering') givenUp.set(address.ip, { key: group.key, address });
    }
  };

  const silence = (group: Group): void => {
    giveUp(group);
    ports.onStopped(group);
  };

  const isAnswered = (ip: Ip): boolean => byAddress.get(ip)?.state.type === 'answering' || givenUp.has(ip);

  /** Everything that ends answering, but for what is claimed after it. */
  const stop = (group: Group, why: NotOwning): void => {
    const wasAnswering = group.state.type === 'answering';
    silence(group);
    group.state = following;
    group.unownedSince = undefined;
    group.misownedSince = undefined;
    if (wasAnswering) context.report({ type: 'notOwning', key: group.key, why });
  };

  const dropClaim = (key: Ip): void => {
    const claim = self.claims.get(key);
    if (claim !== undefined) setClaim(key, 'dropped', { number: claim.number });
  };

  const beginAnswering = (group: Group, how: Assumption, took: ReturnType<typeof silenceOf>): void => {
    group.state = answering;
    index(group);
    answer(group, true);
    context.report({ type: 'owning', key: group.key, how, took });
  };

  return {
    take: (group, how) => {
      const ownable = claims.getOrMake(group.key);
      const took = how === 'crash' ? silenceOf(context, ownable) : undefined;
      // What has been answered here in another group is known to be ours.
      const isProven = ownable.isProven || group.order.addresses.some(({ ip }) => isAnswered(ip));
      if (!isProven && ports.isProbingFirst()) {
        group.state = probing;
        index(group);
        setClaim(group.key, 'probing', { number: nextNumber(group.key) });
        ports.startProbing(group);
        return;
      }
      beginAnswering(group, how, took);
      setClaim(group.key, 'held', { number: nextNumber(group.key) });
    },
    prove: (group) => {
      beginAnswering(group, 'first', undefined);
      setClaim(group.key, 'held', { number: numberOf(group) });
    },
    letGo: (group, why) => {
      if (why === 'yielded') group.holdUntil = millis(context.now() + yieldedHold);
      stop(group, why);
      dropClaim(group.key);
    },
    release: (group, revision) => {
      stop(group, 'released');
      releaseOf(group.key, revision);
    },
    forgetRelease: (key) => {
      if (self.claims.get(key)?.state === 'released') dropClaim(key);
    },
    rest: (group, why, isClaimKept) => {
      const wasAnswering = group.state.type === 'answering';
      silence(group);
      group.state = { type: 'resting', why };
      if (wasAnswering) context.report({ type: 'notOwning', key: group.key, why });
      if (!isClaimKept) dropClaim(group.key);
    },
    resume: (group) => {
      const claim = self.claims.get(group.key);
      beginAnswering(group, 'orphaned', undefined);
      const number = claim === undefined ? nextNumber(group.key) : claim.number;
      if (claim?.state !== 'held') setClaim(group.key, 'held', { number });
    },
    offer: (group, successor) => setClaim(group.key, 'yielding', { number: numberOf(group), successor }),
    keep: (group) => setClaim(group.key, 'held', { number: numberOf(group) }),
    reassert: (group, { owner }) => {
      const claim = self.claims.get(group.key);
      if (owner !== self || claim === undefined) return;
      ports.onClaim(claim);
      if (group.state.type === 'answering') answer(group, true);
    },
    reorder: (group, order) => {
      const before = group.order;
      if (!isOurs(group) || isSameAnswer(before.addresses, order.addresses)) {
        group.order = order;
        return;
      }
      giveUp(group);
      group.order = order;
      if (group.state.type === 'resting') return;
      index(group);
      if (group.state.type === 'probing') {
        ports.restartProbing(group);
        return;
      }
      answer(group, false);
    },
    releaseOf,
    isAnswered,
    settle: () => {
      if (givenUp.size === 0) return;
      const silent = new Map<Ip, GroupAddress[]>();
      for (const [ip, { key, address }] of givenUp) {
        if (byAddress.get(ip)?.state.type === 'answering') continue;
        const addresses = silent.get(key);
        if (addresses === undefined) silent.set(key, [address]);
        else addresses.push(address);
      }
      givenUp.clear();
      for (const [key, addresses] of silent) context.emit({ type: 'silence', key, addresses });
    },
    groupOf: (ip) => byAddress.get(ip),
    count: () => owned,
  };
};
