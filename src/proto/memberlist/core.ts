import { createDeadlineQueue, type DeadlineQueue } from '../../lib/deadline-queue.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import { type Broadcasts, createBroadcasts } from './broadcasts.ts';
import { compoundOverhead, joinMessages, maxParts } from './compound.ts';
import { encryptionOverhead } from './encryption.ts';
import { sinceVersion } from './iana.ts';
import type { MemberlistEffect, MemberlistOptions, Report } from './machine.ts';
import { createMemberTable, type MemberRecord, type MemberTable } from './member-table.ts';
import { encodeMessage, type PacketMessage, type PingSource, type User } from './message.ts';
import { retransmitLimit } from './timing.ts';

/** What runs when its deadline comes. */
export type Timer = { readonly run: () => void };

/** Who waits for the answer to a ping. */
export type AckHandler = { readonly onAck: () => void; readonly onNack?: () => void };

/** What the parts of the protocol share. */
export type Core = {
  readonly options: MemberlistOptions;
  readonly table: MemberTable;
  readonly broadcasts: Broadcasts;
  readonly timers: DeadlineQueue<Timer>;
  /** By sequence number of the ping. */
  readonly acks: Map<number, AckHandler>;
  /** What the current step has come to. */
  effects: MemberlistEffect[];
  /** The time of the current step. */
  now: Millis;
  /** 0 is well; each point makes probes wait one interval longer. */
  health: number;
  /** The last sequence number given to a ping or an exchange. */
  sequence: number;
  hasLeft: boolean;
};

export const createCore = (options: MemberlistOptions): Core => ({
  options,
  table: createMemberTable(options.random),
  broadcasts: createBroadcasts(),
  timers: createDeadlineQueue(),
  acks: new Map(),
  effects: [],
  now: millis(0),
  health: 0,
  sequence: 0,
  hasLeft: false,
});

export const emit = (core: Core, effect: MemberlistEffect): void => void core.effects.push(effect);

export const report = (core: Core, what: Report): void => emit(core, { type: 'report', report: what });

export const after = (core: Core, delay: Millis, timer: Timer): void =>
  core.timers.set(timer, millis(core.now + delay));

/** A number for a ping or an exchange: never 0, and no other in use. */
export const nextSequence = (core: Core): number => {
  do core.sequence = core.sequence === 0xffff_ffff ? 1 : core.sequence + 1;
  while (core.acks.has(core.sequence));
  return core.sequence;
};

/** Makes this member trust itself less (positive) or more. */
export const adjustHealth = (core: Core, change: number): void => {
  const worst = Math.max(0, core.options.config.awarenessMaxMultiplier - 1);
  core.health = Math.min(worst, Math.max(0, core.health + change));
};

export const isSelf = (core: Core, name: string): boolean => name === core.options.name;

/** How this member signs its pings. */
export const ownSource = ({ options }: Core): PingSource => ({ ...options.endpoint, node: options.name });

/** What a packet may hold beside the headers of compound message, checksum and encryption. */
const room = (core: Core): number =>
  core.options.config.udpBufferSize - compoundOverhead.header - encryptionOverhead - checksumOverhead;

const checksumOverhead = 5;

const takeBroadcasts = (core: Core, octets: number): readonly Uint8Array[] => {
  const limit = retransmitLimit(core.options.config, core.table.size());
  return core.broadcasts.take(octets, compoundOverhead.part, maxParts - 1, limit);
};

/** Sends a message, and what is to be gossiped with it if there is room. */
export const sendMessage = (core: Core, to: Endpoint, message: Exclude<PacketMessage, User>): void => {
  const octets = encodeMessage(message);
  const gossip = takeBroadcasts(core, room(core) - compoundOverhead.part - octets.length);
  emit(core, { type: 'send', to, octets: joinMessages([octets, ...gossip]), hasChecksum: false });
};

/** Sends encoded messages to a member in one packet. */
export const sendParts = (core: Core, to: MemberRecord, parts: readonly Uint8Array[]): void => {
  const hasChecksum = to.versions[1] >= sinceVersion.checksum;
  emit(core, { type: 'send', to: to.endpoint, octets: joinMessages(parts), hasChecksum });
};

/** Sends a member as much gossip as fits into one packet; false when there is none. */
export const sendGossip = (core: Core, to: MemberRecord): boolean => {
  const parts = takeBroadcasts(core, room(core));
  if (parts.length > 0) sendParts(core, to, parts);
  return parts.length > 0;
};
