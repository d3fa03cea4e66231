import type { Device } from '../../src/io/datagram.ts';
import { isSystemError, SystemError } from '../../src/io/system-error.ts';
import { familyOf, type Ip, type IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type { OwnershipLink } from '../../src/proto/ownership/machine.ts';
import { frameAddress, macOfFrameAddress } from './frame-address.ts';
import type { ResponderReport } from './messages.ts';
import { createRetries } from './retries.ts';

/** A socket on the UDP port of the beacons. `UdpSocket` is the real one. */
export type UdpBeacons = {
  readonly fd: number;
  readonly send: (datagram: Uint8Array, to: Ip, port: number) => boolean;
  /** Hands over at most `limit` datagrams, all in the same memory; how many. */
  readonly receive: (limit: number, onDatagram: (datagram: Uint8Array, from: Ip) => void) => number;
  readonly close: () => void;
};

/** A socket for beacons straight on Ethernet. `BeaconFrameSocket` is the real one. */
export type FrameBeacons = {
  readonly fd: number;
  /** To the group of the beacons, or to one host. */
  readonly send: (datagram: Uint8Array, to: Mac | 'all') => boolean;
  readonly receive: (limit: number, onDatagram: (datagram: Uint8Array, from: Mac) => void) => number;
  readonly close: () => void;
};

/** How messages travel on a segment. */
export type Way = IpFamily | 'frames';

export type BeaconSocketsPorts = {
  /** Opens a socket; undefined device: it sends by whatever way leads there. Throws `SystemError`. */
  readonly openUdp: (family: IpFamily, device: Device | undefined) => UdpBeacons;
  readonly openFrames: (link: OwnershipLink) => FrameBeacons;
  /** UDP port of the beacons. */
  readonly port: number;
  /** Multicast groups of the beacons. */
  readonly groups: Readonly<Record<IpFamily, Ip>>;
  readonly report: (report: ResponderReport) => void;
};

/** Takes a message, and where and how it came; undefined interface: by none that is served. */
export type OnMessage = (datagram: Uint8Array, from: Ip, interfaceIndex: number | undefined, way: Way) => void;

/** A node that has not been heard one way for so long is not heard that way. */
const memory = seconds(5);

/** Copies straight on Ethernet, of which nobody is known to need them, go out this often. */
const copyInterval = seconds(1);

/** So many nodes are remembered at least. */
const nodesKept = 256;

/** Datagrams taken from one socket before the next has its turn. */
const batch = 64;

/** What is known of how messages travel on one interface. */
type Hearing = {
  /** By node: when it was last heard in the first way, in which every node sends that can. */
  readonly first: Map<string, Millis>;
  /** Until when other ways are taken beside it, because somebody is heard in no other. */
  readonly until: Map<Way, Millis>;
  /** Addresses of hosts that have sent straight on Ethernet. */
  readonly frameHosts: Set<Ip>;
  firstAt: number;
  copiedAt: number;
};

type Opened =
  | { readonly way: IpFamily; readonly index: number | undefined; readonly socket: UdpBeacons }
  | { readonly way: 'frames'; readonly index: number; readonly socket: FrameBeacons };

/**
 * The sockets of the beacons: on each interface one for each family that it has an address of and one straight on
 * Ethernet, and for each family one to members in other networks. The owner closes it.
 */
export class BeaconSockets {
  readonly #world: BeaconSocketsPorts;
  readonly #opened = new Map<string, Opened>();
  readonly #hearing = new Map<number, Hearing>();
  readonly #retries = createRetries<string>();
  #links: readonly OwnershipLink[] = [];

  constructor(world: BeaconSocketsPorts) {
    this.#world = world;
  }

  /** Descriptors to wait for. */
  fds(): number[] {
    return [...this.#opened.values()].map(({ socket }) => socket.fd);
  }

  /** Serves these interfaces. True if that changed which sockets are open. */
  setLinks(links: readonly OwnershipLink[], now: Millis): boolean {
    this.#links = links;
    const indexes = new Set(links.map(({ index }) => index));
    for (const [index, hearing] of this.#hearing) {
      if (!indexes.has(index)) this.#hearing.delete(index);
      hearing.copiedAt = -Infinity; // with another cable interfaces may be on one segment, or not any more
    }
    return this.#openSockets(now);
  }

  /** When `turn` has something to do. */
  nextDeadline(): Millis {
    return this.#retries.nextDeadline();
  }

  /** Tries again what could not be opened. True if that changed which sockets are open. */
  turn(now: Millis): boolean {
    return now >= this.nextDeadline() && this.#openSockets(now);
  }

  /** Sends to everybody on an interface, or on all of them. */
  sendToAll(interfaceIndex: number | undefined, datagram: Uint8Array, now: Millis): void {
    for (const link of this.#links) {
      if (interfaceIndex !== undefined && link.index !== interfaceIndex) continue;
      for (const way of this.#waysOf(link, now)) {
        const opened = this.#opened.get(socketKey(way, link));
        if (opened?.way === 'frames') opened.socket.send(datagram, 'all');
        else if (opened !== undefined) opened.socket.send(datagram, this.#world.groups[opened.way], this.#world.port);
      }
    }
  }

  /** Sends to one host, on an interface or by whatever way leads there. */
  sendTo(to: Ip, interfaceIndex: number | undefined, datagram: Uint8Array): void {
    const link = this.#links.find(({ index }) => index === interfaceIndex);
    const isFrameHost = link !== undefined && this.#hearingOf(link.index).frameHosts.has(to);
    const opened = this.#opened.get(socketKey(isFrameHost ? 'frames' : familyOf(to), link));
    if (opened?.way === 'frames') opened.socket.send(datagram, macOfFrameAddress(to));
    else opened?.socket.send(datagram, to, this.#world.port);
  }

  /** Takes note of how a good message of a node has come. */
  heard(node: string, from: Ip, interfaceIndex: number, way: Way, now: Millis): void {
    const link = this.#links.find(({ index }) => index === interfaceIndex);
    if (link === undefined) return;
    const hearing = this.#hearingOf(interfaceIndex);
    if (way === firstWay(link)) {
      hearing.first.set(node, now);
      hearing.firstAt = now;
    } else if (now >= (hearing.first.get(node) ?? -Infinity) + memory) hearing.until.set(way, millis(now + memory));
    if (way === 'frames') hearing.frameHosts.add(from);
    if (hearing.first.size > nodesKept)
      for (const [each, at] of hearing.first) if (now >= at + memory) hearing.first.delete(each);
    if (hearing.frameHosts.size > nodesKept) hearing.frameHosts.clear(); // each is learnt again by its next message
  }

  /**
   * Takes what is queued, `limit` datagrams at most; how many there were. Sockets that are not ready, by their position
   * among the descriptors, are passed over: to ask one in vain takes as long as to read a beacon.
   */
  receive(limit: number, isReady: (position: number) => boolean, onMessage: OnMessage): number {
    let left = limit;
    for (let isMore = true; isMore && left > 0;) {
      isMore = false;
      let position = 0;
      for (const opened of this.#opened.values()) {
        if (!isReady(position++)) continue;
        const taken = receiveFrom(opened, Math.min(batch, left), onMessage);
        left -= taken;
        if (taken === batch) isMore = true;
      }
    }
    return limit - left;
  }

  close(): void {
    for (const { socket } of this.#opened.values()) socket.close();
    this.#opened.clear();
  }

  /** Straight on Ethernet only where somebody needs it, or nobody is heard, or to find two interfaces on one segment. */
  #waysOf(link: OwnershipLink, now: Millis): ReadonlySet<Way> {
    const hearing = this.#hearingOf(link.index);
    const ways = new Set<Way>([firstWay(link)]);
    for (const [way, until] of hearing.until) if (now < until) ways.add(way);
    // Linux takes nothing by IPv4 that comes from an address of its own, so frames alone show us our own messages.
    const isCopyWanted = this.#links.length > 1 || now >= hearing.firstAt + memory;
    if (isCopyWanted && now >= hearing.copiedAt + copyInterval) {
      ways.add('frames');
      hearing.copiedAt = now;
    }
    return ways;
  }

  #hearingOf(index: number): Hearing {
    let hearing = this.#hearing.get(index);
    if (hearing === undefined) {
      const never = -Infinity;
      hearing = { first: new Map(), until: new Map(), frameHosts: new Set(), firstAt: never, copiedAt: never };
      this.#hearing.set(index, hearing);
    }
    return hearing;
  }

  #openSockets(now: Millis): boolean {
    const wanted = this.#wanted();
    let isChanged = false;
    for (const [key, { socket }] of this.#opened) {
      if (wanted.has(key)) continue;
      this.#opened.delete(key);
      socket.close();
      isChanged = true;
    }
    this.#retries.keepOnly(wanted);
    for (const [key, open] of wanted) {
      if (this.#opened.has(key) || !this.#retries.isDue(key, now)) continue;
      try {
        this.#opened.set(key, open());
        this.#retries.succeeded(key);
        isChanged = true;
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.#noteFailure(key, error, now);
      }
    }
    return isChanged;
  }

  /** By key, how each socket that should be there is opened. */
  #wanted(): ReadonlyMap<string, () => Opened> {
    const { openUdp, openFrames } = this.#world;
    const wanted = new Map<string, () => Opened>();
    const add = (way: IpFamily, link: OwnershipLink | undefined): void => {
      wanted.set(socketKey(way, link), () => ({ way, index: link?.index, socket: openUdp(way, link) }));
    };
    add('IPv4', undefined);
    add('IPv6', undefined);
    for (const link of this.#links) {
      if (link.ipv4 !== undefined) add('IPv4', link);
      if (link.ipv6 !== undefined) add('IPv6', link);
      const openHere = (): Opened => ({ way: 'frames', index: link.index, socket: openFrames(link) });
      wanted.set(socketKey('frames', link), openHere);
    }
    return wanted;
  }

  #noteFailure(key: string, error: SystemError, now: Millis): void {
    const isNew = this.#retries.failed(key, error.message, now);
    if (!isNew || isSystemError(error, 'EAFNOSUPPORT')) return; // a host without IPv6
    const message = 'cannot open a socket for beacons yet';
    this.#world.report({ type: 'log', level: 'warn', message, fields: { socket: key, error: error.message } });
  }
}

/** The way that every node takes that can. */
const firstWay = ({ ipv4, ipv6 }: OwnershipLink): Way =>
  ipv4 !== undefined ? 'IPv4' : ipv6 !== undefined ? 'IPv6' : 'frames';

/** An interface of another name or index is another one; frames carry its MAC, too. */
const socketKey = (way: Way, link: OwnershipLink | undefined): string => {
  if (link === undefined) return way;
  return `${way} ${link.index} ${link.name}${way === 'frames' ? ` ${link.mac.toString(16)}` : ''}`;
};

const receiveFrom = (opened: Opened, limit: number, onMessage: OnMessage): number => {
  const { way, index } = opened;
  if (way === 'frames')
    return opened.socket.receive(limit, (datagram, mac) => onMessage(datagram, frameAddress(mac), index, way));
  return opened.socket.receive(limit, (datagram, from) => onMessage(datagram, from, index, way));
};
