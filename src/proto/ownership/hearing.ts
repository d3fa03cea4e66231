import { createDeadlineQueue } from '../../lib/deadline-queue.ts';
import type { Ip } from '../../lib/ip.ts';
import { zeroMac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import type { Beacon } from './message.ts';
import type { Hearing, Peer, Peers } from './peers.ts';
import { createReplayWindow } from './replay-window.ts';
import { forEachDue } from './timers.ts';
import { gapMemory, inspectInterval, silentIntervals, silentIntervalsAtMost } from './timing.ts';

/** Who lives, interface by interface: takes what is heard, and says who has fallen silent. */
export type Hearings = {
  /** Notes a message of a peer; undefined if it was seen before and so counts for nothing. */
  readonly note: (peer: Peer, interfaceIndex: number | undefined, from: Ip, sequence: number) => Hearing | undefined;
  /** Takes what a beacon says of its sender and of whom it hears. */
  readonly takeBeacon: (hearing: Hearing, beacon: Beacon) => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type HearingPorts = {
  /** Whether anything can arrive there, or anywhere: without carrier, silence says nothing about others. */
  readonly canReceive: (interfaceIndex: number | undefined) => boolean;
  /** Comes with every message that counts, before it is looked at. */
  readonly onSignOfLife: (hearing: Hearing, wasHeard: boolean) => void;
  readonly onSilent: (hearing: Hearing) => void;
};

/** A list of so many names may have left out some. */
const longList = 128;

/** How long a hearing may be silent: three intervals, and more where its gaps say so. */
export const allowedSilence = ({ interval, gap, formerGap }: Hearing): Millis =>
  millis(
    Math.min(
      Math.max(silentIntervals * interval, Math.max(gap, formerGap) + interval),
      silentIntervalsAtMost * interval,
    ),
  );

/** Comparing sums of fractions needs a grain. */
const grain = 0.01;

/** Makes the hearing of one machine, whose node has this hash. */
export const createHearings = (context: Context, peers: Peers, ownHash: number, ports: HearingPorts): Hearings => {
  const watches = createDeadlineQueue<Hearing>();

  const newHearing = (peer: Peer, interfaceIndex: number | undefined, from: Ip): Hearing => {
    const hearing: Hearing = {
      peer,
      interface: interfaceIndex,
      window: createReplayWindow(),
      from,
      mac: zeroMac,
      ipv4: undefined,
      interval: millis(1000),
      heardAt: context.awake(),
      directAt: millis(-Infinity),
      isHeard: false,
      isByCopy: true,
      naming: 'unknown',
      gap: 0,
      formerGap: 0,
      gapsSince: context.awake(),
    };
    peer.hearings.push(hearing);
    return hearing;
  };

  const noteGap = (hearing: Hearing, silence: number): void => {
    const awake = context.awake();
    if (awake - hearing.gapsSince > gapMemory) {
      hearing.formerGap = hearing.gap;
      hearing.gap = 0;
      hearing.gapsSince = awake;
    }
    // What is longer than ever allowed was an absence and not a gap.
    if (silence <= silentIntervalsAtMost * hearing.interval) hearing.gap = Math.max(hearing.gap, silence);
    const lost = Math.round(silence / hearing.interval) - 1;
    if (lost > 0) context.report({ type: 'beaconsLost', node: hearing.peer.node, count: lost });
  };

  const noteNaming = (hearing: Hearing, beacon: Beacon): void => {
    const names = beacon.hears.length + beacon.hearsCopies.length;
    if (beacon.hears.includes(ownHash)) peers.setNaming(hearing, 'direct');
    else if (beacon.hearsCopies.includes(ownHash)) peers.setNaming(hearing, 'copies');
    else if (names < longList) peers.setNaming(hearing, names === 0 ? 'unknown' : 'not');
    else if (hearing.naming === 'unknown') peers.setNaming(hearing, 'unlisted');
  };

  const look = (hearing: Hearing): void => {
    const { peer } = hearing;
    // The interface may be gone; what matters then is whether the peer is heard on any other.
    const isGone = !peer.hearings.includes(hearing);
    if (peers.get(peer.node) !== peer || (isGone && peer.hearings.length > 0)) return;
    const remaining = allowedSilence(hearing) - (context.awake() - hearing.heardAt);
    if (remaining > grain) {
      watches.set(hearing, millis(context.now() + remaining));
      return;
    }
    if (!isGone) peers.setHeard(hearing, false);
    if (ports.canReceive(isGone ? undefined : hearing.interface)) ports.onSilent(hearing);
    else watches.set(hearing, millis(context.now() + inspectInterval));
  };

  return {
    note: (peer, interfaceIndex, from, sequence) => {
      if (peer.isLeaving) return undefined;
      const hearing =
        peer.hearings.find((known) => known.interface === interfaceIndex) ?? newHearing(peer, interfaceIndex, from);
      if (!hearing.window.accept(sequence)) return undefined;
      const wasHeard = hearing.isHeard;
      const silence = context.awake() - hearing.heardAt;
      // The time without carrier, or of one that was dead, is no gap.
      if ((wasHeard || peer.isSuspect) && silence > hearing.interval * 1.5) noteGap(hearing, silence);
      hearing.heardAt = context.awake();
      hearing.from = from;
      if (!wasHeard) {
        // What was known of the way to it and back is out of date.
        peers.setByCopy(hearing, true);
        peers.setNaming(hearing, 'unknown');
        peers.setHeard(hearing, true);
      }
      // Moved with every message, so that nobody is woken to look at those who are heard.
      watches.set(hearing, millis(context.now() + allowedSilence(hearing)));
      ports.onSignOfLife(hearing, wasHeard);
      return hearing;
    },
    takeBeacon: (hearing, beacon) => {
      hearing.mac = beacon.mac;
      hearing.ipv4 = beacon.ipv4;
      if (!beacon.isCopy) hearing.directAt = context.awake();
      peers.setByCopy(hearing, context.awake() - hearing.directAt > allowedSilence(hearing));
      // Copies may come more slowly than what is sent to all.
      if (!beacon.isCopy || hearing.isByCopy) {
        const former = hearing.interval;
        hearing.interval = beacon.interval;
        if (beacon.interval < former / 2) {
          // Gaps between much rarer beacons say nothing about these.
          hearing.gap = 0;
          hearing.formerGap = 0;
        }
        if (beacon.interval < former) watches.set(hearing, millis(context.now() + allowedSilence(hearing)));
      }
      noteNaming(hearing, beacon);
    },
    timerDue: () => forEachDue(watches, context.now(), look),
    nextDeadline: watches.next,
  };
};
