import type { Ip } from '../../lib/ip.ts';
import { zeroMac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { OwnershipLink } from './machine.ts';
import type { Beacon, BeaconInterface, Claim } from './message.ts';
import { cutClaims, roomForChanges, roomForNames } from './message-size.ts';
import { type Hearing, heardOn, type Peer, type Peers, type Segment } from './peers.ts';
import { beaconInterval, copyInterval, unheardCopyDelay, unheardCopyInterval } from './timing.ts';

/** What this speaker says of itself, when and to whom. */
export type Beacons = {
  /** A claim of this speaker has changed: said at the end of the step, and again in the next beacons. */
  readonly changed: (claim: Claim) => void;
  /** Something else has changed that others are to know at once. */
  readonly urge: () => void;
  /** Sends what has changed in this step. */
  readonly flush: () => void;
  /** Says good-bye to everybody. */
  readonly sendNow: () => void;
  /** Members have come that are not heard. */
  readonly expectMembers: () => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type BeaconPorts = {
  readonly self: Peer;
  readonly links: () => readonly OwnershipLink[];
  /** Addresses of members of which nothing is heard. */
  readonly unheardMembers: () => Iterable<Ip>;
};

/** In how many more beacons a change is said, after the first. */
const repeats = 2;

/** More changes than this are not repeated: whoever missed one sees it by the digest. */
const repeatedAtMost = 40;

/** Makes the beacons of one machine. */
export const createBeacons = (context: Context, peers: Peers, { self, ...ports }: BeaconPorts): Beacons => {
  const fresh = new Map<Ip, Claim>();
  const repeated = new Map<Ip, { readonly claim: Claim; left: number }>();
  let isUrged = false;
  let due: Millis | undefined;
  let copiesDue = millis(0);
  let unheardDue: Millis | undefined;
  /** Where the next full list of names begins. */
  let rotation = 0;

  const interval = (): Millis =>
    self.isOwner ? beaconInterval(true, peers.owners() + 1) : beaconInterval(false, peers.idle() + 1);

  const interfaces = (): readonly BeaconInterface[] =>
    ports
      .links()
      .slice(0, 16)
      .map(({ name, mac }) => ({ name, mac }));

  const hearsOn = (segment: Segment): NonNullable<Segment['hears']> => {
    if (segment.hears !== undefined) return segment.hears;
    const heard = [...segment.named];
    const most = roomForNames(interfaces());
    const isPartial = heard.length > most;
    const start = isPartial ? rotation % heard.length : 0;
    const named = isPartial ? [...heard.slice(start), ...heard.slice(0, start)].slice(0, most) : heard;
    const hears = {
      direct: named.filter(({ isByCopy }) => !isByCopy).map(({ peer }) => peer.hash),
      copies: named.filter(({ isByCopy }) => isByCopy).map(({ peer }) => peer.hash),
    };
    if (isPartial) rotation += most;
    else segment.hears = hears;
    return hears;
  };

  /** The beacon as it is said on one of our interfaces. */
  const bodyFor = (
    link: OwnershipLink | undefined,
    changes: readonly Claim[],
    copyEvery: Millis | undefined,
  ): Beacon => {
    const hears = hearsOn(peers.segment(link?.index));
    return {
      type: 'beacon',
      interval: copyEvery ?? interval(),
      isOwner: self.isOwner,
      isListening: self.isListening,
      isLeaving: self.isLeaving,
      isMainAwake: self.isMainAwake,
      digest: self.digest,
      mac: link?.mac ?? zeroMac,
      ipv4: link?.ipv4,
      ipv6: link?.ipv6,
      interfaces: interfaces(),
      isCopy: copyEvery !== undefined,
      hears: hears.direct,
      hearsCopies: hears.copies,
      changes,
    };
  };

  const receiversOfCopies = (): { readonly link: OwnershipLink | undefined; readonly hearing: Hearing }[] => [
    ...ports.links().flatMap((link) => [...peers.segment(link.index).copiesTo].map((hearing) => ({ link, hearing }))),
    ...[...peers.segment(undefined).copiesTo]
      .filter((hearing) => heardOn(hearing.peer) === hearing)
      .map((hearing) => ({ link: undefined, hearing })),
  ];

  const sendCopies = (changes: readonly Claim[]): void => {
    const receivers = receiversOfCopies();
    const every = copyInterval(interval(), peers.owners() + 1, receivers.length);
    copiesDue = millis(context.now() + every);
    for (const { link, hearing } of receivers) {
      context.send(link?.index, hearing.from, bodyFor(link, changes, every));
    }
  };

  const sendToAll = (changes: readonly Claim[]): void => {
    // Where there was no carrier, too: whoever sends asks for it each time, and so finds it early.
    for (const link of ports.links()) context.send(link.index, 'all', bodyFor(link, changes, undefined));
  };

  const room = (): number => {
    const names = Math.max(0, ...ports.links().map(({ index }) => peers.segment(index).named.size));
    return roomForChanges(interfaces(), Math.min(names, roomForNames(interfaces())));
  };

  /** What is said again in a regular beacon. */
  const takeRepeated = (): readonly Claim[] => {
    if (repeated.size === 0) return [];
    const changes = cutClaims(
      [...repeated.values()].map(({ claim }) => claim),
      room(),
    )[0]!;
    for (const { key } of changes) {
      const change = repeated.get(key)!;
      change.left -= 1;
      if (change.left <= 0) repeated.delete(key);
    }
    return changes;
  };

  const keepForRepeats = (): void => {
    for (const claim of fresh.values()) {
      if (repeated.size >= repeatedAtMost) break;
      repeated.set(claim.key, { claim, left: repeats });
    }
    fresh.clear();
  };

  const sendNow = (): void => {
    isUrged = false;
    for (const changes of cutClaims(fresh.values(), room())) {
      sendToAll(changes);
      sendCopies(changes);
    }
    keepForRepeats();
    due = millis(context.now() + interval());
  };

  const sendRegular = (): void => {
    const changes = takeRepeated();
    sendToAll(changes);
    // Half an interval early is nearer than half an interval late.
    if (copiesDue - context.now() < interval() / 2) sendCopies(changes);
    const every = interval();
    due = millis(Math.max(due!, context.now() - every) + every);
  };

  const sendToUnheard = (): void => {
    unheardDue = undefined;
    for (const address of ports.unheardMembers()) {
      context.send(undefined, address, bodyFor(undefined, [], unheardCopyInterval));
      unheardDue = millis(context.now() + unheardCopyInterval);
    }
  };

  return {
    changed: (claim) => {
      repeated.delete(claim.key);
      fresh.set(claim.key, claim);
    },
    urge: () => {
      isUrged = true;
    },
    flush: () => {
      if (context.options.hasBeacon && (isUrged || fresh.size > 0)) sendNow();
    },
    sendNow,
    expectMembers: () => {
      unheardDue ??= millis(context.now() + unheardCopyDelay);
    },
    timerDue: () => {
      if (due !== undefined && due <= context.now()) sendRegular();
      if (unheardDue !== undefined && unheardDue <= context.now()) sendToUnheard();
    },
    nextDeadline: () =>
      due === undefined || unheardDue === undefined ? (due ?? unheardDue) : millis(Math.min(due, unheardDue)),
  };
};
