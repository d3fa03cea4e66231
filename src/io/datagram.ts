import type { Ip, IpFamily } from '../lib/ip.ts';
import { close, Constant, receiveFrom, setSocketOption, socket } from './libc.ts';
import { addressFamily, socketAddressIp, socketAddressLength, socketAddressPort } from './socket-address.ts';
import { isSystemError } from './system-error.ts';

/** An interface by both of its names. */
export type Device = { readonly index: number; readonly name: string };

/** Takes a datagram and its sender. The next datagram will lie in the same memory: no view of it may be kept. */
export type OnDatagram = (datagram: Uint8Array, from: Ip, port: number) => void;

/** What says that there is no way to send now: no interface, address or route, a packet filter, no room. */
const noWay = [
  ...['ENETDOWN', 'ENODEV', 'ENXIO', 'ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'ENONET'],
  ...['EPERM', 'EACCES', 'EINVAL', 'EMSGSIZE', 'ENOBUFS', 'ENOMEM'],
];

/** Class selector 6, network control (RFC 4594 section 3.1): what switches and Wi-Fi send before anything else. */
const networkControl = 0xc0;

/** The same for the queues of this host: the highest priority that needs no capability. */
const highPriority = 6;

/** Opens a UDP socket that sends and receives by the device only, if there is one. Throws `SystemError`. */
export const openDatagramSocket = (family: IpFamily, device: Device | undefined): number => {
  const fd = socket(addressFamily(family), Constant.SOCK_DGRAM | Constant.SOCK_CLOEXEC, 0);
  try {
    if (family === 'IPv4') setNumber(fd, Constant.SOL_IP, Constant.IP_TOS, networkControl);
    else {
      setNumber(fd, Constant.SOL_IPV6, Constant.IPV6_V6ONLY, 1);
      setNumber(fd, Constant.SOL_IPV6, Constant.IPV6_TCLASS, networkControl);
    }
    setNumber(fd, Constant.SOL_SOCKET, Constant.SO_PRIORITY, highPriority); // after IP_TOS, which sets it too
    if (device !== undefined)
      setSocketOption(fd, Constant.SOL_SOCKET, Constant.SO_BINDTODEVICE, new TextEncoder().encode(`${device.name}\0`));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
};

/** Sets an option that is an `int`. */
export const setNumber = (fd: number, level: number, name: number, value: number): void =>
  setSocketOption(fd, level, name, Int32Array.of(value));

/** Whether a call that sends or looks for the way succeeds: gives no -1. False where there is no way or no room now. */
export const succeeds = (call: () => number): boolean => {
  try {
    return call() >= 0;
  } catch (error) {
    if (!isSystemError(error, ...noWay)) throw error;
    return false;
  }
};

/** Takes datagrams from sockets, into one piece of memory. */
export class DatagramReceiver {
  readonly #bytes: Uint8Array;
  readonly #address = new Uint8Array(socketAddressLength);
  readonly #addressView = new DataView(this.#address.buffer);
  readonly #addressLength = new Int32Array(1);

  /** Datagrams longer than `longest` are dropped. */
  constructor(longest: number) {
    this.#bytes = new Uint8Array(longest);
  }

  /** Hands over at most `limit` queued datagrams; how many were taken. Throws what the socket has been told. */
  receive(fd: number, limit: number, onDatagram: OnDatagram): number {
    for (let count = 0; count < limit; count++) {
      this.#addressLength[0] = socketAddressLength;
      const flags = Constant.MSG_DONTWAIT | Constant.MSG_TRUNC; // with which the length is the datagram's
      const length = receiveFrom(fd, this.#bytes, flags, this.#address, this.#addressLength);
      if (length < 0) return count;
      if (length > this.#bytes.length) continue;
      onDatagram(
        this.#bytes.subarray(0, length),
        socketAddressIp(this.#addressView),
        socketAddressPort(this.#addressView),
      );
    }
    return limit;
  }
}
