import type { Device } from '../../src/io/datagram.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type { OwnershipEffect, OwnershipEvent } from '../../src/proto/ownership/machine.ts';

/** A socket that asks one host. `ProbeSocket` is the real one. */
export type Probe = {
  readonly fd: number;
  /** The host has said that nobody has the port, perhaps in the middle of `send`. */
  readonly isRefused: boolean;
  readonly send: (datagram: Uint8Array) => boolean;
  readonly receive: (onDatagram: () => void) => void;
  readonly close: () => void;
};

export type DiagnosesPorts = {
  /** Undefined where no way leads to the host. Throws `SystemError` where there are no more descriptors. */
  readonly openProbe: (to: Ip, device: Device) => Probe | undefined;
  /** Asks the kernel of the host with that MAC, and it alone, for an address on an interface. */
  readonly askKernel: (interfaceIndex: number, ip: Ip, mac: Mac, now: Millis) => void;
};

/** What the machine asks about a silent owner. */
type Question = Pick<Extract<OwnershipEffect, { readonly type: 'diagnose' }>, 'node' | 'interface' | 'address' | 'mac'>;

type Diagnosed = Extract<OwnershipEvent, { readonly type: 'diagnosed' }>;

/** Whatever has not come by then is of no use. */
const lifetime = seconds(1);

/**
 * When the port is asked again: a process that was killed keeps its sockets for a while. Linux refuses six times in a row
 * before it does so once a second.
 */
const repeats = [25, 75, 150, 300].map(millis);

/** More at once than a cluster has nodes that fail together. */
const mostOpen = 64;

type Diagnosis = Question & {
  readonly probe: Probe | undefined;
  readonly datagrams: readonly Uint8Array[];
  readonly startedAt: Millis;
  asked: number;
};

/** When there is something to do about a diagnosis. */
const dueAt = (diagnosis: Diagnosis): number =>
  diagnosis.probe?.isRefused === true ? diagnosis.startedAt : askAgainAt(diagnosis);

const askAgainAt = ({ startedAt, asked, probe }: Diagnosis): number =>
  startedAt + (probe === undefined ? lifetime : (repeats[asked] ?? lifetime));

/** Questions to silent owners that have not been answered yet. Its owner closes it. */
export class Diagnoses {
  readonly #world: DiagnosesPorts;
  #open: readonly Diagnosis[] = [];

  constructor(world: DiagnosesPorts) {
    this.#world = world;
  }

  /** Descriptors to wait for. */
  fds(): number[] {
    return this.#open.flatMap(({ probe }) => (probe === undefined ? [] : [probe.fd]));
  }

  /** Asks the beacon port, with these datagrams, and the kernel. True if that opened a socket. */
  begin(question: Question, device: Device, datagrams: readonly Uint8Array[], now: Millis): boolean {
    if (this.#open.length >= mostOpen) this.#end(this.#open[0]!);
    const probe = this.#world.openProbe(question.address, device);
    for (const datagram of datagrams) probe?.send(datagram);
    this.#world.askKernel(question.interface, question.address, question.mac, now);
    this.#open = [...this.#open, { ...question, probe, datagrams, startedAt: now, asked: 0 }];
    return probe !== undefined;
  }

  /** What the answer of a kernel to any question means here. */
  answered(interfaceIndex: number, ip: Ip, mac: Mac): readonly Diagnosed[] {
    return this.#open
      .filter((each) => each.interface === interfaceIndex && each.address === ip && each.mac === mac)
      .map(({ node }) => ({ type: 'diagnosed', node, interface: interfaceIndex, finding: 'hostAnswers' }));
  }

  /** Takes what has come to the sockets, also in the middle of a question. */
  receive(): readonly Diagnosed[] {
    const found: Diagnosed[] = [];
    for (const diagnosis of this.#open) {
      // An answer of the speaker comes to the beacon port.
      diagnosis.probe?.receive(() => {});
      if (diagnosis.probe?.isRefused !== true) continue;
      const { node, interface: interfaceIndex } = diagnosis;
      found.push({ type: 'diagnosed', node, interface: interfaceIndex, finding: 'portUnreachable' });
      this.#end(diagnosis);
    }
    return found;
  }

  /** When `turn`, and `receive` before it, have something to do. */
  nextDeadline(): Millis {
    return millis(Math.min(Infinity, ...this.#open.map(dueAt)));
  }

  /** Asks again, and ends what is too old. True if that closed a socket. */
  turn(now: Millis): boolean {
    if (now < this.nextDeadline()) return false;
    const count = this.#open.length;
    for (const diagnosis of this.#open) {
      if (now < askAgainAt(diagnosis)) continue;
      if (now >= diagnosis.startedAt + lifetime) this.#end(diagnosis);
      else this.#askAgain(diagnosis, now);
    }
    return this.#open.length < count;
  }

  close(): void {
    for (const diagnosis of this.#open) this.#end(diagnosis);
  }

  #askAgain(diagnosis: Diagnosis, now: Millis): void {
    for (const datagram of diagnosis.datagrams) diagnosis.probe?.send(datagram);
    while (askAgainAt(diagnosis) <= now) diagnosis.asked += 1; // a late turn makes up for nothing
  }

  #end(diagnosis: Diagnosis): void {
    diagnosis.probe?.close();
    this.#open = this.#open.filter((each) => each !== diagnosis);
  }
}
