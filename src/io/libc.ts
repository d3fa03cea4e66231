import koffi from 'koffi';
import { SystemError } from './system-error.ts';

/** Numbers of linux/if_ether.h, sys/socket.h and friends; the same on every architecture we run on. */
export const Constant = {
  AF_INET: 2,
  AF_INET6: 10,
  AF_NETLINK: 16,
  AF_PACKET: 17,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_RCVBUF: 8,
  SO_PRIORITY: 12,
  SO_RCVTIMEO: 20,
  SO_BINDTODEVICE: 25,
  SO_ATTACH_FILTER: 26,
  SO_DETACH_FILTER: 27,
  SO_RCVBUFFORCE: 33,
  SOL_IP: 0,
  IP_TOS: 1,
  IP_MULTICAST_TTL: 33,
  IP_MULTICAST_LOOP: 34,
  IP_ADD_MEMBERSHIP: 35,
  IP_DROP_MEMBERSHIP: 36,
  IP_MULTICAST_ALL: 49,
  SOL_IPV6: 41,
  IPV6_MULTICAST_HOPS: 18,
  IPV6_MULTICAST_LOOP: 19,
  IPV6_ADD_MEMBERSHIP: 20,
  IPV6_DROP_MEMBERSHIP: 21,
  IPV6_V6ONLY: 26,
  IPV6_MULTICAST_ALL: 29,
  IPV6_TCLASS: 67,
  SOL_PACKET: 263,
  PACKET_ADD_MEMBERSHIP: 1,
  PACKET_RX_RING: 5,
  PACKET_VERSION: 10,
  PACKET_IGNORE_OUTGOING: 23,
  TPACKET_V2: 1,
  NETLINK_ROUTE: 0,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  SIOCETHTOOL: 0x8946,
  PROT_READ_WRITE: 3,
  MAP_SHARED: 1,
  POLLIN: 1,
  EFD_CLOEXEC: 0o2000000,
  EFD_NONBLOCK: 0o4000,
} as const;

/** Memory that a call reads or fills. */
type Memory = Uint8Array | Int32Array | BigInt64Array;

/** Without a path koffi looks into the process itself, which has the C library loaded, glibc or musl. */
const library = koffi.load(null);

const { EINTR, EAGAIN } = koffi.os.errno as { readonly EINTR: number; readonly EAGAIN: number };

type Call = (...args: readonly (number | Memory)[]) => number;

const native = {
  socket: library.func('int socket(int, int, int)') as Call,
  bind: library.func('int bind(int, void *, uint32_t)') as Call,
  connect: library.func('int connect(int, void *, uint32_t)') as Call,
  setsockopt: library.func('int setsockopt(int, int, int, void *, uint32_t)') as Call,
  send: library.func('long send(int, void *, size_t, int)') as Call,
  recv: library.func('long recv(int, void *, size_t, int)') as Call,
  sendto: library.func('long sendto(int, void *, size_t, int, void *, uint32_t)') as Call,
  recvfrom: library.func('long recvfrom(int, void *, size_t, int, void *, void *)') as Call,
  // Declared with all its arguments: Linux passes the variable ones of a call like the others.
  ioctl: library.func('int ioctl(int, unsigned long, void *)') as Call,
  poll: library.func('int poll(void *, unsigned long, int)') as Call,
  eventfd: library.func('int eventfd(unsigned int, int)') as Call,
  read: library.func('long read(int, void *, size_t)') as Call,
  close: library.func('int close(int)') as Call,
  mmap: library.func('intptr_t mmap(void *, size_t, int, int, int, long)') as (
    ...args: readonly (number | null)[]
  ) => number | bigint,
  munmap: library.func('int munmap(intptr_t, size_t)') as (address: bigint, length: number) => number,
};

/** Throws what `errno` says about a call that has just given -1. */
const failed = (syscall: keyof typeof native): never => {
  throw new SystemError(syscall, koffi.errno());
};

/** -1 where a call that waits or transfers would block or a signal came; throws otherwise. */
const nothingYet = (syscall: keyof typeof native): -1 => {
  const errno = koffi.errno();
  return errno === EAGAIN || errno === EINTR ? -1 : failed(syscall);
};

// The functions below throw `SystemError`. Those that wait or transfer give -1 where they would block or a signal came.

/** socket(2): a new file descriptor. */
export const socket = (domain: number, type: number, protocol: number): number => {
  const fd = native.socket(domain, type, protocol);
  return fd >= 0 ? fd : failed('socket');
};

/** bind(2); `address` is a `struct sockaddr` of some family. */
export const bind = (fd: number, address: Memory): void => {
  if (native.bind(fd, address, address.byteLength) < 0) failed('bind');
};

/** connect(2), of a datagram socket: it sends to this address, and receives from it, alone. */
export const connect = (fd: number, address: Memory): number =>
  native.connect(fd, address, address.byteLength) < 0 ? failed('connect') : 0;

/** setsockopt(2) */
export const setSocketOption = (fd: number, level: number, name: number, value: Memory): void => {
  if (native.setsockopt(fd, level, name, value, value.byteLength) < 0) failed('setsockopt');
};

/** send(2): octets sent. */
export const send = (fd: number, bytes: Memory, length: number, flags: number): number => {
  const sent = native.send(fd, bytes, length, flags);
  return sent >= 0 ? sent : nothingYet('send');
};

/** recv(2): octets received into `bytes`. */
export const receive = (fd: number, bytes: Memory, length: number, flags: number): number => {
  const received = native.recv(fd, bytes, length, flags);
  return received >= 0 ? received : nothingYet('recv');
};

/** sendto(2): octets sent. */
export const sendTo = (fd: number, bytes: Memory, flags: number, address: Memory): number => {
  const sent = native.sendto(fd, bytes, bytes.byteLength, flags, address, address.byteLength);
  return sent >= 0 ? sent : nothingYet('sendto');
};

/** recvfrom(2): octets received into `bytes`, and in `address` from whom; `addressLength` holds the room there is. */
export const receiveFrom = (
  fd: number,
  bytes: Memory,
  flags: number,
  address: Memory,
  addressLength: Int32Array,
): number => {
  const received = native.recvfrom(fd, bytes, bytes.byteLength, flags, address, addressLength);
  return received >= 0 ? received : nothingYet('recvfrom');
};

/** ioctl(2) */
export const ioctl = (fd: number, request: number, argument: Memory): void => {
  if (native.ioctl(fd, request, argument) < 0) failed('ioctl');
};

/** poll(2): how many descriptors are ready; `fds` holds a `struct pollfd` per two elements, `timeout` is in ms. */
export const poll = (fds: Int32Array, timeout: number): number => {
  const ready = native.poll(fds, fds.length / 2, timeout);
  return ready >= 0 ? ready : nothingYet('poll');
};

/** eventfd(2): a new descriptor that holds a counter. */
export const eventFd = (initial: number, flags: number): number => {
  const fd = native.eventfd(initial, flags);
  return fd >= 0 ? fd : failed('eventfd');
};

/** read(2): octets read into `bytes`. */
export const read = (fd: number, bytes: Memory): number => {
  const length = native.read(fd, bytes, bytes.byteLength);
  return length >= 0 ? length : nothingYet('read');
};

/** close(2); the descriptor is free again even where a signal came. */
export const close = (fd: number): void => {
  if (native.close(fd) < 0) nothingYet('close');
};

/** Where `memory` lies, for structures that hold pointers. The caller keeps `memory` alive. */
export const addressOf = (memory: Memory): bigint => koffi.address(memory);

/** mmap(2) of the memory behind a descriptor; who maps it unmaps it, and touches it no more from then on. */
export const mapMemory = (fd: number, length: number): { readonly address: bigint; readonly memory: ArrayBuffer } => {
  const address = BigInt(native.mmap(null, length, Constant.PROT_READ_WRITE, Constant.MAP_SHARED, fd, 0));
  if (address === -1n) failed('mmap');
  return { address, memory: koffi.view(address, length) };
};

/** munmap(2) */
export const unmapMemory = (address: bigint, length: number): void => {
  if (native.munmap(address, length) < 0) failed('munmap');
};
