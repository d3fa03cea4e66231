import type { Ip, IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import { type BpfInstruction, encodeBpf } from '../../src/proto/bpf/assembler.ts';
import { type Announcer, createAnnouncer } from '../../src/proto/ethernet/announcer.ts';
import { createRateLimit, type RateLimit } from '../../src/proto/ethernet/rate-limit.ts';
import type { FrameSighting } from '../../src/proto/ethernet/sighting.ts';
import type { AddressCounters, FrameSocket, LanPort, LanPortOptions, PortEvents, PortLink } from './port.ts';

/** What a port knows of one address; it forgets those that are none of it. */
export type PortAddress = {
  readonly ip: Ip;
  /** Undefined: the address is not answered for. */
  counters: AddressCounters | undefined;
  isWatched: boolean;
  /** Somebody was asked for the address: at this MAC, or everybody. */
  asked: { readonly mac: Mac | undefined; readonly until: Millis; isAnswered: boolean } | undefined;
};

/** What a port for ARP and one for Neighbor Discovery differ in. */
export type PortProtocol = {
  readonly family: IpFamily;
  /** Finds addresses as they stand in frames. */
  readonly table: {
    readonly set: (ip: Ip, address: PortAddress) => void;
    readonly delete: (ip: Ip) => void;
    readonly find: (frame: DataView, at: number) => PortAddress | undefined;
  };
  readonly setLink: (link: PortLink) => void;
  /** Lets frames about an address reach the interface, or no longer. */
  readonly hold: (ip: Ip) => void;
  readonly release: (ip: Ip) => void;
  /** Programs that pass what concerns held addresses, and what others say of those asked for; the best first. */
  readonly filters: (held: Iterable<Ip>, asked: Iterable<Ip>) => Iterable<readonly BpfInstruction[]>;
  readonly announcement: (ip: Ip) => readonly Uint8Array[];
  readonly probe: (ip: Ip) => Uint8Array;
  /** Asks for an address: everybody if the MAC is undefined. */
  readonly question: (ip: Ip, mac: Mac | undefined) => Uint8Array;
  /** Turns a frame that asks for an answered address into its answer; says how many octets that has, 0 if none is due. */
  readonly answer: (frame: DataView, length: number) => number;
  /** Where an answer has the address that was asked for. */
  readonly answeredAt: number;
  /** Whom an answer goes to. */
  readonly answeredSource: (answer: DataView) => Mac;
  readonly sighting: (frame: DataView, length: number) => FrameSighting | undefined;
};

/** Frames taken from one interface before timers and the other interfaces have their turn. */
const framesPerTurn = 64;

/** Addresses announced on one interface before received frames have their turn. */
const announcementsPerTurn = 16;

/** How long somebody who was asked has to answer. */
const askTime = seconds(1);

/** Sightings of others are handed on at this rate at most: in a flood of claims each address is still seen in time. */
const sightingsPerWindow = 100;
const sightingWindow = millis(100);

/** A port that speaks the protocol it is given. */
export class FramePort<Socket extends FrameSocket = FrameSocket> implements LanPort<Socket> {
  readonly family: IpFamily;
  readonly index: number;
  readonly name: string;
  readonly socket: Socket;
  readonly #protocol: PortProtocol;
  readonly #events: PortEvents;
  readonly #addresses = new Map<Ip, PortAddress>();
  readonly #asked = new Set<PortAddress>();
  /** Go out when the filter lets answers in. */
  readonly #probes: Ip[] = [];
  readonly #announcer: Announcer<Ip>;
  readonly #isWithinLimit: RateLimit;
  #mac: Mac;
  #framesReceived = 0;
  #isFilterCurrent = true;
  #now: Millis;
  #sightings = 0;
  #sightingsSince: Millis;

  /** Throws what opening the socket throws. */
  constructor({ link, openSocket, random, events }: LanPortOptions<Socket>, protocol: PortProtocol, now: Millis) {
    this.family = protocol.family;
    this.index = link.index;
    this.name = link.name;
    this.#mac = link.mac;
    this.#protocol = protocol;
    this.#events = events;
    this.#now = now;
    this.#sightingsSince = now;
    this.#isWithinLimit = createRateLimit(random() * 2 ** 32);
    this.#announcer = createAnnouncer(random);
    protocol.setLink(link);
    this.socket = openSocket(link.index, this.#filters());
  }

  get framesReceived(): number {
    return this.#framesReceived;
  }

  add(ip: Ip, counters: AddressCounters, now: Millis): void {
    if (this.answers(ip)) return;
    this.#change(ip, (address) => (address.counters = counters));
    this.#announcer.announce(ip, now);
  }

  remove(ip: Ip): void {
    if (!this.answers(ip)) return;
    this.#change(ip, (address) => (address.counters = undefined));
    this.#announcer.withdraw(ip);
  }

  answers(ip: Ip): boolean {
    return this.#addresses.get(ip)?.counters !== undefined;
  }

  announceAgain(ip: Ip, now: Millis): void {
    if (this.answers(ip)) this.#announcer.announce(ip, now);
  }

  announceAll(now: Millis): void {
    for (const ip of this.#addresses.keys()) this.announceAgain(ip, now);
  }

  setLink(link: PortLink, now: Millis): void {
    this.#protocol.setLink(link);
    if (link.mac === this.#mac) return;
    this.#mac = link.mac;
    this.announceAll(now);
  }

  watch(ips: Iterable<Ip>): void {
    for (const ip of ips) this.#change(ip, (address) => (address.isWatched = true));
  }

  unwatch(ips: Iterable<Ip>): void {
    for (const ip of ips) this.#change(ip, (address) => (address.isWatched = false));
  }

  probe(ip: Ip): void {
    this.#probes.push(ip);
    if (this.#isFilterCurrent) this.#sendProbes();
  }

  defend(ip: Ip): void {
    const counters = this.#addresses.get(ip)?.counters;
    if (counters !== undefined) this.#announceNow(counters);
  }

  ask(ip: Ip, now: Millis): void {
    this.#ask(ip, undefined, now);
  }

  askUnicast(ip: Ip, mac: Mac, now: Millis): void {
    this.#ask(ip, mac, now);
  }

  updateFilter(): void {
    if (this.#isFilterCurrent) return;
    this.socket.setFilter(this.#filters());
    this.#isFilterCurrent = true;
    this.#sendProbes();
  }

  nextDeadline(): Millis | undefined {
    let next = this.#announcer.nextDeadline() ?? Infinity;
    for (const { asked } of this.#asked) next = Math.min(next, asked!.until);
    return next === Infinity ? undefined : millis(next);
  }

  announce(now: Millis): void {
    for (let count = 0; count < announcementsPerTurn; count++) {
      const ip = this.#announcer.takeDue(now);
      if (ip === undefined) break;
      this.#announceNow(this.#addresses.get(ip)!.counters!);
    }
    this.#forgetAsked(now);
  }

  receive(now: Millis): void {
    this.#now = now;
    this.socket.receive(framesPerTurn, this.#onFrame);
  }

  close(): void {
    for (const address of this.#addresses.values()) if (isHeld(address)) this.#protocol.release(address.ip);
    this.#addresses.clear();
    this.socket.close();
  }

  readonly #onFrame = (frame: DataView, length: number): void => {
    this.#framesReceived += 1;
    const { answer, answeredAt, answeredSource, table } = this.#protocol;
    const answerLength = answer(frame, length);
    if (answerLength === 0) return this.#look(frame, length);
    const isWithinLimit = this.#isWithinLimit(answeredSource(frame), this.#now);
    const isSent = isWithinLimit && this.socket.sendBack(answerLength);
    const counters = table.find(frame, answeredAt)!.counters!;
    counters.requests += 1;
    if (isSent) counters.responses += 1;
    this.#events.onCounted(counters);
  };

  /** Finds out what a frame that gets no answer says of others. */
  #look(frame: DataView, length: number): void {
    const sighting = this.#protocol.sighting(frame, length);
    if (sighting === undefined) return;
    const address = this.#protocol.table.find(frame, sighting.addressAt);
    if (address === undefined) return;
    const { ip, asked } = address;
    const { mac, kind } = sighting;
    const isAwaited = asked?.isAnswered === false && (asked.mac ?? mac) === mac;
    if (kind === 'claim' && isAwaited) {
      asked.isAnswered = true;
      this.#events.onAnswered(ip, mac);
    }
    if (!isHeld(address) || !this.#isSightingWithinLimit()) return;
    this.#events.onSighting({ interface: this.index, ip, mac, kind });
  }

  #isSightingWithinLimit(): boolean {
    if (this.#now >= this.#sightingsSince + sightingWindow) {
      this.#sightingsSince = this.#now;
      this.#sightings = 0;
    }
    this.#sightings += 1;
    return this.#sightings <= sightingsPerWindow;
  }

  #announceNow(counters: AddressCounters): void {
    for (const frame of this.#protocol.announcement(counters.ip)) {
      if (this.socket.send(frame)) counters.gratuitous += 1;
    }
    this.#events.onCounted(counters);
  }

  #sendProbes(): void {
    for (const ip of this.#probes.splice(0)) this.socket.send(this.#protocol.probe(ip));
  }

  #ask(ip: Ip, mac: Mac | undefined, now: Millis): void {
    this.#change(ip, (address) => {
      address.asked = { mac, until: millis(now + askTime), isAnswered: false };
      this.#asked.add(address);
    });
    this.updateFilter(); // or the answer would not come through
    this.socket.send(this.#protocol.question(ip, mac));
  }

  #forgetAsked(now: Millis): void {
    const count = this.#asked.size;
    for (const address of this.#asked) {
      if (address.asked!.until > now) continue;
      this.#asked.delete(address);
      this.#change(address.ip, (each) => (each.asked = undefined));
    }
    if (this.#asked.size < count) this.updateFilter();
  }

  /** Changes what is known of an address, and what depends on that; the kernel's filter follows with `updateFilter`. */
  #change(ip: Ip, change: (address: PortAddress) => void): void {
    const known = this.#addresses.get(ip);
    const address = known ?? { ip, counters: undefined, isWatched: false, asked: undefined };
    const wasHeld = isHeld(address);
    const wasAsked = address.asked !== undefined;
    change(address);
    const isAsked = address.asked !== undefined;
    if (isHeld(address) || isAsked) {
      if (known === undefined) {
        this.#addresses.set(ip, address);
        this.#protocol.table.set(ip, address);
      }
    } else {
      this.#addresses.delete(ip);
      this.#protocol.table.delete(ip);
    }
    if (isHeld(address) && !wasHeld) this.#protocol.hold(ip);
    else if (!isHeld(address) && wasHeld) this.#protocol.release(ip);
    if (isHeld(address) !== wasHeld || isAsked !== wasAsked) this.#isFilterCurrent = false;
  }

  *#filters(): Generator<Uint8Array> {
    const held = [...this.#addresses.values()].filter(isHeld).map(({ ip }) => ip);
    const asked = [...this.#asked].map(({ ip }) => ip);
    for (const program of this.#protocol.filters(held, asked)) yield encodeBpf(program);
  }
}

/** Whether what others say or ask about the address concerns this node. */
const isHeld = ({ counters, isWatched }: PortAddress): boolean => counters !== undefined || isWatched;
