import type { Ip, IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import type { Millis } from '../../src/lib/time.ts';
import { gratuitousArp } from '../../src/proto/arp/announcement.ts';
import { type Announcer, createAnnouncer } from '../../src/proto/ethernet/announcer.ts';
import { arpFrameLength, encodeArpFrame } from '../../src/proto/arp/packet.ts';
import { createRateLimit, type RateLimit } from '../../src/proto/ethernet/rate-limit.ts';
import { answerArp, answeredAddress, answeredSource, type ArpTable } from '../../src/proto/arp/responder.ts';
import { arpFilters } from '../../src/proto/bpf/arp-filter.ts';
import { encodeBpf } from '../../src/proto/bpf/assembler.ts';
import type { Sighting } from '../../src/proto/ownership/machine.ts';
import type { ServedLink } from './links.ts';

/** Sends and receives the frames of one protocol on one interface. `PacketSocket` is the real one. */
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

/** An interface as a port needs to know it. */
export type PortLink = {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  /**
   * This node's own address there, of the port's family: what questions are asked from. Neighbor Discovery needs one,
   * link-local; ARP asks as nobody without.
   */
  readonly ip: Ip | undefined;
};

/** What a port tells its owner, at once. */
export type PortEvents = {
  /** Counters have just changed. */
  readonly onCounted: (counters: AddressCounters) => void;
  /** Somebody else has or probes an address that is answered or watched here. */
  readonly onSighting: (sighting: Sighting) => void;
  /** An address that was asked for, of `asked`, has answered from that MAC. */
  readonly onAnswered: (ip: Ip, mac: Mac) => void;
};

/**
 * One interface and the addresses of one family that are answered there. All addresses are of the port's family. What
 * changes the filter (`add`, `remove`, `watch`, `unwatch`) takes effect with `updateFilter`. The owner closes it.
 */
export type LanPort<Socket extends FrameSocket = FrameSocket> = {
  readonly family: IpFamily;
  readonly index: number;
  readonly name: string;
  readonly socket: Socket;
  /** How many frames have come through the filter. */
  readonly framesReceived: number;
  /** Answers for an address from now on, and announces it unless that has been so before. Counts in `counters`. */
  readonly add: (ip: Ip, counters: AddressCounters, now: Millis) => void;
  /** Falls silent for an address at once. */
  readonly remove: (ip: Ip) => void;
  /** Whether an address is answered here. */
  readonly answers: (ip: Ip) => boolean;
  /** Starts the announcements of an address that is answered here anew. */
  readonly announceAgain: (ip: Ip, now: Millis) => void;
  /** Starts all announcements anew: hosts or switches may have forgotten where this interface is. */
  readonly announceAll: (now: Millis) => void;
  /** Takes note of a changed hardware address, which every host must learn, and of the node's own address. */
  readonly setLink: (link: PortLink, now: Millis) => void;
  /** Lets frames about addresses come in as sightings, though they are not answered: they are being probed. */
  readonly watch: (ips: Iterable<Ip>) => void;
  readonly unwatch: (ips: Iterable<Ip>) => void;
  /** Asks everybody once, as nobody, whether they have the address (RFC 5227 section 2.1.1; RFC 4862 section 5.4.2). */
  readonly probe: (ip: Ip) => void;
  /** Announces an address once, in defence (RFC 5227 section 2.4 (c)). */
  readonly defend: (ip: Ip) => void;
  /** Asks for somebody's address, at everybody; `onAnswered` tells what comes within `askTime`. */
  readonly ask: (ip: Ip, now: Millis) => void;
  /** Asks for somebody's address, at that MAC alone; `onAnswered` tells if it answers within `askTime`. */
  readonly askUnicast: (ip: Ip, mac: Mac, now: Millis) => void;
  /** Gives the kernel a filter for the addresses as they are; one swap for all changes since the last. */
  readonly updateFilter: () => void;
  /** When `announce` has something to do. */
  readonly nextDeadline: () => Millis | undefined;
  /** Sends the announcements that are due, some at a time, and forgets what was asked for. */
  readonly announce: (now: Millis) => void;
  /** Takes what is queued, some at a time: answers it or tells of it. */
  readonly receive: (now: Millis) => void;
  readonly close: () => void;
};

/** What `ArpPort` and `NdpPort` are made of. */
export type LanPortOptions<Socket extends FrameSocket = FrameSocket> = {
  readonly link: PortLink;
  /** Opens a socket that has the first of the filters that the kernel takes. */
  readonly openSocket: (interfaceIndex: number, filters: Iterable<Uint8Array>) => Socket;
  /** In [0, 1). */
  readonly random: () => number;
  readonly events: PortEvents;
};

/** Joins multicast groups on the interface of a port; each group is joined and left once. */
export type GroupMembership = {
  readonly joinGroup: (group: Ip) => void;
  readonly leaveGroup: (group: Ip) => void;
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
  readonly #announcer: Announcer<number>;
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
