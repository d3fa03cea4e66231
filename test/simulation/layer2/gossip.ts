import type { Member } from '../../../src/proto/ownership/machine.ts';
import type { Random } from '../random.ts';
import type { MainThread } from './main-thread.ts';
import type { VirtualTime } from './virtual-time.ts';

/** What memberlist tells of the others, with delays as memberlist has them. */
export type Gossip = {
  /** Something changed that may make members reach each other, or no longer. */
  readonly update: () => void;
  /** A speaker has started and joins. */
  readonly join: (name: string) => void;
  /** A speaker has said that it leaves. */
  readonly leave: (name: string) => void;
  /** The gossip port is filtered: everybody loses sight of everybody; or nobody notices anything any more. */
  state: 'working' | 'blocked' | 'frozen';
};

/** A speaker as gossip knows it. */
export type Gossiper = {
  readonly member: Member;
  readonly main: MainThread;
  /** Its process, with its main thread, can answer. */
  readonly isAwake: () => boolean;
};

export const createGossip = (
  time: VirtualTime,
  random: Random,
  gossipers: ReadonlyMap<string, Gossiper>,
  isConnected: (a: string, b: string) => boolean,
): Gossip => {
  /** From silence to the news that a member is dead: probes, suspicion (longer in a large cluster), and its spreading. */
  const detection = (): number => 2500 + random.next() * 3000 * Math.max(1, Math.log10(gossipers.size));
  const arrival = (): number => 100 + random.next() * 1000;

  const isReachable = (name: string, other: string): boolean =>
    gossip.state !== 'blocked' && gossipers.get(other)!.isAwake() && isConnected(name, other);

  /** Lets one speaker learn of those that it can reach, or cannot reach, as it is now. */
  const learn = (name: string, what: 'arrivals' | 'losses', isFirst = false): void => {
    const self = gossipers.get(name);
    if (self === undefined || !self.isAwake() || gossip.state === 'frozen') return;
    const known = new Set(self.main.members().map(({ node }) => node));
    const members: Member[] = [];
    for (const [other, { member }] of gossipers) {
      if (other === name) continue;
      const isMember =
        what === 'arrivals'
          ? known.has(other) || isReachable(name, other)
          : known.has(other) && isReachable(name, other);
      if (isMember) members.push(member);
    }
    if (isFirst || members.length !== known.size) self.main.onMembers(members, true);
  };

  /** Speakers that will look for others anyway. */
  const isPlanned = { arrivals: new Set<string>(), losses: new Set<string>() };

  const plan = (name: string, what: 'arrivals' | 'losses', delay: number): void => {
    if (isPlanned[what].has(name)) return;
    isPlanned[what].add(name);
    time.after(delay, () => {
      isPlanned[what].delete(name);
      learn(name, what);
    });
  };

  const gossip: Gossip = {
    update: () => {
      for (const name of gossipers.keys()) {
        // A loss is noticed some time after it, however many others are being looked at.
        time.after(detection(), () => learn(name, 'losses'));
        plan(name, 'arrivals', arrival());
      }
    },
    join: (name) => {
      time.after(50 + random.next() * 200, () => learn(name, 'arrivals', true));
      for (const other of gossipers.keys()) if (other !== name) plan(other, 'arrivals', arrival());
    },
    leave: () => {
      for (const other of gossipers.keys()) plan(other, 'losses', 100 + random.next() * 300);
    },
    state: 'working',
  };
  return gossip;
};
