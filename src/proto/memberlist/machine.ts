import type { Ip } from '../../lib/ip.ts';
import type { Millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import type { MemberlistConfig } from './config.ts';
import type { PacketMessage, StreamMessage } from './message.ts';

/** What one member needs to know to take part. */
export type MemberlistOptions = {
  /** Its name, of which there must be no other. */
  readonly name: string;
  /** Where others reach it. */
  readonly endpoint: Endpoint;
  readonly config: MemberlistConfig;
  /** Gives numbers in [0, 1). */
  readonly random: () => number;
};

/** A living member, as others see it. */
export type Member = Endpoint & {
  readonly name: string;
  /** `suspect`: it missed a probe, and may still refute. */
  readonly state: 'alive' | 'suspect';
  /** It carries our mark. */
  readonly isOurs: boolean;
};

/** What can happen to a member. */
export type MemberlistEvent =
  /** The first event: it is alive, and its periodic tasks begin. */
  | { readonly type: 'start' }
  /** The messages of one packet, opened. */
  | { readonly type: 'packet'; readonly from: Endpoint; readonly messages: readonly PacketMessage[] }
  /** A message on a stream that the other side opened; is answered by `reply` or `refuse`. */
  | { readonly type: 'request'; readonly stream: number; readonly message: StreamMessage }
  /** The answer to an `exchange`, or why there is none. */
  | { readonly type: 'response'; readonly exchange: number; readonly message: StreamMessage }
  | { readonly type: 'failed'; readonly exchange: number; readonly problem: string }
  /** Exchange states with whoever is there; `joinEnded` with the same token says how it went. */
  | { readonly type: 'join'; readonly token: number; readonly to: Endpoint }
  /** Tell everybody that this member goes of its own will. */
  | { readonly type: 'leave' }
  | { readonly type: 'timerDue' };

/** What the driver is asked to do next, in this order. Octets are messages, still to be sealed. */
export type MemberlistEffect =
  | {
      readonly type: 'send';
      readonly to: Endpoint;
      readonly octets: Uint8Array;
      /** Whether the receiver understands a checksum. */
      readonly hasChecksum: boolean;
    }
  /** Open a stream, send the message, and report `response` or `failed`, the latter not after `deadline`. */
  | {
      readonly type: 'exchange';
      readonly exchange: number;
      readonly to: Endpoint;
      readonly octets: Uint8Array;
      readonly deadline: Millis;
    }
  /** Answer a request and close its stream, or close it without an answer. */
  | { readonly type: 'reply'; readonly stream: number; readonly octets: Uint8Array }
  | { readonly type: 'refuse'; readonly stream: number; readonly problem: string }
  | { readonly type: 'joinEnded'; readonly token: number; readonly problem: string | undefined }
  /** A member lives now, lives no longer, or another thing about it is new: state, address or mark. */
  | { readonly type: 'memberChanged'; readonly change: 'joined' | 'left' | 'updated'; readonly member: Member }
  /** Two endpoints answer to one name: the known one, which stays, and another. */
  | { readonly type: 'conflict'; readonly name: string; readonly addresses: readonly [Ip, Ip] }
  | { readonly type: 'report'; readonly report: Report };

/** What is worth a line in the log. */
export type Report =
  /** A probe failed here, or somebody else says so. */
  | { readonly reason: 'suspected'; readonly name: string; readonly by: string }
  /** The time of a suspicion ended here. */
  | { readonly reason: 'failed'; readonly name: string; readonly confirmations: number }
  /** Others held this member for failed, or knew an older life of it. */
  | { readonly reason: 'refuted'; readonly accusation: 'alive' | 'suspect' | 'dead'; readonly by: string | undefined }
  | { readonly reason: 'onlyTcp'; readonly name: string }
  | { readonly reason: 'addressTaken'; readonly name: string; readonly from: Ip; readonly to: Ip }
  | { readonly reason: 'incompatible'; readonly detail: string }
  | { readonly reason: 'exchangeFailed'; readonly to: Endpoint; readonly detail: string }
  | { readonly reason: 'tooManyMembers'; readonly name: string };

/** The protocol of one member. Pure: it has no clock, and randomness is given. */
export type Memberlist = {
  readonly step: (event: MemberlistEvent, now: Millis) => readonly MemberlistEffect[];
  /** When `timerDue` is to be fed next. */
  readonly nextDeadline: () => Millis | undefined;
  /** Living members, this one included, by name. */
  readonly members: () => readonly Member[];
};
