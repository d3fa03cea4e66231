import type { GroupAddress } from '../../src/lib/group-order.ts';
import { familyOf, type Ip, type IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import { SystemError } from '../../src/io/system-error.ts';
import type { OwnershipLink } from '../../src/proto/ownership/machine.ts';
import type { ResponderReport } from './messages.ts';
import { createRetries } from './retries.ts';
import type { AddressCounters, FrameSocket, LanPort, PortEvents, PortLink } from './port.ts';

export type ResponderPorts<Socket extends FrameSocket> = {
  /** Opens the port of one interface for one family. Throws `SystemError`. */
  readonly openPort: (family: IpFamily, link: PortLink, events: PortEvents, now: Millis) => LanPort<Socket>;
  readonly report: (report: ResponderReport) => void;
  readonly onSighting: PortEvents['onSighting'];
  /** An address that was asked for on an interface has answered. */
  readonly onAnswered: (interfaceIndex: number, ip: Ip, mac: Mac) => void;
  /** A number for the segment of an interface: of those with the same only one answers for an address. */
  readonly segmentOf: (interfaceIndex: number) => number;
};

/** Counters are reported at most this often. */
const reportInterval = seconds(5);

type Address = {
  readonly ip: Ip;
  readonly counters: AddressCounters;
  interfaces: readonly string[] | undefined;
};

/**
 * Answers for the addresses it is told, on the interfaces there are, by ARP and Neighbor Discovery. Decides what goes out
 * where; whether, and waiting for frames and time, is the caller's. The owner closes it.
 */
export class Responder<Socket extends FrameSocket = FrameSocket> {
  /** By family and index. */
  readonly #ports = new Map<string, LanPort<Socket>>();
  readonly #addresses = new Map<Ip, Address>();
  readonly #watched = new Map<Ip, GroupAddress>();
  readonly #counted = new Set<AddressCounters>();
  readonly #world: ResponderPorts<Socket>;
  #links: readonly OwnershipLink[] = [];
  #reportedNames: readonly string[] | undefined;
  #reportAt = millis(0);
  /** Ports that could not be opened. */
  readonly #retries = createRetries<string>();

  constructor(world: ResponderPorts<Socket>) {
    this.#world = world;
  }

  /** What has an open socket. */
  ports(): Iterable<LanPort<Socket>> {
    return this.#ports.values();
  }

  /** Answers for the addresses from now on, and announces them where that is new: everywhere if `isAgain`. */
  answer(addresses: readonly GroupAddress[], isAgain: boolean, now: Millis): void {
    for (const { ip, interfaces } of addresses) {
      const address = this.#addresses.get(ip) ?? newAddress(ip);
      address.interfaces = interfaces;
      this.#addresses.set(ip, address);
      if (isAgain) for (const port of this.#ports.values()) if (port.answers(ip)) port.announceAgain(ip, now);
      this.#place(address, now);
    }
  }

  /** Falls silent for the addresses. */
  silence(addresses: readonly GroupAddress[]): void {
    for (const { ip } of addresses) {
      this.#addresses.delete(ip);
      for (const port of this.#portsOf(ip)) port.remove(ip);
    }
  }

  /** Lets frames about the addresses come in as sightings, though they are not answered. */
  watch(addresses: readonly GroupAddress[]): void {
    for (const address of addresses) {
      this.#watched.set(address.ip, address);
      for (const port of this.#portsOf(address.ip)) if (isWanted(address, port)) port.watch([address.ip]);
    }
  }

  unwatch(addresses: readonly GroupAddress[]): void {
    for (const { ip } of addresses) {
      if (this.#watched.delete(ip)) for (const port of this.#portsOf(ip)) port.unwatch([ip]);
    }
  }

  /** Asks on every interface of an address whether somebody has it. */
  probe(address: GroupAddress): void {
    const serving = this.#chosen(address);
    for (const port of this.#portsOf(address.ip)) if (serving.has(port.index)) port.probe(address.ip);
  }

  /** Announces an address once on an interface. */
  defend({ ip }: GroupAddress, interfaceIndex: number): void {
    for (const port of this.#portsOf(ip)) if (port.index === interfaceIndex && port.answers(ip)) port.defend(ip);
  }

  /** Asks on an interface for the address of another host: everybody, or the host with that MAC alone. */
  ask(interfaceIndex: number, ip: Ip, mac: Mac | undefined, now: Millis): void {
    const port = this.#ports.get(portKey(familyOf(ip), interfaceIndex));
    if (mac === undefined) port?.ask(ip, now);
    else port?.askUnicast(ip, mac, now);
  }

  /** Serves these interfaces, and no others. True if that changed which sockets are open. */
  setLinks(links: readonly OwnershipLink[], now: Millis): boolean {
    const carriers = (of: readonly OwnershipLink[]): string =>
      of.map(({ index, hasCarrier }) => `${index}${hasCarrier ? '+' : '-'}`).join();
    const isCarrierChanged = carriers(links) !== carriers(this.#links);
    this.#links = links;
    const isChanged = this.#openPorts(now);
    if (isCarrierChanged) this.placeAgain(now);
    return isChanged;
  }

  /** Announces everything on an interface again. */
  announceAll(interfaceIndex: number, now: Millis): void {
    for (const port of this.#ports.values()) if (port.index === interfaceIndex) port.announceAll(now);
  }

  /** Looks again which interfaces answer for which addresses: segments or carriers have changed. */
  placeAgain(now: Millis): void {
    for (const address of this.#addresses.values()) this.#place(address, now);
  }

  /** Completes a batch of changes: one new filter for each port that needs one. */
  settle(): void {
    for (const port of this.#ports.values()) port.updateFilter();
  }

  /** Does what is due: announcements, reports, another try at interfaces. True if that changed which sockets are open. */
  turn(now: Millis): boolean {
    for (const port of this.#ports.values()) port.announce(now);
    if (this.#counted.size > 0 && now >= this.#reportAt) this.#reportCounters(now);
    return this.#retries.nextDeadline() <= now && this.#openPorts(now);
  }

  /** When `turn` has something to do. */
  nextDeadline(): Millis {
    let next: number = this.#counted.size > 0 ? this.#reportAt : Infinity;
    next = Math.min(next, this.#retries.nextDeadline());
    for (const port of this.#ports.values()) next = Math.min(next, port.nextDeadline() ?? Infinity);
    return millis(next);
  }

  /** Closes every socket; what was counted is reported. */
  close(now: Millis): void {
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    if (this.#counted.size > 0) this.#reportCounters(now);
  }

  *#portsOf(ip: Ip): Generator<LanPort<Socket>> {
    const family = familyOf(ip);
    for (const port of this.#ports.values()) if (port.family === family) yield port;
  }

  /** The interfaces that answer for an address: of those that are wanted one on each segment, with carrier if possible. */
  #chosen(address: GroupAddress): ReadonlySet<number> {
    const best = new Map<number, OwnershipLink>();
    const family = familyOf(address.ip);
    for (const link of this.#links) {
      if (!isWanted(address, link) || !this.#ports.has(portKey(family, link.index))) continue;
      const segment = this.#world.segmentOf(link.index);
      const other = best.get(segment);
      if (other === undefined || (link.hasCarrier && !other.hasCarrier)) best.set(segment, link);
    }
    return new Set([...best.values()].map(({ index }) => index));
  }

  #place(address: Address, now: Millis): void {
    const chosen = this.#chosen(address);
    for (const port of this.#portsOf(address.ip)) {
      if (chosen.has(port.index)) port.add(address.ip, address.counters, now);
      else port.remove(address.ip);
    }
  }

  #openPorts(now: Millis): boolean {
    let isChanged = false;
    const wanted = new Map<string, PortLink>();
    for (const { index, name, mac, ipv4, ipv6 } of this.#links) {
      wanted.set(portKey('IPv4', index), { index, name, mac, ip: ipv4 });
      if (ipv6 !== undefined) wanted.set(portKey('IPv6', index), { index, name, mac, ip: ipv6 });
    }
    for (const [key, port] of this.#ports) {
      if (wanted.get(key)?.name === port.name) continue;
      this.#ports.delete(key);
      port.close();
      isChanged = true;
    }
    this.#retries.keepOnly(wanted);
    for (const [key, link] of wanted) {
      const port = this.#ports.get(key);
      if (port !== undefined) port.setLink(link, now);
      else if (this.#retries.isDue(key, now)) isChanged = this.#openPort(key, link, now) || isChanged;
    }
    if (isChanged) {
      this.placeAgain(now);
      this.settle();
    }
    this.#reportNames();
    return isChanged;
  }

  #openPort(key: string, link: PortLink, now: Millis): boolean {
    const family = key.startsWith('IPv4') ? 'IPv4' : 'IPv6';
    const events: PortEvents = {
      onCounted: (counters) => this.#counted.add(counters),
      onSighting: this.#world.onSighting,
      onAnswered: (ip, mac) => this.#world.onAnswered(link.index, ip, mac),
    };
    let port: LanPort<Socket> | undefined;
    try {
      port = this.#world.openPort(family, link, events, now);
      this.#ports.set(key, port);
      const watched = [...this.#watched.values()].filter(
        (each) => familyOf(each.ip) === family && isWanted(each, link),
      );
      port.watch(watched.map(({ ip }) => ip));
      this.placeAgain(now);
      port.updateFilter();
      this.#retries.succeeded(key);
      return true;
    } catch (error) {
      this.#ports.delete(key);
      port?.close();
      // Without the capability nothing will ever work; an interface may have gone this moment, memory may come back.
      if (!(error instanceof SystemError) || error.code === 'EPERM') throw error;
      this.#noteFailure(key, link, error.message, now);
      return false;
    }
  }

  #noteFailure(key: string, { name }: PortLink, error: string, now: Millis): void {
    if (!this.#retries.failed(key, error, now)) return;
    const protocol = key.startsWith('IPv4') ? 'ARP' : 'Neighbor Discovery';
    const fields = { interface: name, error };
    this.#world.report({
      type: 'log',
      level: 'warn',
      message: `cannot answer ${protocol} on the interface yet`,
      fields,
    });
  }

  /** The interfaces that are answered on, if they have changed. */
  #reportNames(): void {
    const open = new Set([...this.#ports.values()].map(({ index }) => index));
    const names = this.#links.filter(({ index }) => open.has(index)).map(({ name }) => name);
    if (names.toString() !== this.#reportedNames?.toString()) this.#world.report({ type: 'interfaces', names });
    this.#reportedNames = names;
  }

  #reportCounters(now: Millis): void {
    this.#reportAt = millis(now + reportInterval);
    const perAddress = [...this.#counted].map((counters) => ({ ...counters }));
    for (const counters of this.#counted) Object.assign(counters, { requests: 0, responses: 0, gratuitous: 0 });
    this.#counted.clear();
    this.#world.report({ type: 'counters', perAddress });
  }
}

const portKey = (family: IpFamily, index: number): string => `${family} ${index}`;

const isWanted = ({ interfaces }: Pick<Address, 'interfaces'>, { name }: { readonly name: string }): boolean =>
  interfaces === undefined || interfaces.includes(name);

const newAddress = (ip: Ip): Address => ({
  ip,
  counters: { ip, requests: 0, responses: 0, gratuitous: 0 },
  interfaces: undefined,
});
