import type { Millis } from '../../lib/time.ts';
import type { Endpoint } from './address.ts';
import type { Versions } from './iana.ts';
import type { Alive, NodeState } from './message.ts';
import type { SuspicionTimes } from './timing.ts';

/** A suspicion that runs. */
export type Suspicion = {
  readonly since: Millis;
  readonly times: SuspicionTimes;
  /** Who has said so; the first is not counted as a confirmation. */
  readonly from: Set<string>;
  /** Its end, in the queue of deadlines. */
  readonly timer: { readonly run: () => void };
};

/** What is known of a node, this one included. */
export type MemberRecord = {
  readonly name: string;
  endpoint: Endpoint;
  meta: Uint8Array;
  versions: Versions;
  incarnation: number;
  state: NodeState['state'];
  changedAt: Millis;
  suspicion: Suspicion | undefined;
  /** Another endpoint that answers to the name while the known one does not: it takes over when that one is dead. */
  heir: Alive | undefined;
};

/** Whether a record is that of a member: neither dead nor left. */
export const isLiving = ({ state }: MemberRecord): boolean => state === 'alive' || state === 'suspect';

/** All nodes known, in an order that is random and serves for the round of probes. */
export type MemberTable = {
  readonly get: (name: string) => MemberRecord | undefined;
  readonly all: () => readonly MemberRecord[];
  readonly size: () => number;
  /** Adds a record at a random place of the order, so that the time until its first probe is even. */
  readonly add: (record: MemberRecord) => void;
  /** Removes what `isGone` and puts the rest in a new random order. */
  readonly reshuffle: (isGone: (record: MemberRecord) => boolean) => void;
  /** Up to `count` different records that are `wanted`, at random. */
  readonly pick: (count: number, wanted: (record: MemberRecord) => boolean) => readonly MemberRecord[];
};

/** Makes an empty table. `random` gives numbers in [0, 1). */
export const createMemberTable = (random: () => number): MemberTable => {
  const byName = new Map<string, MemberRecord>();
  let order: MemberRecord[] = [];
  const below = (limit: number): number => Math.floor(random() * limit);
  /** Brings `count` random elements to the front (Fisher and Yates). */
  const shuffle = (records: MemberRecord[], count: number): void => {
    for (let i = 0; i < count; i++) {
      const other = i + below(records.length - i);
      [records[i], records[other]] = [records[other]!, records[i]!];
    }
  };
  return {
    get: (name) => byName.get(name),
    all: () => order,
    size: () => order.length,
    add: (record) => {
      byName.set(record.name, record);
      order.push(record);
      const last = order.length - 1;
      const place = below(order.length);
      [order[place], order[last]] = [order[last]!, order[place]!];
    },
    reshuffle: (isGone) => {
      order = order.filter((record) => {
        if (!isGone(record)) return true;
        byName.delete(record.name);
        return false;
      });
      shuffle(order, order.length);
    },
    pick: (count, wanted) => {
      const candidates = order.filter(wanted);
      const picked = Math.min(count, candidates.length);
      shuffle(candidates, picked);
      return candidates.slice(0, picked);
    },
  };
};
