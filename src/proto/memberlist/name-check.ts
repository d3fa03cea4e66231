import { type Millis, seconds } from '../../lib/time.ts';
import { isSameEndpoint } from './address.ts';
import { after, type Core, emit, isSelf, nextSequence, ownSource, sendMessage, type Timer } from './core.ts';
import type { Alive } from './message.ts';
import { isLiving, type MemberRecord } from './member-table.ts';

/**
 * What is done about a second endpoint that goes by the name of a living member. The library only logs it, and cannot
 * say which of the two is there. Here both are asked at once:
 * - both answer: two members have one name, which is reported; the known one stays.
 * - only the other answers: the member has moved, and is not known to be dead yet. It is suspected at once, and the
 *   other takes its place the moment it is dead.
 * - else the message was about an older life, and is dropped.
 */
export type NameChecks = { readonly begin: (record: MemberRecord, other: Alive) => void };

/** A name is not asked again sooner: its messages come in by many ways. */
const pause = seconds(10);

/** The same conflict is not reported again sooner. */
const reportPause = seconds(60);

/** Names asked about at a time, and conflicts remembered. */
const maxChecks = 64;

/** `suspect` begins a suspicion of a member by this one. */
export const createNameChecks = (core: Core, suspect: (record: MemberRecord) => void): NameChecks => {
  /** When each name may be asked about again, and each conflict reported. */
  const asked = new Map<string, Millis>();
  const reported = new Map<string, Millis>();

  const mayAgain = (times: Map<string, Millis>, key: string, wait: Millis): boolean => {
    for (const [each, at] of times) if (at + wait <= core.now) times.delete(each);
    if (times.has(key) || times.size >= maxChecks) return false;
    times.set(key, core.now);
    return true;
  };

  const conclude = (record: MemberRecord, other: Alive, isThere: boolean, isOtherThere: boolean): void => {
    if (!isOtherThere || isSameEndpoint(record.endpoint, other) || !isLiving(record)) return;
    const { name, endpoint } = record;
    if (!isThere) {
      record.heir = other;
      suspect(record);
    } else if (mayAgain(reported, `${name} ${other.address}:${other.port}`, reportPause)) {
      emit(core, { type: 'conflict', name, addresses: [endpoint.address, other.address] });
    }
  };

  return {
    begin: (record, other) => {
      if (!mayAgain(asked, record.name, pause)) return;
      const { name, endpoint } = record;
      const answered = { known: isSelf(core, name), other: false };
      const sequences: number[] = [];
      const ask = (who: keyof typeof answered, to: Alive | MemberRecord['endpoint']): void => {
        const sequence = nextSequence(core);
        sequences.push(sequence);
        core.acks.set(sequence, { onAck: () => void (answered[who] = true) });
        sendMessage(core, to, { type: 'ping', sequence, node: name, source: ownSource(core) });
      };
      if (!answered.known) ask('known', endpoint);
      ask('other', { address: other.address, port: other.port });
      const timer: Timer = {
        run: () => {
          for (const sequence of sequences) core.acks.delete(sequence);
          conclude(record, other, answered.known, answered.other);
        },
      };
      after(core, core.options.config.probeTimeout, timer);
    },
  };
};
