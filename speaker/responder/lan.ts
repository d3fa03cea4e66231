import { randomBytes } from 'node:crypto';
import { hasCarrier, receivedFrames } from '../../src/io/carrier.ts';
import type { PacketSocket } from '../../src/io/packet-socket.ts';
import { openProbeSocket } from '../../src/io/probe-socket.ts';
import { UdpSocket } from '../../src/io/udp-socket.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
import type { OwnershipEvent } from '../../src/proto/ownership/machine.ts';
import { createOwnership } from '../../src/proto/ownership/ownership.ts';
import { beaconGroups } from '../../src/proto/ownership/transport.ts';
import type { InterfaceAddress } from '../../src/proto/rtnetlink/address.ts';
import { BeaconSockets } from './beacon-sockets.ts';
import { Diagnoses } from './diagnoses.ts';
import { openFrameBeacons } from './frame-beacons.ts';
import { createInspections } from './inspections.ts';
import { KernelWatch } from './kernel-watch.ts';
import { openLanPort } from './lan-ports.ts';
import { isOnLink, lowersOf, ownershipLinks } from './links.ts';
import { createLocalBindings, type LocalBindings } from './local-bindings.ts';
import type { ResponderCommand, ResponderOptions, ResponderReport } from './messages.ts';
import { createOwnershipDriver, type OwnershipDriver } from './ownership-driver.ts';
import type { LanPort } from './port.ts';
import { arpIgnoreOf, gatewaysOf } from './proc-net.ts';
import { Responder } from './responder.ts';
import { createSealer } from './sealer.ts';
import { createSegments } from './segments.ts';

export type LanOptions = ResponderOptions & {
  readonly now: () => Millis;
  readonly report: (report: ResponderReport) => void;
};

/** The descriptors to wait for, by what is to be done where one is ready. */
export type LanSockets = {
  readonly beacons: readonly number[];
  readonly kernel: readonly number[];
  readonly diagnoses: readonly number[];
  readonly ports: readonly LanPort<PacketSocket>[];
};

/** Datagrams taken in one turn: all that the buffers hold of an honest cluster, some milliseconds of a flood. */
const datagramsPerTurn = 4096;

/** The sockets of this node on its LAN, wired to what decides by them. The owner closes it. */
export class Lan {
  readonly #options: LanOptions;
  readonly #kernel: KernelWatch;
  readonly #sealer: ReturnType<typeof createSealer> | undefined;
  readonly #responder: Responder<PacketSocket>;
  readonly #beacons: BeaconSockets;
  readonly #diagnoses: Diagnoses;
  readonly #bindings: LocalBindings;
  readonly #segments = createSegments();
  readonly #driver: OwnershipDriver;
  /** Addresses by the index of the interface, and names. */
  readonly #addresses = new Map<number, InterfaceAddress[]>();
  readonly #names = new Map<number, string>();
  #servedNames: readonly string[] = [];
  #areSocketsChanged = true;
  #isTouched = true;

  constructor(options: LanOptions) {
    const { node, now, report } = options;
    this.#options = options;
    this.#kernel = new KernelWatch();
    this.#sealer = options.secret === undefined ? undefined : createSealer(options.secret);
    const segments = this.#segments;
    this.#responder = new Responder({
      openPort: openLanPort,
      report,
      onSighting: (sighting) => this.#step({ type: 'sighted', ...sighting }, now()),
      onAnswered: (index, ip, mac) => {
        this.#isTouched = true;
        this.#driver.answered(index, ip, mac, now());
      },
      segmentOf: segments.segmentOf,
    });
    const port = options.beaconPort;
    this.#beacons = new BeaconSockets({
      openUdp: (family, device) =>
        new UdpSocket({ family, port, device, group: device === undefined ? undefined : beaconGroups[family] }),
      openFrames: openFrameBeacons,
      port,
      groups: beaconGroups,
      report,
    });
    this.#diagnoses = new Diagnoses({
      openProbe: (to, device) => openProbeSocket(to, port, device),
      askKernel: (index, ip, mac, at) => this.#responder.ask(index, ip, mac, at),
    });
    const epoch = random64();
    const { isProbing } = options;
    this.#driver = createOwnershipDriver({
      node,
      epoch,
      machine: createOwnership({ node, epoch, random64, hasBeacon: this.#sealer !== undefined, isProbing }),
      sealer: this.#sealer,
      beacons: this.#beacons,
      responder: this.#responder,
      diagnoses: this.#diagnoses,
      inspections: createInspections((index) => receivedFrames(this.#names.get(index) ?? '')),
      segments,
      isOnLink: (index, from) => isOnLink(this.#addresses.get(index) ?? [], from),
      hasCarrier: (name) => hasCarrier(this.#kernel.fds()[0]!, name),
      gateways: gatewaysOf,
      onSocketsChanged: () => (this.#areSocketsChanged = true),
      report,
    });
    this.#bindings = createLocalBindings({
      addresses: () => this.#kernel.addresses(),
      nameOf: (index) => this.#names.get(index),
      served: () => this.#servedNames,
      arpIgnore: arpIgnoreOf,
    });
  }

  /** The descriptors to wait for, if they have changed since they were last given. */
  takeSockets(): LanSockets | undefined {
    if (!this.#areSocketsChanged) return undefined;
    this.#areSocketsChanged = false;
    return {
      beacons: this.#beacons.fds(),
      kernel: this.#kernel.fds(),
      diagnoses: this.#diagnoses.fds(),
      ports: [...this.#responder.ports()],
    };
  }

  /** Takes one order of the main thread. */
  obey(command: Exclude<ResponderCommand, { readonly type: 'stop' | 'shrink' }>, now: Millis): void {
    switch (command.type) {
      case 'key':
        this.#sealer?.replaceKey(command.secret, now);
        return;
      case 'leave':
        return this.#step({ type: 'leave', by: millis(now + command.within) }, now);
      case 'groups':
        this.#bindings.groups(command.changed, command.removed, now);
        return this.#step(command, now);
      default:
        this.#step(command, now);
    }
  }

  /** Takes all beacons that are queued at sockets that are ready, by their position; false if there were none. */
  receiveBeacons(isReady: (position: number) => boolean, now: Millis): boolean {
    const count = this.#beacons.receive(datagramsPerTurn, isReady, (datagram, from, index, way) =>
      this.#driver.received(datagram, from, index, way, now),
    );
    if (count > 0) this.#isTouched = true;
    return count > 0;
  }

  /** Takes what the kernel tells of links and addresses. */
  receiveKernel(now: Millis): void {
    this.#isTouched = true;
    const toNotify: number[] = [];
    this.#kernel.receive((index) => toNotify.push(index));
    if (!this.#kernel.isComplete()) return;
    this.#names.clear();
    for (const { index, name } of this.#kernel.links()) this.#names.set(index, name);
    this.#addresses.clear();
    for (const address of this.#kernel.addresses()) {
      const known = this.#addresses.get(address.interface);
      if (known === undefined) this.#addresses.set(address.interface, [address]);
      else known.push(address);
    }
    const { excluded } = this.#options;
    const isExcluded = (name: string): boolean => excluded.some((pattern) => pattern.test(name));
    const links = ownershipLinks(this.#kernel.links(), this.#kernel.addresses(), isExcluded);
    this.#servedNames = links.map(({ name }) => name);
    if (this.#segments.setLowers(lowersOf(this.#kernel.links()))) this.#responder.placeAgain(now);
    this.#driver.setLinks(links, now);
    this.#bindings.hostChanged(now);
    for (const index of toNotify) this.#responder.announceAll(index, now);
  }

  /** Takes what came to the sockets of diagnoses. */
  receiveFindings(now: Millis): void {
    this.#isTouched = true;
    this.#driver.receiveFindings(now);
  }

  /** Whether `turn` has something to do though nothing is due. */
  get isTouched(): boolean {
    return this.#isTouched;
  }

  /** Does what is due, and completes what has been taken; before this, all that has come is read. */
  turn(now: Millis): void {
    this.#isTouched = false;
    this.#kernel.turn(now);
    this.#driver.turn(now);
    this.#responder.settle();
    if (this.#responder.turn(now) || this.#beacons.turn(now)) this.#areSocketsChanged = true;
    for (const report of this.#bindings.turn(now)) this.#options.report(report);
  }

  /** When `turn` has something to do. */
  nextDeadline(): Millis {
    const next = Math.min(
      this.#driver.nextDeadline(),
      this.#responder.nextDeadline(),
      this.#beacons.nextDeadline(),
      this.#kernel.nextDeadline(),
      this.#bindings.nextDeadline(),
    );
    return millis(next);
  }

  /** Closes every socket: nothing is answered any more. */
  close(): void {
    this.#responder.close(this.#options.now());
    this.#beacons.close();
    this.#diagnoses.close();
    this.#kernel.close();
  }

  #step(event: OwnershipEvent, now: Millis): void {
    this.#isTouched = true;
    this.#driver.step(event, now);
  }
}

const random64 = (): bigint => randomBytes(8).readBigUInt64LE();
