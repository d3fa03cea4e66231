import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Millis } from '../../lib/time.ts';

/** A random number of 64 bits per start of a speaker; never a clock: boards without a real-time clock exist. */
export type Epoch = bigint;

/** A random number of 64 bits that ties an answer to its question. */
export type Nonce = bigint;

/**
 * Who owns a group of addresses. The higher number stays; equal numbers are settled by `firstByHash`. A claim whose node
 * has started again, and so has another epoch, is void.
 */
export type Claim = {
  /** Key of the group: its first address. */
  readonly key: Ip;
  /** 1 and up, below 2³². */
  readonly number: number;
  /**
   * `held`: the sender owns the group and answers. `probing`: it owns the group, and asks whether another host has the
   * addresses, or one has; whoever takes it over has to ask again. `yielding`: it still answers, and asks `successor` to
   * claim with the next number. `released`: nobody is to claim the group until the own watch has delivered a state newer
   * than `revision`. `dropped`: the sender has no claim any more; only among the changes of a beacon.
   */
  readonly state: 'held' | 'probing' | 'yielding' | 'released' | 'dropped';
  /** Whom a yielding owner asks. */
  readonly successor: string | undefined;
  /** `resourceVersion` of what a releasing owner knew, as a number; 0 otherwise. */
  readonly revision: number;
};

/** An interface of the sender. */
export type BeaconInterface = { readonly name: string; readonly mac: Mac };

/** What every message says of its sender. */
export type Sender = {
  /** Name of the node, at most 253 octets. */
  readonly node: string;
  readonly epoch: Epoch;
  /** Grows by one with every message of this epoch, whatever the interface. */
  readonly sequence: number;
};

/** "I live": sent on every interface at the sender's interval. */
export type Beacon = {
  readonly type: 'beacon';
  /** Until the next one. */
  readonly interval: Millis;
  /** The sender owns groups. */
  readonly isOwner: boolean;
  /** The sender has just started, or woken, and listens before it claims. */
  readonly isListening: boolean;
  /** The sender ends: whatever it still holds is free. */
  readonly isLeaving: boolean;
  /** Its main thread has been heard of within 5 s. */
  readonly isMainAwake: boolean;
  /** Over the sender's own claims, as `claimsDigest` makes it. */
  readonly digest: number;
  /** The MAC of the interface it is sent on, and the sender's own addresses there (undefined: none). */
  readonly mac: Mac;
  readonly ipv4: Ip | undefined;
  readonly ipv6: Ip | undefined;
  /** All interfaces of the sender, at most 16. */
  readonly interfaces: readonly BeaconInterface[];
  /** A copy for one receiver, which does not hear what is sent to all. */
  readonly isCopy: boolean;
  /**
   * `nodeHash` of the members it hears on the segment it is sent to: what they send to all there, and those of whom only
   * copies arrive. Both together at most 256; the rest is left out in turn.
   */
  readonly hears: readonly number[];
  readonly hearsCopies: readonly number[];
  /** Claims that changed since the last beacon, as many as fit; the digest tells who needs the rest. */
  readonly changes: readonly Claim[];
};

/** One message of the ownership protocol: at most 1,400 octets, sealed with a key of the cluster. */
export type OwnershipMessage = Sender & OwnershipBody;

export type OwnershipBody =
  | Beacon
  /** Asks for all claims of the receiver. */
  | { readonly type: 'claimsWanted' }
  /** A part of the sender's own claims; `digest` is over all of them, so that parts of different times do not mix. */
  | {
      readonly type: 'claims';
      readonly digest: number;
      readonly part: number;
      readonly parts: number;
      readonly claims: readonly Claim[];
    }
  /** "Are you alive, and really of this epoch?": only an answer with the nonce makes a new epoch count. */
  | { readonly type: 'challenge'; readonly nonce: Nonce }
  | { readonly type: 'challengeAnswer'; readonly nonce: Nonce }
  /** Asks all on the segment whether they hear a node, `sought`, that the sender no longer hears. */
  | { readonly type: 'whoHears'; readonly sought: string; readonly nonce: Nonce }
  /** "I hear it there", `since` ago. */
  | { readonly type: 'heard'; readonly sought: string; readonly nonce: Nonce; readonly since: Millis }
  /** Tells the receiver that the sender does not hear it on the segment where the sender has this MAC. */
  | { readonly type: 'unheard'; readonly mac: Mac };
