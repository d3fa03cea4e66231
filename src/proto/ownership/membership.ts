import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Ip } from '../../lib/ip.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Member } from './machine.ts';
import { heardOn, type Peer, type Peers } from './peers.ts';
import { forEachDue } from './timers.ts';
import { unheardMemberTime } from './timing.ts';

/** Who should be heard, by what gossip or the API says, and who of them is not. */
export type Membership = {
  readonly set: (members: readonly Member[], isComplete: boolean) => void;
  readonly get: (node: string) => Member | undefined;
  readonly isComplete: () => boolean;
  /** There are members that speak this protocol, and members that do not. */
  readonly hasBeaconing: () => boolean;
  readonly hasForeign: () => boolean;
  /** All members that speak this protocol are heard, and all their claims known. */
  readonly isKnown: () => boolean;
  readonly unheardAddresses: () => Iterable<Ip>;
  readonly heard: (peer: Peer) => void;
  readonly unheard: (peer: Peer) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

/** Makes the membership of one machine. */
export const createMembership = (context: Context, peers: Peers): Membership => {
  let members = new Map<string, Member>();
  let isComplete = false;
  let beaconing = 0;
  const unheard = new Set<string>();
  const reported = new Set<string>();
  const reports = createDeadlineQueue<string>();

  const hear = (node: string): void => {
    unheard.delete(node);
    reports.delete(node);
    if (reported.delete(node)) context.report({ type: 'unheardMember', node, isUnheard: false });
  };

  const miss = (node: string): void => {
    if (unheard.has(node)) return;
    unheard.add(node);
    reports.set(node, millis(context.now() + unheardMemberTime));
  };

  const isHeard = (node: string): boolean => {
    const peer = peers.get(node);
    return peer !== undefined && heardOn(peer) !== undefined;
  };

  return {
    set: (list, complete) => {
      members = new Map(list.map((member) => [member.node, member]));
      isComplete = complete;
      beaconing = 0;
      for (const { node, beacons } of list) {
        if (!beacons) continue;
        beaconing += 1;
        if (!isHeard(node)) miss(node);
      }
      for (const node of unheard) if (members.get(node)?.beacons !== true) hear(node);
    },
    get: (node) => members.get(node),
    isComplete: () => isComplete,
    hasBeaconing: () => beaconing > 0,
    hasForeign: () => beaconing < members.size,
    isKnown: () => {
      if (!isComplete) return false;
      for (const { node, beacons } of members.values()) if (beacons && peers.get(node)?.isKnown !== true) return false;
      return true;
    },
    unheardAddresses: function* () {
      for (const node of unheard) {
        const address = members.get(node)?.address;
        if (address !== undefined) yield address;
      }
    },
    heard: ({ node }) => hear(node),
    unheard: ({ node }) => {
      if (members.get(node)?.beacons === true) miss(node);
    },
    timerDue: () =>
      forEachDue(reports, context.now(), (node) => {
        reported.add(node);
        context.report({ type: 'unheardMember', node, isUnheard: true });
      }),
    nextDeadline: reports.next,
  };
};
