import type { GroupAddress, GroupOrder } from '../../lib/group-order.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Assumption, NotOwning } from './machine.ts';

/** A group as one machine sees it: what was ordered, and what this speaker does about it. */
export type Group = {
  readonly key: Ip;
  order: GroupOrder;
  /** The order was withdrawn: the group is on its way to somebody else. */
  isRemoved: boolean;
  /** Other groups have its addresses now: they are answered here until the owner of those says that it does. */
  isPassing: boolean;
  state: GroupState;
  /** No claim of our own before: we have yielded. */
  holdUntil: Millis;
  /** Since when nobody owns it, or somebody who is not to; counted only while this speaker could claim it. */
  unownedSince: Millis | undefined;
  misownedSince: Millis | undefined;
};

export type GroupState =
  /** Somebody else's, or nobody's. */
  | { readonly type: 'following' }
  /** Nobody's; claimed here when `at` comes and it still is. */
  | { readonly type: 'waiting'; readonly how: Assumption; readonly at: Millis }
  /** Ours, unanswered: other hosts are asked whether they have the addresses, or one has. */
  | { readonly type: 'probing' }
  | { readonly type: 'answering' }
  /** Ours, unanswered until this speaker can trust itself again. */
  | { readonly type: 'resting'; readonly why: NotOwning };

export const following: GroupState = { type: 'following' };
export const probing: GroupState = { type: 'probing' };
export const answering: GroupState = { type: 'answering' };

/** Whether this speaker has claimed the group, or will again. */
export const isOurs = ({ state }: Group): boolean =>
  state.type === 'probing' || state.type === 'answering' || state.type === 'resting';

/** What is known of a candidate: `foreign` ones never beacon, so that silence says nothing about them. */
export type Standing = 'living' | 'foreign' | 'absent';

/**
 * How many living candidates come before a node; undefined if it is no candidate, or if by the exact order a speaker of
 * the original comes before it.
 */
export const rankOf = (
  { candidates, policy }: GroupOrder,
  node: string,
  standingOf: (node: string) => Standing,
): number | undefined => {
  let rank = 0;
  for (const candidate of candidates) {
    if (candidate === node) return rank;
    const standing = standingOf(candidate);
    if (standing === 'foreign' && policy === 'exact') return undefined;
    if (standing === 'living') rank += 1;
  }
  return undefined;
};

/** The first candidate that lives, or may; this speaker lives. */
export const firstOf = (
  { candidates }: GroupOrder,
  self: string,
  standingOf: (node: string) => Standing,
): { readonly node: string; readonly standing: Standing } | undefined => {
  for (const node of candidates) {
    const standing = node === self ? 'living' : standingOf(node);
    if (standing !== 'absent') return { node, standing };
  }
  return undefined;
};

/** Whether a group is answered in the same way by two lists of addresses. */
export const isSameAnswer = (a: readonly GroupAddress[], b: readonly GroupAddress[]): boolean =>
  a.length === b.length &&
  a.every(({ ip, interfaces }, index) => {
    const other = b[index]!;
    return ip === other.ip && (interfaces?.join() ?? '*') === (other.interfaces?.join() ?? '*');
  });
