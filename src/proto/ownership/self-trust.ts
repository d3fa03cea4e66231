import type { GroupAddress } from '../../lib/group-order.ts';
import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { OwnershipLink } from './machine.ts';
import type { Peers } from './peers.ts';
import { forEachDue } from './timers.ts';
import { inspectInterval, namingGrace } from './timing.ts';

/**
 * What this speaker's own side of a segment is worth. `asking`: no peer is heard there any more, and whether any frame
 * still comes is being found out. `isolated`: none does. `mute`: others are heard, who hear others but not this node.
 */
export type Verdict = 'good' | 'asking' | 'isolated' | 'mute' | 'down';

/** How well a group can be served here: on all its interfaces, on some, perhaps (once an answer is there), or on none. */
export type Fitness = 'full' | 'partial' | 'unknown' | 'none';

/** Whether this speaker can trust what it hears, and what it does not. */
export type SelfTrust = {
  /** False if nothing has changed. */
  readonly setLinks: (links: readonly OwnershipLink[]) => boolean;
  /** Whether there are members that would be heard if all was well. */
  readonly setExpecting: (isExpecting: boolean) => void;
  /** Somebody is heard there from now on, or not any more, or says of others whom it hears. */
  readonly heardChanged: (interfaceIndex: number | undefined) => void;
  /** A message of a peer has come by the interface. */
  readonly received: (interfaceIndex: number | undefined) => void;
  /** An owner has fallen silent there, and nobody else was heard since: perhaps nothing arrives. */
  readonly doubt: (interfaceIndex: number) => void;
  readonly inspected: (interfaceIndex: number, hasFrames: boolean) => void;
  readonly links: () => readonly OwnershipLink[];
  readonly linkOf: (interfaceIndex: number) => OwnershipLink | undefined;
  readonly verdictOn: (interfaceIndex: number) => Verdict;
  readonly fitnessFor: (addresses: readonly GroupAddress[]) => Fitness;
  /** Why the group cannot be served where its fitness is `none`. */
  readonly faultOf: (addresses: readonly GroupAddress[]) => 'noInterface' | 'isolated';
  /** Whether any interface can be used. */
  readonly isConnected: () => boolean;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

type Side = {
  link: OwnershipLink;
  upSince: Millis;
  /** A peer or a frame has come by it. */
  isUseful: boolean;
  wasNamed: boolean;
  /** What was found out while no peer is heard. */
  alone: 'asking' | 'frames' | 'isolated' | undefined;
  isMute: boolean;
};

/** Makes the self-trust of one machine; `onChanged` follows any change of a verdict or of links. */
export const createSelfTrust = (context: Context, peers: Peers, onChanged: () => void): SelfTrust => {
  const sides = new Map<number, Side>();
  const inspections = createDeadlineQueue<number>();
  let links: readonly OwnershipLink[] = [];
  let isExpecting = false;

  const verdict = ({ link, alone, isMute }: Side): Verdict => {
    if (!link.hasCarrier) return 'down';
    if (!context.options.hasBeacon) return 'good';
    if (isMute) return 'mute';
    return alone === undefined || alone === 'frames' ? 'good' : alone;
  };

  const inspect = (index: number): void => {
    const addresses = [...peers.all()].flatMap(({ hearings }) =>
      hearings.flatMap((hearing) => (hearing.interface === index && hearing.ipv4 !== undefined ? [hearing.ipv4] : [])),
    );
    context.emit({ type: 'inspect', interface: index, addresses: addresses.slice(0, 16) });
  };

  const startInspection = (index: number, side: Side): void => {
    if (side.alone !== undefined || !context.options.hasBeacon) return;
    side.alone = 'asking';
    inspect(index);
  };

  /** Judges one side anew. */
  const judge = (index: number, side: Side): void => {
    const before = verdict(side);
    const { heard, naming, denying } = peers.segment(index);
    if (heard.size > 0) side.isUseful = true;
    if (naming > 0) side.wasNamed = true;
    if (!isExpecting || !side.link.hasCarrier) {
      side.alone = undefined;
      inspections.delete(index);
    } else if (heard.size === 0) startInspection(index, side);
    const isPatient = !side.wasNamed && context.now() - side.upSince < namingGrace;
    side.isMute = naming === 0 && denying > 0 && !isPatient;
    if (verdict(side) !== before) onChanged();
  };

  const sidesOf = (addresses: readonly GroupAddress[]): readonly Side[] => {
    const isEvery = addresses.some(({ interfaces }) => interfaces === undefined);
    const all = [...sides.values()];
    return isEvery
      ? all
      : all.filter(({ link }) => addresses.some(({ interfaces }) => interfaces!.includes(link.name)));
  };

  return {
    setLinks: (current) => {
      if (current.length === links.length && current.every((link, index) => isSameLink(link, links[index]!)))
        return false;
      links = current;
      for (const index of sides.keys()) {
        if (current.some((link) => link.index === index)) continue;
        sides.delete(index);
        inspections.delete(index);
        peers.removeSegment(index);
      }
      for (const link of current) {
        const side = sides.get(link.index);
        const isUp = link.hasCarrier && side?.link.hasCarrier !== true;
        if (side === undefined) {
          const fresh = { link, upSince: context.now(), isUseful: false, wasNamed: false, isMute: false };
          sides.set(link.index, { ...fresh, alone: undefined });
        } else {
          side.link = link;
          if (isUp) {
            side.upSince = context.now();
            side.wasNamed = false;
          }
        }
        judge(link.index, sides.get(link.index)!);
      }
      onChanged();
      return true;
    },
    setExpecting: (isNow) => {
      if (isExpecting === isNow) return;
      isExpecting = isNow;
      for (const [index, side] of sides) judge(index, side);
    },
    heardChanged: (index) => {
      const side = index === undefined ? undefined : sides.get(index);
      if (side !== undefined) judge(index!, side);
    },
    received: (index) => {
      const side = index === undefined ? undefined : sides.get(index);
      if (side?.alone === undefined) return;
      const before = verdict(side);
      side.alone = undefined;
      inspections.delete(index!);
      if (verdict(side) !== before) onChanged();
    },
    doubt: (index) => {
      const side = sides.get(index);
      if (side === undefined) return;
      const before = verdict(side);
      startInspection(index, side);
      if (verdict(side) !== before) onChanged();
    },
    inspected: (index, hasFrames) => {
      const side = sides.get(index);
      if (side?.alone === undefined) return;
      const before = verdict(side);
      side.alone = hasFrames ? 'frames' : 'isolated';
      if (hasFrames) {
        side.isUseful = true;
        inspections.set(index, millis(context.now() + inspectInterval));
      }
      if (verdict(side) !== before) onChanged();
    },
    links: () => links,
    linkOf: (index) => sides.get(index)?.link,
    verdictOn: (index) => {
      const side = sides.get(index);
      return side === undefined ? 'down' : verdict(side);
    },
    fitnessFor: (addresses) => {
      let good = 0;
      let asking = 0;
      let lost = 0;
      for (const side of sidesOf(addresses)) {
        const is = verdict(side);
        if (is === 'good') good += 1;
        else if (is === 'asking') asking += 1;
        else if (side.isUseful) lost += 1;
      }
      if (good === 0) return asking > 0 ? 'unknown' : 'none';
      return lost > 0 ? 'partial' : 'full';
    },
    faultOf: (addresses) => (sidesOf(addresses).some(({ link }) => link.hasCarrier) ? 'isolated' : 'noInterface'),
    isConnected: () => [...sides.values()].some((side) => verdict(side) !== 'down' && verdict(side) !== 'isolated'),
    timerDue: () => forEachDue(inspections, context.now(), inspect),
    nextDeadline: inspections.next,
  };
};

const isSameLink = (a: OwnershipLink, b: OwnershipLink): boolean =>
  a.index === b.index &&
  a.name === b.name &&
  a.mac === b.mac &&
  a.hasCarrier === b.hasCarrier &&
  a.ipv4 === b.ipv4 &&
  a.ipv6 === b.ipv6;
