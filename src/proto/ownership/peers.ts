import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import type { Millis } from '../../lib/time.ts';
import { nodeHash } from './digest.ts';
import type { BeaconInterface, Claim, Epoch } from './message.ts';
import type { ReplayWindow } from './replay-window.ts';

/** A speaker of one epoch that has proven to be alive once; this speaker itself is one, too. */
export type Peer = {
  readonly node: string;
  readonly epoch: Epoch;
  readonly hash: number;
  /** `silent`: it owned nothing when it was last heard, or has left; `dead`: an owner after its diagnosis. */
  life: 'alive' | 'silent' | 'dead';
  isSuspect: boolean;
  isOwner: boolean;
  isListening: boolean;
  isLeaving: boolean;
  isMainAwake: boolean;
  interfaces: readonly BeaconInterface[];
  /** One for each interface of ours on which it has been heard. */
  readonly hearings: Hearing[];
  readonly claims: Map<Ip, Claim>;
  /** Over `claims`. */
  digest: number;
  /** All its claims have been known at some time. */
  isKnown: boolean;
  /** The main thread has been told that it lives. */
  isReported: boolean;
};

/** How one peer is heard on one interface of ours; undefined interface: by way of another network. */
export type Hearing = {
  readonly peer: Peer;
  readonly interface: number | undefined;
  readonly window: ReplayWindow;
  /** Where its messages come from. */
  from: Ip;
  /** What its latest beacon says of its side. */
  mac: Mac;
  ipv4: Ip | undefined;
  interval: Millis;
  /** Awake time of its latest message, and of the latest beacon that was not a copy. */
  heardAt: Millis;
  directAt: Millis;
  isHeard: boolean;
  /** Only copies arrive. */
  isByCopy: boolean;
  /**
   * Whether it hears us there: what we send to all, or copies. `unknown`: it has said nothing yet, or hears nobody;
   * `unlisted`: its list is so long that some are left out.
   */
  naming: 'direct' | 'copies' | 'not' | 'unknown' | 'unlisted';
  /** The longest gaps between its beacons in this stretch of time, and in the one before. */
  gap: number;
  formerGap: number;
  gapsSince: Millis;
};

/** Our side of a segment; undefined interface: whoever is reached by way of other networks. */
export type Segment = {
  readonly interface: number | undefined;
  readonly heard: Set<Hearing>;
  /** Those that our beacons name there: all that are heard, and owners while it is being found out whether they live. */
  readonly named: Set<Hearing>;
  /** How many of those name us, and how many name others only. */
  naming: number;
  denying: number;
  /** Those that do not hear what we send to all. */
  readonly copiesTo: Set<Hearing>;
  /** What our beacons say there; made anew after a change. */
  hears: { readonly direct: readonly number[]; readonly copies: readonly number[] } | undefined;
};

/** All peers of one machine, and who is heard where. */
export type Peers = {
  readonly get: (node: string) => Peer | undefined;
  readonly all: () => Iterable<Peer>;
  /** Adds a peer, in place of an older epoch of its node. */
  readonly add: (peer: Peer) => void;
  readonly remove: (peer: Peer) => void;
  readonly segment: (interfaceIndex: number | undefined) => Segment;
  /** Forgets an interface, with all that was heard there. */
  readonly removeSegment: (interfaceIndex: number) => void;
  /** Who is heard is named; who is not heard any more is named until that is ended. */
  readonly setHeard: (hearing: Hearing, isHeard: boolean) => void;
  readonly setNamed: (hearing: Hearing, isNamed: boolean) => void;
  readonly setNaming: (hearing: Hearing, naming: Hearing['naming']) => void;
  readonly setByCopy: (hearing: Hearing, isByCopy: boolean) => void;
  readonly setLife: (peer: Peer, life: Peer['life']) => void;
  readonly setOwner: (peer: Peer, isOwner: boolean) => void;
  /** False if these are known. */
  readonly setInterfaces: (peer: Peer, interfaces: readonly BeaconInterface[]) => boolean;
  /** How many living peers own groups, and how many do not. */
  readonly owners: () => number;
  readonly idle: () => number;
  /** Whether an interface of a peer has this MAC. */
  readonly hasMac: (mac: Mac) => boolean;
};

/** A peer of which nothing is known yet. */
export const newPeer = (node: string, epoch: Epoch): Peer => ({
  node,
  epoch,
  hash: nodeHash(node),
  life: 'alive',
  isSuspect: false,
  isOwner: false,
  isListening: true,
  isLeaving: false,
  isMainAwake: true,
  interfaces: [],
  hearings: [],
  claims: new Map(),
  digest: 0,
  isKnown: false,
  isReported: false,
});

/** The interface on which a peer is heard now; one of a segment before another network. */
export const heardOn = (peer: Peer): Hearing | undefined =>
  peer.hearings.find((hearing) => hearing.isHeard && hearing.interface !== undefined) ??
  peer.hearings.find((hearing) => hearing.isHeard);

/** When a peer was last heard, in awake time. */
export const lastHeard = (peer: Peer): number => Math.max(...peer.hearings.map((hearing) => hearing.heardAt));

/** Makes an empty set of peers. */
export const createPeers = (): Peers => {
  const byNode = new Map<string, Peer>();
  const segments = new Map<number | undefined, Segment>();
  const macs = new Map<Mac, number>();
  /** Living peers, counted as what they were when they were last looked at. */
  const counted = new Map<Peer, 'owner' | 'idle'>();
  let owners = 0;

  const recount = (peer: Peer): void => {
    if (counted.get(peer) === 'owner') owners -= 1;
    if (peer.life === 'alive' && byNode.get(peer.node) === peer) {
      counted.set(peer, peer.isOwner ? 'owner' : 'idle');
      if (peer.isOwner) owners += 1;
    } else counted.delete(peer);
  };

  const segment = (interfaceIndex: number | undefined): Segment => {
    let found = segments.get(interfaceIndex);
    if (found === undefined) {
      found = {
        interface: interfaceIndex,
        heard: new Set(),
        named: new Set(),
        naming: 0,
        denying: 0,
        copiesTo: new Set(),
        hears: undefined,
      };
      segments.set(interfaceIndex, found);
    }
    return found;
  };

  /** Takes a hearing out of, or into, what its segment counts. */
  const count = (hearing: Hearing, by: 1 | -1): void => {
    if (!hearing.isHeard) return;
    const on = segment(hearing.interface);
    if (hearing.naming === 'direct' || hearing.naming === 'copies') on.naming += by;
    if (hearing.naming === 'not') on.denying += by;
    if (by < 0 || hearing.naming === 'direct' || hearing.naming === 'unlisted') on.copiesTo.delete(hearing);
    else on.copiesTo.add(hearing);
  };

  const countMacs = (peer: Peer, by: 1 | -1): void => {
    for (const { mac } of peer.interfaces) {
      const count = (macs.get(mac) ?? 0) + by;
      if (count > 0) macs.set(mac, count);
      else macs.delete(mac);
    }
  };

  const setNamed: Peers['setNamed'] = (hearing, isNamed) => {
    const on = segment(hearing.interface);
    if (on.named.has(hearing) === isNamed) return;
    if (isNamed) on.named.add(hearing);
    else on.named.delete(hearing);
    on.hears = undefined;
  };

  const setHeard: Peers['setHeard'] = (hearing, isHeard) => {
    if (hearing.isHeard === isHeard) return;
    const on = segment(hearing.interface);
    count(hearing, -1);
    hearing.isHeard = isHeard;
    count(hearing, 1);
    if (isHeard) {
      on.heard.add(hearing);
      setNamed(hearing, true);
    } else on.heard.delete(hearing);
  };

  const remove = (peer: Peer): void => {
    if (byNode.get(peer.node) !== peer) return;
    byNode.delete(peer.node);
    for (const hearing of peer.hearings) {
      setHeard(hearing, false);
      setNamed(hearing, false);
    }
    countMacs(peer, -1);
    recount(peer);
  };

  return {
    get: (node) => byNode.get(node),
    all: () => byNode.values(),
    add: (peer) => {
      const former = byNode.get(peer.node);
      if (former !== undefined) remove(former);
      byNode.set(peer.node, peer);
      recount(peer);
    },
    remove,
    segment,
    removeSegment: (interfaceIndex) => {
      segments.delete(interfaceIndex);
      for (const { hearings } of byNode.values()) {
        const index = hearings.findIndex((hearing) => hearing.interface === interfaceIndex);
        if (index >= 0) hearings.splice(index, 1);
      }
    },
    setHeard,
    setNamed,
    setNaming: (hearing, naming) => {
      if (hearing.naming === naming) return;
      count(hearing, -1);
      hearing.naming = naming;
      count(hearing, 1);
    },
    setByCopy: (hearing, isByCopy) => {
      if (hearing.isByCopy === isByCopy) return;
      hearing.isByCopy = isByCopy;
      segment(hearing.interface).hears = undefined;
    },
    setLife: (peer, life) => {
      peer.life = life;
      recount(peer);
    },
    setOwner: (peer, isOwner) => {
      if (peer.isOwner === isOwner) return;
      peer.isOwner = isOwner;
      recount(peer);
    },
    setInterfaces: (peer, interfaces) => {
      if (isSame(peer.interfaces, interfaces)) return false;
      countMacs(peer, -1);
      peer.interfaces = interfaces;
      countMacs(peer, 1);
      return true;
    },
    owners: () => owners,
    idle: () => counted.size - owners,
    hasMac: (mac) => macs.has(mac),
  };
};

const isSame = (a: readonly BeaconInterface[], b: readonly BeaconInterface[]): boolean =>
  a.length === b.length && a.every(({ name, mac }, index) => name === b[index]!.name && mac === b[index]!.mac);
