import { isDeepStrictEqual } from 'node:util';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type {
  Ownership,
  OwnershipEffect,
  OwnershipEvent,
  OwnershipLink,
  OwnershipReport,
} from '../../src/proto/ownership/machine.ts';
import type { Epoch, OwnershipBody, OwnershipMessage } from '../../src/proto/ownership/message.ts';
import type { BeaconSockets, Way } from './beacon-sockets.ts';
import type { Diagnoses } from './diagnoses.ts';
import type { Inspections } from './inspections.ts';
import type { ResponderReport } from './messages.ts';
import type { Responder } from './responder.ts';
import type { Segments } from './segments.ts';

/** Seals and opens messages with the keys of the cluster. */
export type Sealer = {
  /** The message under every key that is in use for sending. */
  readonly seal: (message: OwnershipMessage, now: Millis) => readonly Uint8Array[];
  /** `unknownKey`: nothing is wrong with it but the key; `bad`: anything else. */
  readonly open: (datagram: Uint8Array, now: Millis) => OwnershipMessage | 'unknownKey' | 'bad';
};

/** What the driver moves. */
export type DriverParts = {
  readonly node: string;
  readonly epoch: Epoch;
  readonly machine: Ownership;
  /** Undefined without a key: nothing is sent, and nothing understood. */
  readonly sealer: Sealer | undefined;
  readonly beacons: Pick<BeaconSockets, 'setLinks' | 'sendToAll' | 'sendTo' | 'heard'>;
  readonly responder: Pick<
    Responder,
    'setLinks' | 'answer' | 'silence' | 'watch' | 'unwatch' | 'probe' | 'defend' | 'ask' | 'placeAgain' | 'settle'
  >;
  readonly diagnoses: Pick<Diagnoses, 'begin' | 'answered' | 'receive' | 'turn' | 'nextDeadline'>;
  readonly inspections: Inspections;
  readonly segments: Segments;
  /** Whether a message from that address, which came on an interface, was not forwarded by a router. */
  readonly isOnLink: (interfaceIndex: number, from: Ip) => boolean;
  /** Undefined where nobody knows better than the kernel's own messages. */
  readonly hasCarrier: (name: string) => boolean | undefined;
  /** The routers of an interface. */
  readonly gateways: (name: string) => readonly Ip[];
  readonly onSocketsChanged: () => void;
  readonly report: (report: ResponderReport) => void;
};

/** Moves the ownership machine of this node: tells it what happens and performs what it asks for. */
export type OwnershipDriver = {
  /** All interfaces as they are now. */
  readonly setLinks: (links: readonly OwnershipLink[], now: Millis) => void;
  readonly step: (event: OwnershipEvent, now: Millis) => void;
  /** Takes what came to a socket of the beacons. */
  readonly received: (
    datagram: Uint8Array,
    from: Ip,
    interfaceIndex: number | undefined,
    way: Way,
    now: Millis,
  ) => void;
  /** A host has answered a question for an address. */
  readonly answered: (interfaceIndex: number, ip: Ip, mac: Mac, now: Millis) => void;
  /** Takes what came to the sockets of diagnoses. */
  readonly receiveFindings: (now: Millis) => void;
  /** Does what is due, after all that has come has been read. Reports go out as one. */
  readonly turn: (now: Millis) => void;
  /** When `turn` has something to do. */
  readonly nextDeadline: () => Millis;
};

type Effect<Type extends OwnershipEffect['type']> = Extract<OwnershipEffect, { readonly type: Type }>;

/** Messages under unknown keys are told of this often per address, of so many addresses. */
const unknownKeyInterval = seconds(60);
const mostUnknown = 1024;

/** So many of the last messages are remembered by the interface they went out on. */
const sentKept = 256;

/** Peers whose last message is remembered. */
const mostPeers = 2048;

/** How often it is looked at which interfaces are still on one segment. */
const pruneInterval = seconds(1);

/** Makes the driver of a machine that has not taken a step yet. */
export const createOwnershipDriver = (parts: DriverParts): OwnershipDriver => {
  const { node, epoch, machine, sealer, beacons, responder, diagnoses, inspections, segments } = parts;
  let links: readonly OwnershipLink[] = [];
  let sequence = 0;
  /** By the low octet of a sequence number: index of the interface, 0 for none. */
  const sentOn = new Int32Array(sentKept);
  const lastOf = new Map<Epoch, { readonly sequence: number; readonly interface: number }>();
  const unknown = new Map<Ip, Millis>();
  let reports: OwnershipReport[] = [];
  let pruneAt = millis(Infinity);
  let isCarrierChanged = false;
  let isAnswerNew = false;

  const linkOf = (index: number): OwnershipLink | undefined => links.find((link) => link.index === index);

  /** The kernel tells of a lost carrier up to a second late, so that its driver is asked. */
  const withCarrier = (link: OwnershipLink): OwnershipLink => {
    const hasCarrier = parts.hasCarrier(link.name) ?? link.hasCarrier;
    return hasCarrier === link.hasCarrier ? link : { ...link, hasCarrier };
  };

  const seal = (body: OwnershipBody, interfaceIndex: number | undefined, now: Millis): readonly Uint8Array[] => {
    sequence += 1;
    sentOn[sequence % sentKept] = interfaceIndex ?? 0;
    return sealer?.seal({ node, epoch, sequence, ...body }, now) ?? [];
  };

  const send = ({ interface: index, to, body }: Effect<'send'>, now: Millis): void => {
    if (index === undefined && to === 'all') {
      // One by one: what comes in twice with one number shows that two interfaces are on one segment.
      for (const link of links) send({ type: 'send', interface: link.index, to, body }, now);
      return;
    }
    // Whoever learns by this message that we have taken an address over falls silent at once.
    if (isAnswerNew) responder.settle();
    isAnswerNew = false;
    if (body.type === 'beacon' && index !== undefined && to === 'all') {
      const link = linkOf(index);
      if (link !== undefined && withCarrier(link) !== link) isCarrierChanged = true;
    }
    for (const datagram of seal(body, index, now)) {
      if (to === 'all') beacons.sendToAll(index, datagram, now);
      else beacons.sendTo(to, index, datagram);
    }
  };

  const diagnose = (effect: Effect<'diagnose'>, now: Millis): void => {
    const link = linkOf(effect.interface);
    if (link === undefined) return;
    const datagrams = seal(effect.body, effect.interface, now);
    if (diagnoses.begin(effect, link, datagrams, now)) parts.onSocketsChanged();
  };

  const inspect = ({ interface: index, addresses }: Effect<'inspect'>, now: Millis): void => {
    const link = linkOf(index);
    if (link === undefined) return;
    inspections.begin(index, now);
    for (const ip of [...addresses, ...parts.gateways(link.name)]) responder.ask(index, ip, undefined, now);
  };

  const perform = (effect: OwnershipEffect, now: Millis): void => {
    switch (effect.type) {
      case 'send':
        return send(effect, now);
      case 'answer':
        isAnswerNew = true;
        return responder.answer(effect.addresses, effect.isAgain, now);
      case 'silence':
        return responder.silence(effect.addresses);
      case 'watch':
        return responder.watch(effect.addresses);
      case 'unwatch':
        return responder.unwatch(effect.addresses);
      case 'probe':
        return responder.probe(effect.address);
      case 'defend':
        return responder.defend(effect.address, effect.interface);
      case 'diagnose':
        return diagnose(effect, now);
      case 'inspect':
        return inspect(effect, now);
      case 'report':
        reports.push(effect.report);
    }
  };

  const step = (event: OwnershipEvent, now: Millis): void => {
    for (const effect of machine.step(event, now)) perform(effect, now);
    if (!isCarrierChanged) return;
    isCarrierChanged = false;
    applyLinks(links.map(withCarrier), now);
  };

  const pruneSegments = (now: Millis): void => {
    const indexes = new Set(links.map(({ index }) => index));
    if (segments.prune(indexes, now)) responder.placeAgain(now);
    pruneAt = millis(links.length > 1 ? now + pruneInterval : Infinity);
  };

  const applyLinks = (next: readonly OwnershipLink[], now: Millis): void => {
    if (isDeepStrictEqual(next, links)) return;
    links = next;
    pruneSegments(now);
    const isBeaconChanged = sealer !== undefined && beacons.setLinks(links, now);
    if (responder.setLinks(links, now) || isBeaconChanged) parts.onSocketsChanged();
    step({ type: 'links', links }, now);
  };

  const noteUnknownKey = (from: Ip, now: Millis): void => {
    if (now < (unknown.get(from) ?? -Infinity) + unknownKeyInterval) return;
    if (unknown.size >= mostUnknown) {
      for (const [ip, at] of unknown) if (now >= at + unknownKeyInterval) unknown.delete(ip);
      if (unknown.size >= mostUnknown) return; // whoever invents addresses is not told of a thousand times
    }
    unknown.set(from, now);
    parts.report({ type: 'unknownKey', from });
  };

  /** What comes in on one interface after it was sent on another, or on two at once, shows that they are on one segment. */
  const lookForTwins = (message: OwnershipMessage, index: number, now: Millis): void => {
    const isOwn = message.epoch === epoch && message.node === node;
    const last = lastOf.get(message.epoch);
    const other = isOwn
      ? sentOn[message.sequence % sentKept]!
      : last?.sequence === message.sequence
        ? last.interface
        : index;
    if (other !== 0 && other !== index && linkOf(other) !== undefined && segments.join(index, other, now))
      responder.placeAgain(now);
    if (isOwn) return;
    lastOf.delete(message.epoch); // so that the one that has been silent for longest stands first
    lastOf.set(message.epoch, { sequence: message.sequence, interface: index });
    if (lastOf.size > mostPeers) lastOf.delete(lastOf.keys().next().value!);
  };

  const receiveFindings = (now: Millis): void => {
    const found = diagnoses.receive();
    if (found.length > 0) parts.onSocketsChanged();
    for (const event of found) step(event, now);
  };

  const flush = (): void => {
    if (reports.length > 0) parts.report({ type: 'ownership', reports });
    reports = [];
  };

  return {
    setLinks: (next, now) => applyLinks(next.map(withCarrier), now),
    step,
    received: (datagram, from, interfaceIndex, way, now) => {
      const message = sealer?.open(datagram, now) ?? 'bad';
      if (message === 'unknownKey') noteUnknownKey(from, now);
      if (typeof message === 'string') return;
      const index = interfaceIndex !== undefined && parts.isOnLink(interfaceIndex, from) ? interfaceIndex : undefined;
      if (index !== undefined) lookForTwins(message, index, now);
      if (message.epoch === epoch && message.node === node) return;
      if (index !== undefined) beacons.heard(message.node, from, index, way, now);
      step({ type: 'received', interface: index, from, message }, now);
    },
    answered: (interfaceIndex, ip, mac, now) => {
      for (const event of diagnoses.answered(interfaceIndex, ip, mac)) step(event, now);
    },
    receiveFindings,
    turn: (now) => {
      for (const event of inspections.turn(now)) step(event, now);
      if (now >= machine.nextDeadline()) step({ type: 'timerDue' }, now);
      if (now >= diagnoses.nextDeadline()) receiveFindings(now); // a question may have been refused while it was asked
      if (diagnoses.turn(now)) parts.onSocketsChanged();
      if (now >= pruneAt) pruneSegments(now);
      flush();
    },
    nextDeadline: () =>
      millis(Math.min(machine.nextDeadline(), inspections.nextDeadline(), diagnoses.nextDeadline(), pruneAt)),
  };
};
