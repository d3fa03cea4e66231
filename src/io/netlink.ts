import type { DecodeError } from '../lib/bytes.ts';
import type { Result } from '../lib/result.ts';
import { type AddressMessage, decodeAddressMessages, encodeAddressDump } from '../proto/rtnetlink/address.ts';
import { addressNotifications, linkNotifications } from '../proto/rtnetlink/iana.ts';
import { decodeLinkMessages, encodeLinkDump, type LinkMessage } from '../proto/rtnetlink/message.ts';
import { bind, close, Constant, receive, send, socket } from './libc.ts';
import { isSystemError } from './system-error.ts';

/** Messages of the kernel were lost, so that a new dump is needed. */
type Lost = { readonly type: 'lost' };

/** What there is to know about links: a message of the kernel, or that some were lost. */
export type LinkEvent = LinkMessage | Lost;

/** What there is to know about addresses: a message of the kernel, or that some were lost. */
export type AddressEvent = AddressMessage | Lost;

/** How a socket asks for all objects of a kind and reads what it is told about them. */
type Kind<Message> = {
  readonly notifications: number;
  readonly encodeDump: (sequence: number) => Uint8Array;
  readonly decode: (datagram: Uint8Array) => Result<readonly Message[], DecodeError>;
};

/** An rtnetlink(7) socket that hears of every change of one kind of objects. Needs no capability. The owner closes it. */
class RouteSocket<Message> {
  readonly fd: number;
  readonly #kind: Kind<Message>;
  readonly #buffer = new Uint8Array(32_768); // the kernel fills at most that much with one part of a dump

  constructor(kind: Kind<Message>) {
    this.#kind = kind;
    this.fd = socket(Constant.AF_NETLINK, Constant.SOCK_RAW | Constant.SOCK_CLOEXEC, Constant.NETLINK_ROUTE);
    try {
      const address = new Uint8Array(12); // struct sockaddr_nl
      const view = new DataView(address.buffer);
      view.setUint16(0, Constant.AF_NETLINK, true);
      view.setUint32(8, kind.notifications, true);
      bind(this.fd, address);
    } catch (error) {
      close(this.fd);
      throw error;
    }
  }

  /** Asks for all objects; they come one by one, then `done`. While a dump goes on, another is refused with EBUSY. */
  requestDump(sequence: number): void {
    const request = this.#kind.encodeDump(sequence);
    send(this.fd, request, request.length, 0);
  }

  /** Hands over all that is queued. A datagram that cannot be read counts as lost. */
  receive(onEvent: (event: Message | Lost) => void): void {
    for (;;) {
      let length: number;
      try {
        length = receive(this.fd, this.#buffer, this.#buffer.length, Constant.MSG_DONTWAIT);
      } catch (error) {
        if (!isSystemError(error, 'ENOBUFS')) throw error;
        onEvent({ type: 'lost' });
        continue;
      }
      if (length < 0) return;
      const messages = this.#kind.decode(this.#buffer.subarray(0, length));
      if (messages.ok) for (const message of messages.value) onEvent(message);
      else onEvent({ type: 'lost' });
    }
  }

  close(): void {
    close(this.fd);
  }
}

/** Hears of links. */
export class LinkSocket extends RouteSocket<LinkMessage> {
  constructor() {
    super({ notifications: linkNotifications, encodeDump: encodeLinkDump, decode: decodeLinkMessages });
  }
}

/** Hears of the addresses of this host. */
export class AddressSocket extends RouteSocket<AddressMessage> {
  constructor() {
    super({ notifications: addressNotifications, encodeDump: encodeAddressDump, decode: decodeAddressMessages });
  }
}
