import { close, Constant, eventFd, read } from './libc.ts';

/**
 * An eventfd(2) by which another thread wakes one that waits in poll(2): it writes the number 1, eight octets in the
 * order of the host, to `fd`. Wakes that come close together count as one. The owner closes it.
 */
export class WakeFd {
  readonly fd: number;
  readonly #counter = new Uint8Array(8);

  constructor() {
    this.fd = eventFd(0, Constant.EFD_CLOEXEC | Constant.EFD_NONBLOCK);
  }

  /** Takes the wakes that have come. */
  clear(): void {
    read(this.fd, this.#counter);
  }

  close(): void {
    close(this.fd);
  }
}
