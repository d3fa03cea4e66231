import { constants } from 'node:os';
import type { Ip, IpFamily } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { SystemError } from '../../src/io/system-error.ts';
import type { AddressCounters, FrameSocket, LanPort, PortEvents, PortLink } from '../../speaker/responder/port.ts';

/** A port without a socket: what it is told is kept for tests to look at. */
export class MemoryPort implements LanPort {
  readonly family: IpFamily;
  readonly index: number;
  readonly name: string;
  readonly socket: FrameSocket;
  readonly framesReceived = 0;
  readonly events: PortEvents;
  link: PortLink;
  isOpen = true;
  /** Whether no filter after the first is taken. */
  isRefusing = false;
  filters = 1;
  /** Addresses whose series of announcements began, in order. */
  readonly announced: Ip[] = [];
  /** What went out otherwise. */
  readonly sent: (readonly [what: string, ...rest: readonly (Ip | Mac)[]])[] = [];
  readonly #answered = new Map<Ip, AddressCounters>();
  readonly #watched = new Set<Ip>();
  #isFilterCurrent = true;

  constructor(family: IpFamily, link: PortLink, events: PortEvents) {
    this.family = family;
    this.index = link.index;
    this.name = link.name;
    this.link = link;
    this.events = events;
    this.socket = {
      setFilter: () => {},
      receive: () => {},
      send: () => true,
      sendBack: () => true,
      close: () => {},
    };
  }

  get answered(): Ip[] {
    return [...this.#answered.keys()];
  }

  get watched(): Ip[] {
    return [...this.#watched];
  }

  add(ip: Ip, counters: AddressCounters): void {
    if (this.#answered.has(ip)) return;
    this.#answered.set(ip, counters);
    this.announced.push(ip);
    this.#isFilterCurrent = false;
  }

  remove(ip: Ip): void {
    if (this.#answered.delete(ip)) this.#isFilterCurrent = false;
  }

  answers(ip: Ip): boolean {
    return this.#answered.has(ip);
  }

  announceAgain(ip: Ip): void {
    this.announced.push(ip);
  }

  announceAll(): void {
    this.sent.push(['announceAll']);
  }

  setLink(link: PortLink): void {
    this.link = link;
  }

  watch(ips: Iterable<Ip>): void {
    for (const ip of ips) this.#watched.add(ip);
  }

  unwatch(ips: Iterable<Ip>): void {
    for (const ip of ips) this.#watched.delete(ip);
  }

  probe(ip: Ip): void {
    this.sent.push(['probe', ip]);
  }

  defend(ip: Ip): void {
    this.sent.push(['defend', ip]);
  }

  ask(ip: Ip): void {
    this.sent.push(['ask', ip]);
  }

  askUnicast(ip: Ip, mac: Mac): void {
    this.sent.push(['askUnicast', ip, mac]);
  }

  updateFilter(): void {
    if (this.#isFilterCurrent) return;
    if (this.isRefusing) throw new SystemError('setsockopt', constants.errno.ENOBUFS);
    this.filters += 1;
    this.#isFilterCurrent = true;
  }

  nextDeadline(): undefined {}

  announce(): void {}

  receive(): void {}

  close(): void {
    this.isOpen = false;
  }

  /** Adds to what has been counted for an address. */
  count(ip: Ip, { requests, responses, gratuitous }: Omit<AddressCounters, 'ip'>): void {
    const counters = this.#answered.get(ip)!;
    counters.requests += requests;
    counters.responses += responses;
    counters.gratuitous += gratuitous;
    this.events.onCounted(counters);
  }
}
