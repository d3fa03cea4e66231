import { familyOf, type Ip } from '../lib/ip.ts';
import { DatagramReceiver, type Device, type OnDatagram, openDatagramSocket, succeeds } from './datagram.ts';
import { close, connect, Constant, send } from './libc.ts';
import { encodeSocketAddress } from './socket-address.ts';
import { SystemError } from './system-error.ts';

/** Longer datagrams are dropped. */
const longestDatagram = 2048;

/** Answers taken at once. */
const answersPerTurn = 16;

/**
 * A UDP socket that asks one port of one host, and learns whether a program listens there: if none does, the host's
 * kernel says port unreachable, once a second to each asker (RFC 1122 section 3.2.2.1, RFC 4443 section 3.1). The owner
 * closes it.
 */
export class ProbeSocket {
  readonly fd: number;
  readonly #receiver = new DatagramReceiver(longestDatagram);
  #isRefused = false;

  /** Takes a connected socket over; see `openProbeSocket`. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** Whether the host has said that nobody has the port; where `send` learnt it, no poll(2) tells. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Sends one datagram; false where no way leads there now, a packet filter objects or a queue is full. */
  send(datagram: Uint8Array): boolean {
    const transfer = (): number => send(this.fd, datagram, datagram.length, Constant.MSG_DONTWAIT);
    return this.#hearing(() => succeeds(transfer)) ?? false;
  }

  /** Hands over the answers that are queued. */
  receive(onDatagram: OnDatagram): void {
    this.#hearing(() => this.#receiver.receive(this.fd, answersPerTurn, onDatagram));
  }

  close(): void {
    close(this.fd);
  }

  /**
   * Whatever hosts and routers say by ICMP comes as the error of the next call: any error, since anybody may say
   * anything. Nothing but a refusal is of interest.
   */
  #hearing<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      if (!(error instanceof SystemError) || error.code === 'EBADF') throw error;
      if (error.code === 'ECONNREFUSED') this.#isRefused = true;
      return undefined;
    }
  }
}

/**
 * Opens a socket that asks the port of a host, by the device only if there is one; undefined where no way leads there.
 * Throws `SystemError` where there are no more descriptors.
 */
export const openProbeSocket = (to: Ip, port: number, device: Device | undefined): ProbeSocket | undefined => {
  using undo = new DisposableStack();
  let socket: ProbeSocket | undefined;
  const isConnected = succeeds(() => {
    const fd = undo.adopt(openDatagramSocket(familyOf(to), device), close);
    socket = new ProbeSocket(fd);
    return connect(fd, encodeSocketAddress(to, port, device?.index ?? 0));
  });
  if (!isConnected) return undefined;
  undo.move();
  return socket;
};
