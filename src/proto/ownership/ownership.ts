import type { Ip } from '../../lib/ip.ts';
import type { Mac } from '../../lib/mac.ts';
import { type Millis, millis } from '../../lib/time.ts';
import { createAdmission } from './admission.ts';
import { createBeacons } from './beacons.ts';
import { createClaimExchange } from './claim-exchange.ts';
import { createClaims } from './claims.ts';
import { createContext } from './context.ts';
import { createDefence } from './defence.ts';
import { createDeparture } from './departure.ts';
import { createFirstAnnouncements } from './first-announcement.ts';
import type { Group, Standing } from './group.ts';
import { createGroups, type Groups } from './groups.ts';
import { createHearings } from './hearing.ts';
import { createHoldings } from './holdings.ts';
import { createListening } from './listening.ts';
import type { Ownership, OwnershipEffect, OwnershipEvent, OwnershipOptions, Sighting } from './machine.ts';
import { createMembership } from './membership.ts';
import { createPeers, type Hearing, heardOn, lastHeard, newPeer, type Peer } from './peers.ts';
import { createPlannedMoves } from './planned-moves.ts';
import { createReception } from './reception.ts';
import { createSelfTrust } from './self-trust.ts';
import { createSuspicions } from './suspicions.ts';
import { askedPeers, mainSilence, peerMemory, sleepTime } from './timing.ts';

/**
 * Makes the ownership machine of one speaker: who answers for which group of addresses, so that one node always does. It
 * is put together here; each part keeps one kind of knowledge and is told about the others' by calls.
 */
export const createOwnership = (options: OwnershipOptions): Ownership => {
  const { node, hasBeacon } = options;
  const context = createContext(options);
  const self = newPeer(node, options.epoch);
  self.isListening = hasBeacon;
  const peers = createPeers();
  const membership = createMembership(context, peers);
  const trust = createSelfTrust(context, peers, () => trustChanged());
  const claims = createClaims(context, {
    onChanged: (ownable) => groups.changed(ownable),
    onContested: (ownable) => {
      const group = groups.get(ownable.key);
      if (group !== undefined) holdings.reassert(group, ownable);
    },
  });
  const listening = createListening(context, peers, membership.isKnown, () => listeningOver());
  const exchange = createClaimExchange(context, claims, listening.check);
  const admission = createAdmission(context, peers, {
    addressOf: (name) => membership.get(name)?.address,
    onAdmitted: (_peer, former) => {
      if (former === undefined) return;
      suspicions.forget(former);
      exchange.forget(former);
      claims.voidAll(former);
    },
  });
  const hearings = createHearings(context, peers, self.hash, {
    canReceive: (index) => (index === undefined ? trust.isConnected() : trust.linkOf(index)?.hasCarrier === true),
    onSignOfLife: (hearing, wasHeard) => signOfLife(hearing, wasHeard),
    onSilent: (hearing) => fellSilent(hearing),
  });
  const suspicions = createSuspicions(context, {
    macOf: (index) => trust.linkOf(index)?.mac,
    hearsOthers: (index, than, since = millis(-Infinity)) => {
      for (const { peer, heardAt } of peers.segment(index).heard) if (peer !== than && heardAt > since) return true;
      return false;
    },
    doubtSelf: (index) => doubtSelf(index),
    unname: (hearing) => peers.setNamed(hearing, false),
    onDead: (peer) => lost(peer, 'dead'),
  });
  const beacons = createBeacons(context, peers, {
    self,
    links: trust.links,
    unheardMembers: membership.unheardAddresses,
  });
  const firstAnnouncements = createFirstAnnouncements(context, (group) => holdings.prove(group));
  const defence = createDefence(context);
  const holdings = createHoldings(context, claims, {
    self,
    setOwner: (isOwner) => {
      self.isOwner = isOwner;
    },
    onClaim: (claim) => {
      if (hasBeacon) beacons.changed(claim);
    },
    // Speakers of the original answer when they are asked, and neither probe nor defend.
    isProbingFirst: () => options.isProbing && !membership.hasForeign(),
    startProbing: firstAnnouncements.start,
    restartProbing: firstAnnouncements.restart,
    onStopped: (group) => {
      firstAnnouncements.stop(group);
      defence.stop(group);
      moves.stop(group);
    },
  });
  const moves = createPlannedMoves(context, {
    isReady: (name) => name !== node && standingOf(name) === 'living' && heardOn(peers.get(name)!) !== undefined,
    offer: (group, successor) => holdings.offer(group, successor),
    keep: (group) => holdings.keep(group),
    onRetry: (group) => groups.review(group),
    isUrgent: () => departure.isEnding(),
  });
  let isMainAwake = true;
  let isWatchCurrent = false;
  let mainDue: Millis | undefined;
  const groups: Groups = createGroups(context, {
    self,
    claims,
    holdings,
    moves,
    trust,
    standingOf: (name) => standingOf(name),
    standingOfListeners: (name) => standingOf(name, true),
    isPassive: () => listening.isOn() || departure.isEnding(),
    isEnding: () => departure.isEnding(),
    isMainAwake: () => isMainAwake,
    isWatchCurrent: () => isWatchCurrent,
  });
  const departure = createDeparture(context, {
    hasBeacon,
    isEmpty: () => holdings.count() === 0,
    letGoAll: () => {
      for (const group of groups.all()) holdings.letGo(group, 'handedOver');
    },
    sayGoodbye: () => {
      self.isLeaving = true;
      beacons.sendNow();
    },
  });
  const reception = createReception(context, {
    self,
    peers,
    hearings,
    claims,
    exchange,
    suspicions,
    onNaming: trust.heardChanged,
    onStanding: groups.reviewUnsettled,
    onLeft: (peer) => {
      lost(peer, 'silent');
      expectPeers();
    },
    onUnheard: (peer, mac) => unheardBy(peer, mac),
  });

  const standingOf = (name: string, countsListeners = false): Standing => {
    const peer = peers.get(name);
    if (peer === undefined) return membership.get(name)?.beacons === false ? 'foreign' : 'absent';
    const isAble = peer.life === 'alive' && !peer.isSuspect && !peer.isLeaving && peer.isMainAwake;
    return isAble && (countsListeners || !peer.isListening) ? 'living' : 'absent';
  };

  /** Frames that come in say that it is not this node that is cut off, and so do answers of peers, which come faster. */
  const doubtSelf = (interfaceIndex: number): void => {
    trust.doubt(interfaceIndex);
    let left = askedPeers;
    for (const { peer, from } of peers.segment(interfaceIndex).heard) {
      if (peer.isSuspect || left === 0) continue;
      left -= 1;
      context.send(interfaceIndex, from, { type: 'challenge', nonce: options.random64() });
    }
  };

  const signOfLife = (hearing: Hearing, wasHeard: boolean): void => {
    const { peer } = hearing;
    suspicions.signOfLife(peer);
    trust.received(hearing.interface);
    if (wasHeard) return;
    membership.heard(peer);
    trust.heardChanged(hearing.interface);
    if (peer.life !== 'alive') {
      peers.setLife(peer, 'alive');
      claims.review(peer, 'orphaned');
      groups.reviewUnsettled();
    }
    // Who was away, or is new to one who listens, may own more than is known.
    if (peer.hearings.length === 1 ? listening.isOn() : !peer.isReported) {
      exchange.ask(peer, hearing.interface, hearing.from);
    }
  };

  const fellSilent = (hearing: Hearing): void => {
    const { peer } = hearing;
    trust.heardChanged(hearing.interface);
    const isDiagnosed = peer.life === 'alive' && peer.isOwner;
    if (!isDiagnosed) peers.setNamed(hearing, false);
    if (peer.life !== 'alive') return;
    if (isDiagnosed) suspicions.suspect(hearing);
    else if (heardOn(peer) === undefined) lost(peer, 'silent');
  };

  /** A peer does not live any more. */
  const lost = (peer: Peer, life: 'silent' | 'dead'): void => {
    peers.setLife(peer, life);
    for (const hearing of peer.hearings) peers.setNamed(hearing, false);
    membership.unheard(peer);
    beacons.expectMembers();
    if (peer.isReported) {
      peer.isReported = false;
      context.report({ type: 'peer', node: peer.node, isHeard: false, interfaces: [] });
    }
    if (peer.isLeaving) {
      suspicions.forget(peer);
      claims.voidAll(peer);
    } else claims.review(peer, 'crash');
    groups.reviewUnsettled();
  };

  /** Somebody who hears others on a segment says that it does not hear us there. */
  const unheardBy = (peer: Peer, mac: Mac): void => {
    const hearing = peer.hearings.find((known) => known.mac === mac);
    if (hearing === undefined) return;
    peers.setNaming(hearing, 'not');
    trust.heardChanged(hearing.interface);
  };

  /**
   * Whether anybody should be heard. Gossip drops whom it does not reach, so that one who is cut off is soon told that it
   * is alone: who was heard and did not leave is expected for a time.
   */
  const expectPeers = (): void => {
    let isExpecting = membership.hasBeaconing();
    for (const { isLeaving } of peers.all()) isExpecting ||= !isLeaving;
    trust.setExpecting(isExpecting);
  };

  /** Who is no member, and was not heard for long, is not waited for any more. */
  const forgetAbsent = (): void => {
    for (const peer of [...peers.all()]) {
      const isAbsent = peer.life !== 'alive' && membership.get(peer.node) === undefined;
      if (!isAbsent || context.awake() - lastHeard(peer) < peerMemory) continue;
      claims.voidAll(peer);
      exchange.forget(peer);
      peers.remove(peer);
    }
  };

  let wasConnected = false;
  let hasStarted = false;
  const trustChanged = (): void => {
    const isConnected = trust.isConnected();
    if (isConnected && !wasConnected && hasBeacon) {
      if (hasStarted) listening.restart();
      else listening.start();
      hasStarted = true;
    }
    wasConnected = isConnected;
    // What could not be trusted may have hidden that others took over: one listens before one answers again.
    if (hasBeacon && !listening.isOn() && groups.canResumeAny()) listening.restart();
    groups.reviewAll();
  };

  const listeningOver = (): void => groups.reviewAll();

  /** This speaker did not run for so long that others may have taken over what it owned. */
  const slept = (): void => {
    for (const group of groups.all()) if (group.state.type === 'answering') holdings.rest(group, 'slept', true);
    listening.restart();
  };

  const mainAwake = (isCurrent: boolean): void => {
    const isBetter = !isMainAwake || (isCurrent && !isWatchCurrent);
    isMainAwake = true;
    isWatchCurrent = isCurrent;
    mainDue = millis(context.now() + mainSilence);
    if (isBetter) groups.reviewAll();
  };

  const mainHung = (): void => {
    mainDue = undefined;
    isMainAwake = false;
    groups.reviewAll();
  };

  const handOver = (keys: readonly Ip[] | 'all', to: string | undefined): void => {
    const chosen = keys === 'all' ? groups.all() : keys.map((key) => groups.get(key));
    for (const group of chosen) if (group?.state.type === 'answering') moves.start(group, to, false);
  };

  const sighted = (sighting: Sighting): void => {
    const group: Group | undefined = holdings.groupOf(sighting.ip);
    const isOurs = trust.links().some(({ mac }) => mac === sighting.mac) || peers.hasMac(sighting.mac);
    if (group === undefined || isOurs) return;
    if (group.state.type === 'probing') firstAnnouncements.sighted(group, sighting);
    else if (group.state.type === 'answering' && sighting.kind === 'claim') {
      defence.sighted(group, sighting, !membership.hasForeign());
    }
  };

  const parts = [
    listening,
    hearings,
    suspicions,
    trust,
    groups,
    moves,
    firstAnnouncements,
    defence,
    membership,
    departure,
  ];

  const timerDue = (): void => {
    if (mainDue !== undefined && mainDue <= context.now()) mainHung();
    for (const part of parts) part.timerDue();
  };

  const take = (event: OwnershipEvent): void => {
    switch (event.type) {
      case 'received': {
        if (!hasBeacon) return;
        const peer = admission.admit(event.interface, event.from, event.message);
        if (peer === undefined) return;
        const hearing = hearings.note(peer, event.interface, event.from, event.message.sequence);
        if (hearing !== undefined) reception(hearing, event.message);
        return;
      }
      case 'links':
        if (trust.setLinks(event.links)) beacons.urge();
        return;
      case 'members':
        membership.set(event.members, event.isComplete);
        forgetAbsent();
        if (hasBeacon) beacons.expectMembers();
        expectPeers();
        groups.reviewUnsettled();
        listening.check();
        return;
      case 'groups':
        return groups.update(event.changed, event.removed);
      case 'mainAwake':
        return mainAwake(event.isWatchCurrent);
      case 'handOver':
        return handOver(event.keys, event.to);
      case 'leave':
        departure.begin(event.by);
        groups.reviewAll();
        return;
      case 'diagnosed': {
        const peer = peers.get(event.node);
        if (peer !== undefined) suspicions.diagnosed(peer, event.finding);
        return;
      }
      case 'sighted':
        return sighted(event);
      case 'inspected':
        return trust.inspected(event.interface, event.hasFrames);
      case 'timerDue':
        return timerDue();
    }
  };

  /** Tells others at once what they are to know of this speaker. */
  const tell = (): void => {
    const isListening = hasBeacon && listening.isOn();
    if (self.isListening !== isListening || self.isMainAwake !== isMainAwake) beacons.urge();
    self.isListening = isListening;
    self.isMainAwake = isMainAwake;
    beacons.flush();
    beacons.timerDue();
  };

  let asked = millis(0);
  const nextDeadline = (): Millis => {
    if (departure.isOver()) return millis(Infinity);
    let next = mainDue ?? Infinity;
    for (const part of parts) next = Math.min(next, part.nextDeadline() ?? Infinity);
    return millis(Math.min(next, beacons.nextDeadline() ?? Infinity));
  };

  const step = (event: OwnershipEvent, now: Millis): readonly OwnershipEffect[] => {
    if (departure.isOver()) return [];
    const late = context.begin(now, asked);
    mainDue ??= isMainAwake ? millis(now + mainSilence) : undefined;
    if (late > sleepTime && hasBeacon) slept();
    take(event);
    departure.check();
    holdings.settle();
    tell();
    asked = nextDeadline();
    return context.end();
  };

  return { step, nextDeadline: () => asked, owns: (key) => groups.get(key)?.state.type === 'answering' };
};
