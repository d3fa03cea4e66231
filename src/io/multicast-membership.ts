import { familyOf, type Ip } from '../lib/ip.ts';
import { close, Constant, setSocketOption, socket } from './libc.ts';
import { addressFamily, encodeMembership } from './socket-address.ts';
import { isSystemError } from './system-error.ts';

/** How the kernel says that a socket has as many groups as it may (igmp_max_memberships, optmem_max). */
const isFull = ['ENOBUFS', 'ENOMEM'];

/** How the kernel says that the interface, or this host, does not speak the family (any more). */
const noFamily = ['ENODEV', 'EINVAL', 'EADDRNOTAVAIL', 'EAFNOSUPPORT'];

type Member = { readonly fd: number; count: number };

/**
 * Multicast groups that an interface is a member of, any number of them: the kernel reports them (IGMP, MLD), so that
 * switches which listen to that pass their frames, and has the network adapter pass them too. They come through no
 * socket of ours but packet sockets. Needs no capability. The owner closes it.
 */
export class MulticastMemberships {
  readonly #interfaceIndex: number;
  readonly #members = new Map<Ip, Member>();
  /** By family; the last has room, or nobody knows better. */
  readonly #sockets = { IPv4: [] as number[], IPv6: [] as number[] };

  constructor(interfaceIndex: number) {
    this.#interfaceIndex = interfaceIndex;
  }

  /**
   * Joins a group, or counts one join more. False, and not joined, where the interface has gone or lacks the family, or
   * the kernel grants no memory. The membership survives an interface that goes down and up. Throws `SystemError` where
   * there are no more descriptors.
   */
  join(group: Ip): boolean {
    const known = this.#members.get(group);
    if (known !== undefined) {
      known.count += 1;
      return true;
    }
    try {
      this.#members.set(group, { fd: this.#joinSomewhere(group), count: 1 });
      return true;
    } catch (error) {
      if (!isSystemError(error, ...noFamily, ...isFull)) throw error;
      return false;
    }
  }

  /** Takes one join back; with the last the group is left. */
  leave(group: Ip): void {
    const member = this.#members.get(group);
    if (member === undefined) return;
    member.count -= 1;
    if (member.count > 0) return;
    this.#members.delete(group);
    try {
      this.#setMembership(member.fd, group, 'leave');
    } catch (error) {
      if (!isSystemError(error, 'ENODEV', 'EADDRNOTAVAIL', 'EINVAL')) throw error; // the membership ended with the interface
    }
  }

  /** Leaves all groups. */
  close(): void {
    for (const fd of [...this.#sockets.IPv4, ...this.#sockets.IPv6]) close(fd);
    this.#members.clear();
  }

  #joinSomewhere(group: Ip): number {
    const sockets = this.#sockets[familyOf(group)];
    for (const fd of sockets.toReversed()) {
      try {
        this.#setMembership(fd, group, 'join');
        return fd;
      } catch (error) {
        if (!isSystemError(error, ...isFull)) throw error;
      }
    }
    const fd = socket(addressFamily(familyOf(group)), Constant.SOCK_DGRAM | Constant.SOCK_CLOEXEC, 0);
    try {
      this.#setMembership(fd, group, 'join');
    } catch (error) {
      close(fd);
      throw error;
    }
    sockets.push(fd);
    return fd;
  }

  #setMembership(fd: number, group: Ip, change: 'join' | 'leave'): void {
    const membership = encodeMembership(group, this.#interfaceIndex);
    const isIpv4 = familyOf(group) === 'IPv4';
    const level = isIpv4 ? Constant.SOL_IP : Constant.SOL_IPV6;
    const { IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP } = Constant;
    const [join, leave] = isIpv4
      ? [IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP]
      : [IPV6_ADD_MEMBERSHIP, IPV6_DROP_MEMBERSHIP];
    setSocketOption(fd, level, change === 'join' ? join : leave, membership);
  }
}
