import type { GroupAddress, GroupOrder, RemovedGroup } from '../../lib/group-order.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Millis } from '../../lib/time.ts';
import type { OwnershipBody, OwnershipMessage } from './message.ts';

/** A speaker that takes part, as memberlist or, without it, the API says. */
export type Member = {
  readonly node: string;
  /** Where its beacons may come from and go to. */
  readonly address: Ip | undefined;
  /** It speaks this protocol; a member of the original never beacons, and its silence says nothing. */
  readonly beacons: boolean;
};

/** An interface that addresses may be answered on. */
export type OwnershipLink = {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  readonly hasCarrier: boolean;
  /** This node's own addresses there, one of each family; IPv6 is link-local. */
  readonly ipv4: Ip | undefined;
  readonly ipv6: Ip | undefined;
};

/** What a diagnosis has found out about a silent owner on a segment. */
export type Finding =
  /** Its host said that nobody listens on the beacon port. That the speaker answered comes as a received message. */
  | 'portUnreachable'
  /** The kernel of its host answered ARP or a Neighbor Solicitation at the owner's own MAC. */
  | 'hostAnswers';

/** A frame that tells of somebody with an address of ours: ARP by its sender fields, Neighbor Discovery alike. */
export type Sighting = {
  readonly interface: number;
  readonly ip: Ip;
  readonly mac: Mac;
  /** `claim`: the host says that it has the address. `probe`: it asks whether anybody has (RFC 5227 section 2.1.1). */
  readonly kind: 'claim' | 'probe';
};

/** What can happen to the ownership machine of one speaker. `interface` is the index of a link. */
export type OwnershipEvent =
  /** A sealed message that was opened; undefined interface: by way of another network. Its own messages never come. */
  | {
      readonly type: 'received';
      readonly interface: number | undefined;
      readonly from: Ip;
      readonly message: OwnershipMessage;
    }
  /** All interfaces as they are now. */
  | { readonly type: 'links'; readonly links: readonly OwnershipLink[] }
  /** All members but this one; `isComplete` once everybody who is there has had time to be named. */
  | { readonly type: 'members'; readonly members: readonly Member[]; readonly isComplete: boolean }
  | { readonly type: 'groups'; readonly changed: readonly GroupOrder[]; readonly removed: readonly RemovedGroup[] }
  /** The main thread lives; its watches are current, or broken: then only what a dead owner held is taken over. */
  | { readonly type: 'mainAwake'; readonly isWatchCurrent: boolean }
  /** Hands groups over by planned moves: to the node named, else to the next candidate that lives. */
  | { readonly type: 'handOver'; readonly keys: readonly Ip[] | 'all'; readonly to: string | undefined }
  /** Ends: all is handed over; what is left after `by` is let go, and `ended` follows. */
  | { readonly type: 'leave'; readonly by: Millis }
  | { readonly type: 'diagnosed'; readonly node: string; readonly interface: number; readonly finding: Finding }
  | ({ readonly type: 'sighted' } & Sighting)
  /**
   * What `inspect` asked for: whether any frame of another host came on the interface since. True as soon as one came,
   * even after a false one; false after a second without.
   */
  | { readonly type: 'inspected'; readonly interface: number; readonly hasFrames: boolean }
  | { readonly type: 'timerDue' };

/** What the driver is asked to do next, in this order. It adds sender and sequence number to what is sent. */
export type OwnershipEffect =
  /** To everybody on the segment, or to one address; undefined interface: by whatever way leads there. */
  | {
      readonly type: 'send';
      readonly interface: number | undefined;
      readonly to: Ip | 'all';
      readonly body: OwnershipBody;
    }
  /** Answer for the addresses from now on, and announce them: all of them again where `isAgain`. */
  | {
      readonly type: 'answer';
      readonly key: Ip;
      readonly addresses: readonly GroupAddress[];
      readonly isAgain: boolean;
    }
  | { readonly type: 'silence'; readonly key: Ip; readonly addresses: readonly GroupAddress[] }
  /** Ask the beacon port (challenge with this nonce) and the kernel of a silent owner, once, at its own MAC. */
  | {
      readonly type: 'diagnose';
      readonly node: string;
      readonly interface: number;
      readonly address: Ip;
      readonly mac: Mac;
      readonly body: OwnershipBody;
    }
  /** Look for frames of other hosts; ask peers and gateway by ARP, so that there is something to hear. */
  | { readonly type: 'inspect'; readonly interface: number; readonly addresses: readonly Ip[] }
  /** Let frames about these addresses through the filter (`sighted`), though they are not answered. */
  | { readonly type: 'watch'; readonly addresses: readonly GroupAddress[] }
  | { readonly type: 'unwatch'; readonly addresses: readonly GroupAddress[] }
  /** One ARP probe or duplicate address detection solicitation on every interface of the address. */
  | { readonly type: 'probe'; readonly address: GroupAddress }
  /** One announcement that defends the address (RFC 5227 section 2.4 (c)). */
  | { readonly type: 'defend'; readonly address: GroupAddress; readonly interface: number }
  | { readonly type: 'report'; readonly report: OwnershipReport };

/** How a group came to its owner. */
export type Assumption = 'first' | 'crash' | 'planned' | 'orphaned';

/** What the main thread is told: for elections, statuses, events and metrics. */
export type OwnershipReport =
  /** Who owns the group now, as far as known; undefined: nobody alive. */
  | { readonly type: 'owner'; readonly key: Ip; readonly node: string | undefined; readonly epoch: bigint }
  /** This node answers for the group from now on. `took`: from the last sign of the owner before it, for a crash. */
  | { readonly type: 'owning'; readonly key: Ip; readonly how: Assumption; readonly took: Millis | undefined }
  | { readonly type: 'notOwning'; readonly key: Ip; readonly why: NotOwning }
  /** Another host has the address; `isDefended`: it came after us. Undefined mac: that is over. */
  | {
      readonly type: 'conflict';
      readonly key: Ip;
      readonly ip: Ip;
      readonly interface: number;
      readonly mac: Mac | undefined;
      readonly isDefended: boolean;
    }
  /** A member whose beacons are heard or not, and the interfaces it has. */
  | {
      readonly type: 'peer';
      readonly node: string;
      readonly isHeard: boolean;
      readonly interfaces: readonly string[];
    }
  /** A member has been silent for 10 s although gossip knows it. */
  | { readonly type: 'unheardMember'; readonly node: string; readonly isUnheard: boolean }
  /** Two living speakers have this node's name, or that of another. */
  | { readonly type: 'duplicateName'; readonly node: string; readonly addresses: readonly Ip[] }
  /** For counters. */
  | { readonly type: 'suspicion'; readonly node: string; readonly outcome: 'alive' | 'dead' | 'patience' }
  | { readonly type: 'beaconsLost'; readonly node: string; readonly count: number }
  /** The machine has left: nothing is answered any more. */
  | { readonly type: 'ended' };

export type NotOwning =
  | 'yielded'
  | 'handedOver'
  | 'released'
  | 'notCandidate'
  | 'noInterface'
  | 'isolated'
  | 'slept'
  | 'conflict';

/** The ownership machine of one speaker. Pure: time and randomness are arguments. */
export type Ownership = {
  /** Takes an event and gives what follows, in order. */
  readonly step: (event: OwnershipEvent, now: Millis) => readonly OwnershipEffect[];
  /** When `timerDue` has something to do. */
  readonly nextDeadline: () => Millis;
  /** Whether the group is owned and answered here. */
  readonly owns: (key: Ip) => boolean;
};

/** What a machine is made of. */
export type OwnershipOptions = {
  readonly node: string;
  readonly epoch: bigint;
  /** Gives random numbers of 64 bits, for nonces. */
  readonly random64: () => bigint;
  /** False without a key: there is no beacon, and the first candidate answers (after probes). */
  readonly hasBeacon: boolean;
  /** False: addresses are announced without asking first whether another host has them. */
  readonly isProbing: boolean;
};
