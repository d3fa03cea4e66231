import type { Ip } from '../../src/lib/ip.ts';
import type { Log } from '../../src/lib/log.ts';
import type { Clock } from '../../src/lib/time.ts';
import type { MemberlistConfig } from '../../src/proto/memberlist/config.ts';

/** A speaker that takes part. */
export type MembershipMember = {
  /** Name of its node. */
  readonly name: string;
  readonly address: Ip;
  /** `suspect`: it missed a probe, and may still refute; it counts as living. */
  readonly state: 'alive' | 'suspect';
  /** It carries our mark: false for a speaker of the original. */
  readonly isOurs: boolean;
};

/** Two living members go by one name. */
export type NameConflict = {
  readonly name: string;
  /** The one that stays a member, and the other. */
  readonly addresses: readonly [Ip, Ip];
};

export type MembershipOptions = {
  /** The name of this node. */
  readonly name: string;
  /** Bound for UDP and TCP, and told to others. */
  readonly bindAddress: Ip;
  /** 0: any free one. The other members must have the same, unless the configuration is a test's. */
  readonly port: number;
  /** The octets of the file `secretkey`, as they are; undefined: nothing is encrypted. */
  readonly secret: Uint8Array | undefined;
  readonly config: MemberlistConfig;
  readonly clock: Clock;
  readonly log: Log;
};

/** Membership of this speaker in the cluster, as the memberlist protocol has it. */
export type Membership = {
  /** UDP and TCP port bound. */
  readonly port: number;
  /** Living members by name, this node included. A new array after each change, the same one between. */
  readonly members: () => readonly MembershipMember[];
  /** Whether each address that `setPeers` gave last is a member's, or was tried in vain. False before `setPeers`. */
  readonly isComplete: () => boolean;
  /** Calls `listener` after `members` or `isComplete` changed; the returned function ends it. */
  readonly onChange: (listener: () => void) => () => void;
  /** Calls `listener` when two living members are found under one name, at most once a minute for the same two. */
  readonly onConflict: (listener: (conflict: NameConflict) => void) => () => void;
  /** Addresses of all speaker pods. Those that are no members are joined now and every minute. */
  readonly setPeers: (addresses: readonly Ip[]) => void;
  /** Exchanges states with each address; resolves with the number of those that answered, never rejects. */
  readonly join: (addresses: readonly Ip[]) => Promise<number>;
  /**
   * A new content of the file `secretkey`: accepted at once beside the one before, used for sending after 3 minutes;
   * the old one is accepted for 10 minutes.
   */
  readonly setSecret: (secret: Uint8Array) => void;
  /** Tells the others that this node leaves; resolves when one was told, or after 1 s. `close` is still to be called. */
  readonly leave: () => Promise<void>;
  /** Ends all timers, streams and sockets. */
  readonly close: () => Promise<void>;
};
