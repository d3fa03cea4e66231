import { familyOf, type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import { SystemError } from '../../src/io/system-error.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import { type ServedLink, servedLink } from './links.ts';
import type { ResponderCommand, ResponderReport } from './messages.ts';
import { type AddressCounters, type FrameSocket, Port, type PortOptions } from './port.ts';

export type ResponderPorts<Socket extends FrameSocket> = Pick<PortOptions<Socket>, 'openSocket' | 'random'> & {
  /** Whether the name of an interface is excluded from layer 2. */
  readonly isExcluded: (name: string) => boolean;
  readonly report: (report: ResponderReport) => void;
};

/** Counters are reported at most this often. */
const reportInterval = seconds(5);

/** An interface that could not be opened is tried again after the first of these, then after twice as long each time. */
const firstRetry = seconds(1);
const longestRetry = seconds(60);

/** Why an interface could not be opened, and when it is tried again. */
type Failure = { readonly error: string; readonly delay: Millis; readonly retryAt: Millis };

type Address = {
  readonly number: number;
  readonly counters: AddressCounters;
  interfaces: ReadonlySet<string> | undefined;
};

/**
 * Answers for the addresses it is told, on the interfaces there are. Decides what goes out where and when; waiting for
 * frames, commands and time is the caller's. The owner closes it.
 */
export class Responder<Socket extends FrameSocket = FrameSocket> {
  readonly #ports = new Map<number, Port<Socket>>();
  readonly #addresses = new Map<Ip, Address>();
  readonly #counted = new Set<AddressCounters>();
  readonly #world: ResponderPorts<Socket>;
  #served: readonly ServedLink[] = [];
  #reportedNames: readonly string[] | undefined;
  #reportAt = millis(0);
  /** By the index of the interface. */
  readonly #failures = new Map<number, Failure>();

  constructor(world: ResponderPorts<Socket>) {
    this.#world = world;
  }

  /** The interfaces with an open socket. */
  ports(): Iterable<Port<Socket>> {
    return this.#ports.values();
  }

  /** Takes one order of the main thread. `settle` completes a batch of them. */
  perform(command: Exclude<ResponderCommand, { type: 'stop' }>, now: Millis): void {
    if (familyOf(command.ip) !== 'IPv4') return; // ARP is about IPv4
    const address = this.#addresses.get(command.ip) ?? newAddress(command.ip);
    if (command.type === 'announce') {
      address.interfaces = command.interfaces === undefined ? undefined : new Set(command.interfaces);
      this.#addresses.set(command.ip, address);
      for (const port of this.#ports.values()) place(address, port, now);
    } else {
      this.#addresses.delete(command.ip);
      for (const port of this.#ports.values()) port.remove(address.number);
    }
  }

  /** Serves the links that qualify, and no others. True if that changed which sockets are open. */
  setLinks(links: Iterable<Link>, now: Millis): boolean {
    const served = [...links]
      .map((link) => servedLink(link, this.#world.isExcluded))
      .filter((link) => link !== undefined);
    this.#served = served;
    return this.#openPorts(now);
  }

  /** Completes a batch of changes: one new filter for each interface that needs one. */
  settle(): void {
    for (const port of this.#ports.values()) port.updateFilter();
  }

  /** Does what is due: announcements, reports, another try at interfaces. True if that changed which sockets are open. */
  turn(now: Millis): boolean {
    for (const port of this.#ports.values()) port.announce(now);
    if (this.#counted.size > 0 && now >= this.#reportAt) this.#reportCounters(now);
    return this.#retryAt() <= now && this.#openPorts(now);
  }

  /** When `turn` has something to do. */
  nextDeadline(): Millis {
    let next: number = this.#counted.size > 0 ? this.#reportAt : Infinity;
    next = Math.min(next, this.#retryAt());
    for (const port of this.#ports.values()) next = Math.min(next, port.nextDeadline() ?? Infinity);
    return millis(next);
  }

  /** Closes every socket; what was counted is reported. */
  close(now: Millis): void {
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    if (this.#counted.size > 0) this.#reportCounters(now);
  }

  #openPorts(now: Millis): boolean {
    let isChanged = false;
    const wanted = new Map(this.#served.map((link) => [link.index, link]));
    for (const port of this.#ports.values()) {
      const link = wanted.get(port.index);
      if (link?.name === port.name) continue;
      this.#ports.delete(port.index);
      port.close();
      isChanged = true;
    }
    for (const index of this.#failures.keys()) if (!wanted.has(index)) this.#failures.delete(index);
    for (const link of this.#served) {
      const port = this.#ports.get(link.index);
      if (port !== undefined) port.setMac(link.mac, now);
      else if ((this.#failures.get(link.index)?.retryAt ?? now) <= now)
        isChanged = this.#openPort(link, now) || isChanged;
    }
    const names = [...this.#ports.values()].map((port) => port.name);
    if (names.toString() !== this.#reportedNames?.toString()) this.#world.report({ type: 'interfaces', names });
    this.#reportedNames = names;
    return isChanged;
  }

  #openPort(link: ServedLink, now: Millis): boolean {
    const { openSocket, random } = this.#world;
    let port: Port<Socket> | undefined;
    try {
      port = new Port({ link, openSocket, random, onCounted: (counters) => this.#counted.add(counters) }, now);
      for (const address of this.#addresses.values()) place(address, port, now);
      port.updateFilter();
      this.#ports.set(link.index, port);
      this.#failures.delete(link.index);
      return true;
    } catch (error) {
      port?.close();
      // Without the capability nothing will ever work; an interface may have gone this moment, memory may come back.
      if (!(error instanceof SystemError) || error.code === 'EPERM') throw error;
      this.#noteFailure(link, error.message, now);
      return false;
    }
  }

  #noteFailure({ index, name }: ServedLink, error: string, now: Millis): void {
    const last = this.#failures.get(index);
    const delay = millis(last === undefined ? firstRetry : Math.min(longestRetry, 2 * last.delay));
    this.#failures.set(index, { error, delay, retryAt: millis(now + delay) });
    if (last?.error === error) return;
    const fields = { interface: name, error };
    this.#world.report({ type: 'log', level: 'warn', message: 'cannot answer ARP on the interface yet', fields });
  }

  #retryAt(): number {
    let next = Infinity;
    for (const { retryAt } of this.#failures.values()) next = Math.min(next, retryAt);
    return next;
  }

  #reportCounters(now: Millis): void {
    this.#reportAt = millis(now + reportInterval);
    const perAddress = [...this.#counted].map((counters) => ({ ...counters }));
    for (const counters of this.#counted) Object.assign(counters, { requests: 0, responses: 0, gratuitous: 0 });
    this.#counted.clear();
    this.#world.report({ type: 'counters', perAddress });
  }
}

const newAddress = (ip: Ip): Address => ({
  number: ipv4ToNumber(ip),
  counters: { ip, requests: 0, responses: 0, gratuitous: 0 },
  interfaces: undefined,
});

const place = (address: Address, port: Port, now: Millis): void => {
  if (address.interfaces === undefined || address.interfaces.has(port.name)) {
    port.add(address.number, address.counters, now);
  } else port.remove(address.number);
};
