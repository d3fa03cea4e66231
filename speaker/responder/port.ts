import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import type { Millis } from '../../src/lib/time.ts';
import { type Announcer, createAnnouncer, gratuitousArp } from '../../src/proto/arp/announcer.ts';
import { arpFrameLength, encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { createRateLimit, type RateLimit } from '../../src/proto/arp/rate-limit.ts';
import { answerArp, answeredAddress, answeredSource, type ArpTable } from '../../src/proto/arp/responder.ts';
import { arpFilters } from '../../src/proto/bpf/arp-filter.ts';
import { encodeBpf } from '../../src/proto/bpf/assembler.ts';
import type { ServedLink } from './links.ts';

/** Sends and receives the ARP frames of one interface. `PacketSocket` is the real one. */
export type FrameSocket = {
  readonly setFilter: (choices: Iterable<Uint8Array>) => void;
  /** Hands over queued frames, all in the same memory. */
  readonly receive: (limit: number, onFrame: (frame: DataView, length: number) => void) => void;
  /** Sends the first octets of that memory; false where they could not be queued. */
  readonly sendBack: (length: number) => boolean;
  readonly send: (frame: Uint8Array) => boolean;
  readonly close: () => void;
};

/** What has been counted for an address since the last report. */
export type AddressCounters = {
  readonly ip: Ip;
  requests: number;
  responses: number;
  gratuitous: number;
};

export type PortOptions<Socket extends FrameSocket = FrameSocket> = {
  readonly link: ServedLink;
  readonly openSocket: (interfaceIndex: number, filters: Iterable<Uint8Array>) => Socket;
  readonly random: () => number;
  /** Is told of counters that have just changed. */
  readonly onCounted: (counters: AddressCounters) => void;
};

/** Frames taken from one interface before timers and the other interfaces have their turn. */
const framesPerTurn = 64;

/** Addresses announced on one interface before received frames have their turn. */
const announcementsPerTurn = 16;

/** One interface and the addresses answered there. The owner closes it. */
export class Port<Socket extends FrameSocket = FrameSocket> implements ArpTable {
  readonly index: number;
  readonly name: string;
  readonly socket: Socket;
  readonly #addresses = new Map<number, AddressCounters>();
  readonly #announcer: Announcer;
  readonly #isWithinLimit: RateLimit;
  readonly #onCounted: (counters: AddressCounters) => void;
  #mac: Mac;
  #isFilterCurrent = true;
  #now: Millis;

  /** Throws what opening the socket throws. */
  constructor({ link, openSocket, random, onCounted }: PortOptions<Socket>, now: Millis) {
    this.index = link.index;
    this.name = link.name;
    this.#mac = link.mac;
    this.#now = now;
    this.#onCounted = onCounted;
    this.#isWithinLimit = createRateLimit(random() * 2 ** 32);
    this.#announcer = createAnnouncer(random);
    this.socket = openSocket(link.index, this.#filters());
  }

  get mac(): Mac {
    return this.#mac;
  }

  has(address: number): boolean {
    return this.#addresses.has(address);
  }

  /** Answers for an address from now on, and announces it unless that has been so before. */
  add(address: number, counters: AddressCounters, now: Millis): void {
    if (this.#addresses.has(address)) return;
    this.#addresses.set(address, counters);
    this.#announcer.announce(address, now);
    this.#isFilterCurrent = false;
  }

  /** Falls silent for an address at once. */
  remove(address: number): void {
    if (!this.#addresses.delete(address)) return;
    this.#announcer.withdraw(address);
    this.#isFilterCurrent = false;
  }

  /** Takes note of a changed hardware address: every host must learn it. */
  setMac(mac: Mac, now: Millis): void {
    if (mac === this.#mac) return;
    this.#mac = mac;
    for (const address of this.#addresses.keys()) this.#announcer.announce(address, now);
  }

  /** Gives the kernel a filter for the addresses as they are; one swap for all changes since the last. */
  updateFilter(): void {
    if (this.#isFilterCurrent) return;
    this.socket.setFilter(this.#filters());
    this.#isFilterCurrent = true;
  }

  /** When `announce` has something to do. */
  nextDeadline(): Millis | undefined {
    return this.#announcer.nextDeadline();
  }

  /** Sends the announcements that are due, some at a time. */
  announce(now: Millis): void {
    for (let count = 0; count < announcementsPerTurn; count++) {
      const address = this.#announcer.takeDue(now);
      if (address === undefined) return;
      const counters = this.#addresses.get(address)!;
      for (const frame of gratuitousArp(this.#mac, address)) {
        if (this.socket.send(encodeArpFrame(frame))) counters.gratuitous += 1;
      }
      this.#onCounted(counters);
    }
  }

  /** Answers what is queued, some at a time. */
  receive(now: Millis): void {
    this.#now = now;
    this.socket.receive(framesPerTurn, this.#onFrame);
  }

  close(): void {
    this.socket.close();
  }

  readonly #onFrame = (frame: DataView, length: number): void => {
    if (answerArp(frame, length, this) !== 'reply') return;
    const isWithinLimit = this.#isWithinLimit(answeredSource(frame), this.#now);
    const isSent = isWithinLimit && this.socket.sendBack(arpFrameLength);
    const counters = this.#addresses.get(answeredAddress(frame))!;
    counters.requests += 1;
    if (isSent) counters.responses += 1;
    this.#onCounted(counters);
  };

  *#filters(): Generator<Uint8Array> {
    for (const program of arpFilters(this.index, this.#addresses.keys())) yield encodeBpf(program);
  }
}
