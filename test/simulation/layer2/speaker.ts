import type { Ip } from '../../../src/lib/ip.ts';
import { createInspections } from '../../../speaker/responder/inspections.ts';
import type { KeyRing } from '../../../src/proto/ownership/key-ring.ts';
import type {
  Ownership,
  OwnershipEffect,
  OwnershipEvent,
  OwnershipOptions,
  OwnershipReport,
} from '../../../src/proto/ownership/machine.ts';
import type { Host } from './host.ts';
import type { Frame, Port } from './lan.ts';
import type { Network } from './network.ts';
import type { VirtualTime } from './virtual-time.ts';
import { createWires } from './wires.ts';

/** The responder thread of one speaker: the real machine, and a driver that does to virtual wires what the real one does. */
export type Speaker = {
  readonly host: Host;
  readonly epoch: bigint;
  readonly ownership: Ownership;
  readonly state: () => 'running' | 'stopped' | 'dead';
  /** Whether it answers for an address on an interface; a process that has just been continued has not looked yet. */
  readonly answers: (ip: Ip, interface_: number) => boolean;
  readonly answered: () => Iterable<Ip>;
  readonly command: (event: OwnershipEvent) => void;
  /** SIGSTOP and SIGCONT. */
  readonly stop: () => void;
  readonly proceed: () => void;
  readonly kill: () => void;
  /** Has it look at its clock and its queues. */
  readonly wake: () => void;
  /** The kernel tells of its links. */
  readonly onLinks: () => void;
  /** How long its thread has had something to do and did not get to it. */
  readonly stalledFor: () => number;
  /** Messages that it has sent. */
  readonly sent: () => number;
  /** How late a turn of its thread is, each time. */
  lateness: () => number;
};

/** What happens outside of a speaker because of it. */
export type SpeakerWitness = {
  /** It answers for the address from now on, or no longer. */
  readonly onAnswer: (speaker: Speaker, ip: Ip) => void;
  readonly onReport: (speaker: Speaker, report: OwnershipReport) => void;
};

/** When a new address is announced, in milliseconds after it is answered. */
const announcementsAfter = [0, 50, 250, 1000, 2000, 5000];

/** Datagrams that fit into the buffer of a socket. */
const bufferedDatagrams = 1000;

type Arp = { readonly frame: Extract<Frame, { type: 'claim' | 'probe' }>; readonly index: number; readonly from: Port };

export const startSpeaker = (
  {
    time,
    network,
    witness,
  }: { readonly time: VirtualTime; readonly network: Network; readonly witness: SpeakerWitness },
  host: Host,
  createOwnership: (options: OwnershipOptions) => Ownership,
  options: OwnershipOptions & { readonly keyRing: KeyRing | undefined },
): Speaker => {
  const ownership = createOwnership(options);
  let state: 'running' | 'stopped' | 'dead' = 'running';
  const wires = createWires(network, host, options.epoch, options.keyRing);
  let datagrams: OwnershipEvent[] = [];
  let arp: Arp[] = [];
  let commands: OwnershipEvent[] = [];
  const answering = new Map<Ip, ReadonlySet<number>>();
  const watched = new Set<Ip>();
  /** Whom a question was put to: `node interface`. */
  const asked = new Set<string>();
  /** Frames that have come, by interface. */
  const received = new Map<number, number>();
  const inspections = createInspections((index) => received.get(index) ?? 0);
  let carrier = '';
  let isCarrierAsked = true;
  /** The thread has run since it was continued. */
  let isCurrent = true;
  let isTurnDue = false;
  let wokenAt = 0;
  let timerAt = Infinity;

  const isRunning = (): boolean => state === 'running' && host.isOn();

  const announceOften = (ip: Ip): void => {
    const mine = answering.get(ip)!;
    for (const delay of announcementsAfter) {
      time.after(delay, () => {
        if (!isRunning() || answering.get(ip) !== mine) return;
        for (const index of mine) wires.claim(index, ip);
      });
    }
  };

  const countFrame = (index: number): void => void received.set(index, (received.get(index) ?? 0) + 1);

  const perform = (effect: OwnershipEffect): void => {
    switch (effect.type) {
      case 'send':
        isCarrierAsked ||= effect.body.type === 'beacon' && effect.to === 'all';
        return wires.send(effect.interface, effect.to, effect.body);
      case 'answer':
        for (const address of effect.addresses) {
          answering.set(address.ip, wires.indexesOf(address));
          witness.onAnswer(speaker, address.ip);
          announceOften(address.ip);
        }
        return;
      case 'silence':
        for (const { ip } of effect.addresses) {
          answering.delete(ip);
          witness.onAnswer(speaker, ip);
        }
        return;
      case 'diagnose':
        asked.add(`${effect.node} ${effect.interface}`);
        return wires.question(effect.interface, effect.node, effect.address, effect.mac, effect.body);
      case 'inspect':
        inspections.begin(effect.interface, host.localTime());
        if (wires.rouse(effect.interface, effect.addresses)) countFrame(effect.interface);
        return;
      case 'watch':
        for (const { ip } of effect.addresses) watched.add(ip);
        return;
      case 'unwatch':
        for (const { ip } of effect.addresses) watched.delete(ip);
        return;
      case 'probe':
        return wires.probe(effect.address);
      case 'defend':
        return wires.claim(effect.interface, effect.address.ip);
      case 'report':
        return witness.onReport(speaker, effect.report);
    }
  };

  const step = (event: OwnershipEvent): void => {
    for (const effect of ownership.step(event, host.localTime())) {
      perform(effect);
      if (state === 'dead') return;
    }
  };

  /** Carrier is asked for with every beacon, and when the kernel tells of links. */
  const lookAtLinks = (): void => {
    if (!isCarrierAsked) return;
    isCarrierAsked = false;
    let seen = '';
    for (const port of host.ports.values()) seen += port.hasCarrier ? '1' : '0';
    if (seen === carrier) return;
    carrier = seen;
    step({ type: 'links', links: host.links() });
  };

  /** What lies in the queues first, messages before ARP; then what is due. */
  const turn = (): void => {
    isTurnDue = false;
    if (!isRunning()) return;
    const messages = datagrams;
    const frames = arp;
    const orders = commands;
    datagrams = [];
    arp = [];
    commands = [];
    for (const event of messages) step(event);
    for (const { frame, index, from } of frames) {
      step({ type: 'sighted', interface: index, ip: frame.ip, mac: frame.mac, kind: frame.type });
      if (frame.type === 'probe' && speaker.answers(frame.ip, index)) {
        wires.answerProbe(index, frame.ip, from);
      }
    }
    for (const event of orders) step(event);
    for (const event of inspections.turn(host.localTime())) step(event);
    const wasCurrent = isCurrent;
    isCurrent = true;
    for (let round = 0; ownership.nextDeadline() <= host.localTime(); round++) {
      if (round > 3) throw new Error(`${host.name} has something to do at once, again and again`);
      step({ type: 'timerDue' });
    }
    lookAtLinks();
    if (!wasCurrent) for (const ip of answering.keys()) witness.onAnswer(speaker, ip);
    arm();
  };

  const wake = (): void => {
    if (isTurnDue || !isRunning()) return;
    isTurnDue = true;
    wokenAt = time.now();
    time.after(speaker.lateness(), turn);
  };

  const nextDeadline = (): number => Math.min(ownership.nextDeadline(), inspections.nextDeadline());

  const arm = (): void => {
    if (state === 'dead') return;
    const due = host.worldTime(nextDeadline());
    if (due >= timerAt || due === Infinity) return;
    timerAt = due;
    time.at(due, () => {
      if (timerAt !== due) return;
      timerAt = Infinity;
      if (host.worldTime(nextDeadline()) <= time.now()) wake();
      else arm();
    });
  };

  const take = (frame: Frame, index: number, from: Port): void => {
    countFrame(index);
    switch (frame.type) {
      case 'datagram':
        if (frame.message.node === options.node && frame.message.epoch === options.epoch) return;
        if (datagrams.length >= bufferedDatagrams) return;
        if (frame.seal !== undefined && options.keyRing?.open(frame.seal, host.localTime()).ok !== true) return;
        datagrams.push({
          type: 'received',
          interface: frame.isRouted ? undefined : index,
          from: frame.from,
          message: frame.message,
        });
        return wake();
      case 'hostAnswer':
      case 'portUnreachable':
        if (!asked.has(`${frame.node} ${index}`)) return;
        datagrams.push({
          type: 'diagnosed',
          node: frame.node,
          interface: index,
          finding: frame.type === 'hostAnswer' ? 'hostAnswers' : 'portUnreachable',
        });
        return wake();
      case 'claim':
      case 'probe':
        if (!answering.has(frame.ip) && !watched.has(frame.ip)) return;
        arp.push({ frame, index, from });
        return wake();
      case 'hostQuestion': // The kernel has answered it.
        return;
    }
  };

  const speaker: Speaker = {
    host,
    epoch: options.epoch,
    ownership,
    state: () => state,
    answers: (ip, index) => isRunning() && isCurrent && answering.get(ip)?.has(index) === true,
    answered: () => answering.keys(),
    command: (event) => {
      if (state === 'dead') return;
      commands.push(event);
      wake();
    },
    stop: () => {
      if (state === 'running') state = 'stopped';
      isCurrent = false;
    },
    proceed: () => {
      if (state === 'stopped') state = 'running';
      isCurrent = false;
      timerAt = Infinity;
      wake();
    },
    kill: () => {
      state = 'dead';
    },
    wake,
    onLinks: () => {
      isCarrierAsked = true;
      wake();
    },
    stalledFor: () => (isTurnDue ? time.now() - wokenAt : 0),
    sent: wires.sent,
    lateness: () => 0.05,
  };
  host.attach({ isOpen: () => state !== 'dead', take });
  lookAtLinks();
  return speaker;
};
