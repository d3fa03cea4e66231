import { AddressSocket, LinkSocket } from '../../src/io/netlink.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
import type { InterfaceAddress } from '../../src/proto/rtnetlink/address.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import { createKernelTable } from './kernel-table.ts';

/** All links and addresses of this host, as its kernel tells of them. The owner closes it. */
export class KernelWatch {
  readonly #linkSocket: LinkSocket;
  readonly #addressSocket: AddressSocket;
  readonly #links = createKernelTable<number, Link>();
  readonly #addresses = createKernelTable<string, InterfaceAddress>();

  constructor() {
    using undo = new DisposableStack();
    this.#linkSocket = undo.adopt(new LinkSocket(), (socket) => socket.close());
    this.#addressSocket = undo.adopt(new AddressSocket(), (socket) => socket.close());
    undo.move();
  }

  /** Descriptors to wait for. */
  fds(): number[] {
    return [this.#linkSocket.fd, this.#addressSocket.fd];
  }

  links(): Iterable<Link> {
    return this.#links.values();
  }

  addresses(): Iterable<InterfaceAddress> {
    return this.#addresses.values();
  }

  /** Whether everything has been read once, so that there is something to go by. */
  isComplete(): boolean {
    return this.#links.isComplete() && this.#addresses.isComplete();
  }

  /** Takes what the kernel has told; `onNotifyPeers` hears of interfaces on which others are to be told again. */
  receive(onNotifyPeers: (interfaceIndex: number) => void): void {
    this.#linkSocket.receive((event) => {
      if (event.type === 'link') this.#links.set(event.link.index, event.link);
      else if (event.type === 'linkRemoved') this.#links.delete(event.index);
      else if (event.type === 'notifyPeers') onNotifyPeers(event.index);
      else this.#links.apply(event);
    });
    this.#addressSocket.receive((event) => {
      if (event.type === 'address') this.#addresses.set(keyOf(event.address), event.address);
      else if (event.type === 'addressRemoved') this.#addresses.delete(keyOf(event.address));
      else this.#addresses.apply(event);
    });
  }

  /** Asks for everything where something may have been missed. */
  turn(now: Millis): void {
    const links = this.#links.takeRequest(now);
    if (links !== undefined) this.#linkSocket.requestDump(links);
    const addresses = this.#addresses.takeRequest(now);
    if (addresses !== undefined) this.#addressSocket.requestDump(addresses);
  }

  /** When `turn` has something to do. */
  nextDeadline(): Millis {
    return millis(Math.min(this.#links.nextDeadline(), this.#addresses.nextDeadline()));
  }

  close(): void {
    this.#linkSocket.close();
    this.#addressSocket.close();
  }
}

const keyOf = ({ interface: index, ip, prefixLength }: InterfaceAddress): string => `${index} ${ip}/${prefixLength}`;
