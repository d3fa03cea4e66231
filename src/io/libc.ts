import koffi from 'koffi';
import { SystemError } from './system-error.ts';

/** Numbers of linux/if_ether.h, sys/socket.h and friends; the same on every architecture we run on. */
export const Constant = {
  AF_NETLINK: 16,
  AF_PACKET: 17,
  SOCK_RAW: 3,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_ATTACH_FILTER: 26,
  SO_DETACH_FILTER: 27,
  SOL_PACKET: 263,
  PACKET_IGNORE_OUTGOING: 23,
  NETLINK_ROUTE: 0,
  MSG_DONTWAIT: 0x40,
  POLLIN: 1,
  EFD_CLOEXEC: 0o2000000,
  EFD_NONBLOCK: 0o4000,
} as const;

/** Memory that a call reads or fills. */
type Memory = Uint8Array | Int32Array | BigUint64Array;

type Call = (...args: readonly (number | Memory)[]) => number;

/** Without a path koffi looks into the process itself, which has the C library loaded, glibc or musl. */
const library = koffi.load(null);

const { EINTR, EAGAIN } = koffi.os.errno as { readonly EINTR: number; readonly EAGAIN: number };

/**
 * Binds a function of the C library that fails with -1 and `errno`: EINTR is tried again, EAGAIN gives -1, the rest is
 * thrown as a `SystemError`.
 */
const bindCall = (name: string, parameters: string, result: 'int' | 'long'): Call => {
  const call = library.func(`${result} ${name}(${parameters})`) as Call;
  return (...args) => {
    for (;;) {
      const value = call(...args);
      if (value >= 0) return value;
      const errno = koffi.errno();
      if (errno === EAGAIN) return -1;
      if (errno !== EINTR) throw new SystemError(name, errno);
    }
  };
};

/** socket(2): a new file descriptor. */
export const socket: (domain: number, type: number, protocol: number) => number = bindCall(
  'socket',
  'int, int, int',
  'int',
);

/** bind(2); `address` is a `struct sockaddr` of some family. */
export const bind: (fd: number, address: Memory, length: number) => number = bindCall(
  'bind',
  'int, void *, uint32_t',
  'int',
);

/** setsockopt(2) */
export const setSocketOption: (fd: number, level: number, name: number, value: Memory, length: number) => number =
  bindCall('setsockopt', 'int, int, int, void *, uint32_t', 'int');

/** send(2): octets sent, or -1 where that would block. */
export const send: (fd: number, bytes: Memory, length: number, flags: number) => number = bindCall(
  'send',
  'int, void *, size_t, int',
  'long',
);

/** recv(2): octets received into `bytes`, or -1 where that would block. */
export const receive: (fd: number, bytes: Memory, length: number, flags: number) => number = bindCall(
  'recv',
  'int, void *, size_t, int',
  'long',
);

/** poll(2): how many descriptors are ready; `fds` holds a `struct pollfd` per two elements, `timeout` is in ms. */
export const poll: (fds: Int32Array, count: number, timeout: number) => number = bindCall(
  'poll',
  'void *, unsigned long, int',
  'int',
);

/** eventfd(2): a new descriptor that holds a counter. */
export const eventFd: (initial: number, flags: number) => number = bindCall('eventfd', 'unsigned int, int', 'int');

/** read(2): octets read, or -1 where that would block. */
export const read: (fd: number, bytes: Memory, length: number) => number = bindCall(
  'read',
  'int, void *, size_t',
  'long',
);

/** close(2) */
export const close: (fd: number) => number = bindCall('close', 'int', 'int');

/** koffi.address(): where `memory` lies, for structures that hold pointers. The caller keeps `memory` alive and in place. */
export const addressOf = (memory: Memory): bigint => koffi.address(memory);
