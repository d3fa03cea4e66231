import { linkNotifications } from '../proto/rtnetlink/iana.ts';
import { decodeLinkMessages, encodeLinkDump, type LinkMessage } from '../proto/rtnetlink/message.ts';
import { bind, close, Constant, receive, send, socket } from './libc.ts';
import { isSystemError } from './system-error.ts';

/** What there is to know about links: a message of the kernel, or that some were lost and a new dump is needed. */
export type LinkEvent = LinkMessage | { readonly type: 'lost' };

/** An rtnetlink(7) socket that hears of every change of a link. Needs no capability. The owner closes it. */
export class LinkSocket {
  readonly fd: number;
  readonly #buffer = new Uint8Array(32_768); // the kernel fills at most that much with one part of a dump

  constructor() {
    this.fd = socket(Constant.AF_NETLINK, Constant.SOCK_RAW | Constant.SOCK_CLOEXEC, Constant.NETLINK_ROUTE);
    try {
      const address = new Uint8Array(12); // struct sockaddr_nl
      const view = new DataView(address.buffer);
      view.setUint16(0, Constant.AF_NETLINK, true);
      view.setUint32(8, linkNotifications, true);
      bind(this.fd, address);
    } catch (error) {
      close(this.fd);
      throw error;
    }
  }

  /** Asks for all links; they come one by one, then `done`. While a dump goes on, another is refused with EBUSY. */
  requestDump(sequence: number): void {
    const request = encodeLinkDump(sequence);
    send(this.fd, request, request.length, 0);
  }

  /** Hands over all that is queued. A datagram that cannot be read counts as lost. */
  receive(onEvent: (event: LinkEvent) => void): void {
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
      const messages = decodeLinkMessages(this.#buffer.subarray(0, length));
      if (messages.ok) for (const message of messages.value) onEvent(message);
      else onEvent({ type: 'lost' });
    }
  }

  close(): void {
    close(this.fd);
  }
}
