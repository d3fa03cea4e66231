import type { Ip, IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import type { Millis } from '../../src/lib/time.ts';
import type { Sighting } from '../../src/proto/ownership/machine.ts';

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
   * link-local; ARP asks as nobody without it.
   */
  readonly ip: Ip | undefined;
};

/** What a port tells its owner, at once. */
export type PortEvents = {
  /** Counters have just changed. */
  readonly onCounted: (counters: AddressCounters) => void;
  /** Somebody else has or probes an address that is answered or watched here. */
  readonly onSighting: (sighting: Sighting) => void;
  /** An address that was asked for has answered, from that MAC. */
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
  /**
   * Asks everybody once, as nobody, whether they have the address (RFC 5227 section 2.1.1; RFC 4862 section 5.4.2): with
   * `updateFilter` if that is due, so that the answers come in.
   */
  readonly probe: (ip: Ip) => void;
  /** Announces an address once, in defence (RFC 5227 section 2.4 (c)). */
  readonly defend: (ip: Ip) => void;
  /** Asks for somebody's address, at everybody; `onAnswered` tells who answers first within a second. */
  readonly ask: (ip: Ip, now: Millis) => void;
  /** Asks for somebody's address, at that MAC alone; `onAnswered` tells if it answers within a second. */
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

/** What a port is made of. */
export type LanPortOptions<Socket extends FrameSocket = FrameSocket> = {
  readonly link: PortLink;
  /** Opens a socket that has the first of the filters that the kernel takes. */
  readonly openSocket: (interfaceIndex: number, filters: Iterable<Uint8Array>) => Socket;
  /** In [0, 1). */
  readonly random: () => number;
  readonly events: PortEvents;
};

/** Multicast groups that the interface of a port is a member of, counted; `MulticastMemberships` is the real one. */
export type GroupMembership = {
  /** False where the kernel grants no membership now. */
  readonly join: (group: Ip) => boolean;
  readonly leave: (group: Ip) => void;
};
