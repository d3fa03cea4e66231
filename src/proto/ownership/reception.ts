import type { Mac } from '../../lib/mac.ts';
import { millis } from '../../lib/time.ts';
import type { ClaimExchange } from './claim-exchange.ts';
import type { Claims } from './claims.ts';
import type { Context } from './context.ts';
import type { Hearings } from './hearing.ts';
import type { Beacon, Nonce, OwnershipMessage } from './message.ts';
import type { Hearing, Peer, Peers } from './peers.ts';
import type { Suspicions } from './suspicions.ts';
import { silentIntervals } from './timing.ts';

/** Takes the messages of a peer, once it is known that they count. */
export type Reception = (hearing: Hearing, message: OwnershipMessage) => void;

export type ReceptionPorts = {
  readonly self: Peer;
  readonly peers: Peers;
  readonly hearings: Hearings;
  readonly claims: Claims;
  readonly exchange: ClaimExchange;
  readonly suspicions: Suspicions;
  /** Whom a peer hears has been taken. */
  readonly onNaming: (interfaceIndex: number | undefined) => void;
  /** Something about the peer has changed that others' ranks depend on. */
  readonly onStanding: (peer: Peer) => void;
  readonly onLeft: (peer: Peer) => void;
  /** The peer, which has this MAC there, does not hear us on a segment. */
  readonly onUnheard: (peer: Peer, mac: Mac) => void;
};

/** Makes the reception of one machine. */
export const createReception = (context: Context, ports: ReceptionPorts): Reception => {
  const { self, peers, claims, exchange } = ports;

  const takeBeacon = (hearing: Hearing, beacon: Beacon): void => {
    const { peer } = hearing;
    ports.hearings.takeBeacon(hearing, beacon);
    ports.onNaming(hearing.interface);
    const isChanged =
      !peer.isReported || peer.isListening !== beacon.isListening || peer.isMainAwake !== beacon.isMainAwake;
    peer.isListening = beacon.isListening;
    peer.isMainAwake = beacon.isMainAwake;
    peers.setOwner(peer, beacon.isOwner);
    if (peers.setInterfaces(peer, beacon.interfaces) || !peer.isReported) {
      peer.isReported = true;
      const interfaces = beacon.interfaces.map(({ name }) => name);
      context.report({ type: 'peer', node: peer.node, isHeard: true, interfaces });
    }
    for (const claim of beacon.changes) claims.put(peer, claim);
    if (beacon.isLeaving) {
      peer.isLeaving = true;
      ports.onLeft(peer);
      return;
    }
    exchange.compare(hearing, beacon.digest);
    if (isChanged) ports.onStanding(peer);
  };

  /** Somebody does not hear `sought` any more: it is this one, or one that may be heard here. */
  const takeWhoHears = (asker: Hearing, sought: string, nonce: Nonce): void => {
    if (sought === self.node) {
      context.send(asker.interface, asker.from, { type: 'challengeAnswer', nonce });
      return;
    }
    const hearing = peers.get(sought)?.hearings.find((known) => known.interface === asker.interface);
    if (hearing?.isHeard !== true) return;
    const since = millis(Math.max(0, Math.round(context.awake() - hearing.heardAt)));
    // Who is about to ask as well is no help; of a thousand that miss one that died each would answer every other.
    if (since >= (silentIntervals - 1) * hearing.interval) return;
    context.send(asker.interface, asker.from, { type: 'heard', sought, nonce, since });
  };

  const vouch = (interfaceIndex: number | undefined, message: Extract<OwnershipMessage, { type: 'heard' }>): void => {
    const subject = peers.get(message.sought);
    if (subject !== undefined) ports.suspicions.vouch(subject, interfaceIndex, message.nonce, message.since);
  };

  return (hearing, message) => {
    const { interface: interfaceIndex, from: to } = hearing;
    switch (message.type) {
      case 'beacon':
        return takeBeacon(hearing, message);
      case 'claimsWanted':
        return exchange.answer(self, interfaceIndex, to);
      case 'claims':
        return exchange.take(hearing.peer, message);
      case 'challenge':
        return context.send(interfaceIndex, to, { type: 'challengeAnswer', nonce: message.nonce });
      case 'challengeAnswer':
        return undefined; // that it came is all it says
      case 'whoHears':
        return takeWhoHears(hearing, message.sought, message.nonce);
      case 'heard':
        return vouch(interfaceIndex, message);
      case 'unheard':
        return ports.onUnheard(hearing.peer, message.mac);
    }
  };
};
