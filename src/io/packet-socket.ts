import type { Mac } from '../lib/mac.ts';
import { addressOf, bind, close, Constant, receive, send, setSocketOption, socket } from './libc.ts';
import { ReceiveRing } from './receive-ring.ts';
import { isSystemError } from './system-error.ts';

/** Filters for the same purpose, the best first, each smaller than the one before: `struct sock_filter`s (linux/filter.h). */
export type FilterChoice = Iterable<Uint8Array>;

/** How many octets of a frame are handed over unless asked for more: the 42 of ARP, in whole words. */
const keptOfArp = 44;

export type PacketSocketOptions = {
  /** Frames queue up in a ring shared with the kernel, or, if asked for or without rings, where those of any socket do. */
  readonly queue?: 'ring' | 'socket';
  /** How many octets of a frame are handed over at most, a multiple of 4; 44 if undefined. */
  readonly keptLength?: number | undefined;
};

/** How a socket says, once, that its interface went down or has gone; rtnetlink tells the rest. */
const linkGone = ['ENETDOWN', 'ENODEV', 'ENXIO'] as const;

/**
 * A packet(7) socket for the frames of one protocol on one interface, Ethernet headers included. Needs CAP_NET_RAW.
 * The owner closes it.
 */
export class PacketSocket {
  readonly fd: number;
  readonly #interfaceIndex: number;
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  /** Without it frames come by recv(2). */
  readonly #ring: ReceiveRing | undefined;

  /**
   * Opens the socket deaf, gives it the filter and only then binds it, so that nothing unfiltered is ever queued.
   */
  constructor(
    interfaceIndex: number,
    etherType: number,
    choices: FilterChoice,
    { queue = 'ring', keptLength = keptOfArp }: PacketSocketOptions = {},
  ) {
    this.#interfaceIndex = interfaceIndex;
    this.#buffer = new Uint8Array(keptLength);
    this.#view = new DataView(this.#buffer.buffer);
    using undo = new DisposableStack();
    this.fd = undo.adopt(socket(Constant.AF_PACKET, Constant.SOCK_RAW | Constant.SOCK_CLOEXEC, 0), close);
    ignoreOutgoing(this.fd);
    this.setFilter(choices);
    this.#ring = undo.adopt(queue === 'ring' ? openRing(this.fd, keptLength) : undefined, (ring) => ring?.close());
    const address = new Uint8Array(20); // struct sockaddr_ll
    const view = new DataView(address.buffer);
    view.setUint16(0, Constant.AF_PACKET, true);
    view.setUint16(2, etherType); // in network order
    view.setInt32(4, interfaceIndex, true);
    bind(this.fd, address);
    undo.move();
  }

  /**
   * Replaces the filter. Where the kernel grants no memory for it beside the old one, the old one goes first; where
   * that is not enough, the next choice is tried, and after the last the socket stays without a filter.
   */
  setFilter(choices: FilterChoice): void {
    for (const program of choices) {
      if (attach(this.fd, program)) return;
      detach(this.fd);
      if (attach(this.fd, program)) return;
    }
  }

  /**
   * Has the network adapter pass the frames of a multicast address as long as the socket is open; switches are not told.
   * An interface that has gone has none.
   */
  joinGroup(group: Mac): void {
    const request = new Uint8Array(16); // struct packet_mreq
    const view = new DataView(request.buffer);
    view.setInt32(0, this.#interfaceIndex, true);
    view.setUint16(4, PACKET_MR_MULTICAST, true);
    view.setUint16(6, 6, true); // octets of the address
    view.setUint16(8, Math.floor(group / 0x1_0000_0000));
    view.setUint32(10, group % 0x1_0000_0000);
    try {
      setSocketOption(this.fd, Constant.SOL_PACKET, Constant.PACKET_ADD_MEMBERSHIP, request);
    } catch (error) {
      if (!isSystemError(error, ...linkGone)) throw error;
    }
  }

  /** Whether a frame is known to wait; costs no system call. */
  get hasFrame(): boolean {
    return this.#ring?.hasFrame ?? false;
  }

  /**
   * Hands over the first `keptLength` octets of at most `limit` queued frames, one after the other, in the same piece of
   * memory. Between two of them `sendBack` sends what the frame has been turned into.
   */
  receive(limit: number, onFrame: (frame: DataView, length: number) => void): void {
    try {
      for (let count = 0; count < limit; count++) {
        const length = this.#ring === undefined ? this.#receive() : this.#ring.take(this.#view);
        if (length < 0) {
          // What wakes poll(2) without a frame is an error; it goes on waking until recv(2) has asked for it.
          if (count === 0) this.#receive();
          return;
        }
        onFrame(this.#view, length);
      }
    } catch (error) {
      if (!isSystemError(error, ...linkGone)) throw error;
    }
  }

  /** Sends the first octets of the memory that `receive` hands over; false as `send` says it. */
  sendBack(length: number): boolean {
    return this.#send(this.#buffer, length);
  }

  /** Sends one frame; false where a queue is full, the frame is too long, or the interface is down or gone. */
  send(frame: Uint8Array): boolean {
    return this.#send(frame, frame.length);
  }

  #receive(): number {
    return receive(this.fd, this.#buffer, this.#buffer.length, Constant.MSG_DONTWAIT);
  }

  #send(bytes: Uint8Array, length: number): boolean {
    try {
      return send(this.fd, bytes, length, Constant.MSG_DONTWAIT) >= 0;
    } catch (error) {
      if (!isSystemError(error, 'ENOBUFS', 'EMSGSIZE', ...linkGone)) throw error;
      return false;
    }
  }

  close(): void {
    this.#ring?.close();
    close(this.fd);
  }
}

/** The kind of membership that is for one address (linux/if_packet.h). */
const PACKET_MR_MULTICAST = 0;

/** Undefined where the kernel has no rings or no memory for one, and in emulators. */
const openRing = (fd: number, keptLength: number): ReceiveRing | undefined => {
  try {
    return new ReceiveRing(fd, keptLength);
  } catch (error) {
    if (!isSystemError(error, 'ENOPROTOOPT', 'EOPNOTSUPP', 'EINVAL', 'ENOMEM')) throw error;
    return undefined;
  }
};

/** Not all kernels have it (4.20), and sockets for a single protocol see no outgoing frames anyway. */
const ignoreOutgoing = (fd: number): void => {
  try {
    setSocketOption(fd, Constant.SOL_PACKET, Constant.PACKET_IGNORE_OUTGOING, Int32Array.of(1));
  } catch (error) {
    if (!isSystemError(error, 'ENOPROTOOPT')) throw error;
  }
};

/** False where the kernel grants no memory (`net.core.optmem_max`). */
const attach = (fd: number, program: Uint8Array): boolean => {
  const argument = new Uint8Array(16); // struct sock_fprog
  const view = new DataView(argument.buffer);
  view.setUint16(0, program.length / 8, true);
  view.setBigUint64(8, addressOf(program), true);
  try {
    setSocketOption(fd, Constant.SOL_SOCKET, Constant.SO_ATTACH_FILTER, argument);
    return true;
  } catch (error) {
    if (!isSystemError(error, 'ENOMEM')) throw error;
    return false;
  }
};

const detach = (fd: number): void => {
  try {
    setSocketOption(fd, Constant.SOL_SOCKET, Constant.SO_DETACH_FILTER, Int32Array.of(0));
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error; // there was none
  }
};
