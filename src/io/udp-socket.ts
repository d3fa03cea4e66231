import type { Ip, IpFamily } from '../lib/ip.ts';
import { DatagramReceiver, type Device, type OnDatagram, openDatagramSocket, setNumber, succeeds } from './datagram.ts';
import { bind, close, Constant, sendTo, setSocketOption } from './libc.ts';
import { encodeMembership, encodeSocketAddress } from './socket-address.ts';
import { isSystemError } from './system-error.ts';

export type UdpSocketOptions = {
  readonly family: IpFamily;
  /** 0: any that is free. */
  readonly port: number;
  /** Sends and receives by this interface only; undefined: by whatever way leads there. */
  readonly device: Device | undefined;
  /** A multicast group of the family, to be joined on the device. */
  readonly group: Ip | undefined;
};

/** Longer datagrams are dropped. */
const longestDatagram = 2048;

/** How much may wait to be received, in octets; the kernel grants at most twice `net.core.rmem_max`. */
const receiveBuffer = 1 << 20;

/**
 * A UDP socket on a port that it shares with others of ours, each on its interface. Multicast leaves with TTL 1 and does
 * not come back to this host. Needs CAP_NET_RAW before Linux 5.7, nothing later. The owner closes it.
 */
export class UdpSocket {
  readonly fd: number;
  readonly #deviceIndex: number;
  readonly #receiver = new DatagramReceiver(longestDatagram);

  /**
   * Throws `SystemError`: `ENODEV` where the device has gone, or does not speak the family and so cannot join the group
   * (`EINVAL` as well); `EAFNOSUPPORT` where the host does not; `EADDRINUSE` where a program keeps the port to itself.
   */
  constructor({ family, port, device, group }: UdpSocketOptions) {
    using undo = new DisposableStack();
    this.fd = undo.adopt(openDatagramSocket(family, device), close);
    this.#deviceIndex = device?.index ?? 0;
    setNumber(this.fd, Constant.SOL_SOCKET, Constant.SO_REUSEADDR, 1);
    setNumber(this.fd, Constant.SOL_SOCKET, Constant.SO_RCVBUF, receiveBuffer);
    if (family === 'IPv4') keepToGroupsV4(this.fd);
    else keepToGroupsV6(this.fd);
    bind(this.fd, encodeSocketAddress((family === 'IPv4' ? '0.0.0.0' : '::') as Ip, port, 0));
    if (group !== undefined) {
      const membership = encodeMembership(group, this.#deviceIndex);
      if (family === 'IPv4') setSocketOption(this.fd, Constant.SOL_IP, Constant.IP_ADD_MEMBERSHIP, membership);
      else setSocketOption(this.fd, Constant.SOL_IPV6, Constant.IPV6_ADD_MEMBERSHIP, membership);
    }
    undo.move();
  }

  /** Sends one datagram; false where no way leads there now, a packet filter objects or a queue is full. */
  send(datagram: Uint8Array, to: Ip, port: number): boolean {
    const address = encodeSocketAddress(to, port, this.#deviceIndex);
    return succeeds(() => sendTo(this.fd, datagram, Constant.MSG_DONTWAIT, address));
  }

  /** Hands over at most `limit` queued datagrams; how many were taken. Where the interface has gone none comes. */
  receive(limit: number, onDatagram: OnDatagram): number {
    return this.#receiver.receive(this.fd, limit, onDatagram);
  }

  close(): void {
    close(this.fd);
  }
}

// What a socket sends to a group stays on the segment and does not come back to this host; of what comes to a group, it
// receives only where it has joined itself, not whatever any program has joined.

const keepToGroupsV4 = (fd: number): void => {
  setNumber(fd, Constant.SOL_IP, Constant.IP_MULTICAST_TTL, 1);
  setNumber(fd, Constant.SOL_IP, Constant.IP_MULTICAST_LOOP, 0);
  setNumber(fd, Constant.SOL_IP, Constant.IP_MULTICAST_ALL, 0);
};

const keepToGroupsV6 = (fd: number): void => {
  setNumber(fd, Constant.SOL_IPV6, Constant.IPV6_MULTICAST_HOPS, 1);
  setNumber(fd, Constant.SOL_IPV6, Constant.IPV6_MULTICAST_LOOP, 0);
  try {
    setNumber(fd, Constant.SOL_IPV6, Constant.IPV6_MULTICAST_ALL, 0);
  } catch (error) {
    if (!isSystemError(error, 'ENOPROTOOPT')) throw error; // before Linux 4.20
  }
};
