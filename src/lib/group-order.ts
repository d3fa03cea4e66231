import type { Ip } from './ip.ts';

/** An address of a group, and where this node would answer for it. */
export type GroupAddress = {
  readonly ip: Ip;
  /** Names of interfaces, sorted; undefined: every one that qualifies. */
  readonly interfaces: readonly string[] | undefined;
};

/** What has been decided about one group of addresses; the ownership protocol acts on it. */
export type GroupOrder = {
  /** The first address of the group. */
  readonly key: Ip;
  readonly addresses: readonly GroupAddress[];
  /**
   * Nodes that may own the group, never empty; the first is to claim it where nobody does, the others follow it in this
   * order.
   */
  readonly candidates: readonly string[];
  /**
   * `sticky`: a living owner among the candidates keeps the group. `exact`: the first candidate is to own it, as in the
   * original; another owner hands over to it, or falls silent if it never beacons.
   */
  readonly policy: 'sticky' | 'exact';
  /** The latest `resourceVersion` of what this rests on, as a number. */
  readonly revision: number;
};

/** A group that is no longer wanted here; `isReleased`: by anybody (its service is gone), else only by this node's view. */
export type RemovedGroup = { readonly key: Ip; readonly isReleased: boolean; readonly revision: number };
