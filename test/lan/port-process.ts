import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Namespace } from '../support/netns.ts';

/** What `port-program.ts` is to do with an address, on all its interfaces. */
export type PortOrder = {
  readonly do: 'add' | 'remove' | 'watch' | 'unwatch' | 'probe' | 'defend' | 'ask';
  readonly ip: string;
  /** Whom to ask; undefined: everybody. */
  readonly at?: string;
};

/** What its ports tell; `done` when it has started and after each batch of orders. */
export type PortEvent =
  | { readonly type: 'done' }
  | {
      readonly type: 'claim' | 'probe' | 'answered';
      readonly interface: string;
      readonly ip: string;
      readonly mac: string;
    };

/** Ports on the interfaces of a node, in a process. Whoever starts it disposes of it. */
export class PortProcess {
  readonly #child: ChildProcess;
  /** What has been told so far, as `claim 2001:db8::7 02:00:00:00:00:01`. */
  readonly told: string[] = [];

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (event: PortEvent) => {
      if (event.type !== 'done') this.told.push(`${event.type} ${event.ip} ${event.mac}`);
    });
  }

  /** Resolves when the orders have been carried out; rejects if the process ends. */
  async order(...orders: readonly PortOrder[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listen = (event: PortEvent): void => {
      if (event.type === 'done') resolve();
    };
    const fail = (): void => reject(new Error('the ports have ended'));
    this.#child.on('message', listen).on('exit', fail).send(orders);
    await promise.finally(() => this.#child.off('message', listen).off('exit', fail));
  }

  /** Answers for the addresses from now on. */
  async add(...ips: readonly string[]): Promise<void> {
    await this.order(...ips.map((ip) => ({ do: 'add', ip }) as const));
  }

  async remove(...ips: readonly string[]): Promise<void> {
    await this.order(...ips.map((ip) => ({ do: 'remove', ip }) as const));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Root without any capability but the one for packet sockets, as the DaemonSet has it. */
const onlyNetRaw = ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all', '--no-new-privs'];

/** Opens ports on a node; an interface speaks Neighbor Discovery if it has a link-local address by now. */
export const startPorts = async (node: Namespace, ...interfaces: readonly string[]): Promise<PortProcess> => {
  const argv = [...onlyNetRaw, process.execPath, `${import.meta.dirname}/port-program.ts`, ...interfaces];
  const child = node.spawn(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ports = new PortProcess(child);
  await once(child, 'message');
  return ports;
};
