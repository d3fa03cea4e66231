import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { Namespace } from '../support/netns.ts';
import type { ReceivedText, SocketOrder } from './socket-program.ts';

type Answer = { readonly answer?: unknown; readonly error?: string };

/** A process on a host that does with sockets what it is told. Whoever starts it disposes of it. */
export class SocketProcess {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Its answer to an order; throws what the program has thrown. One order at a time. */
  async do(order: SocketOrder): Promise<unknown> {
    const answered = once(this.#child, 'message');
    this.#child.send(order);
    const [{ answer, error }] = (await answered) as [Answer];
    if (error !== undefined) throw new Error(error);
    return answer;
  }

  /** All that has come to a socket. */
  async received(name: string): Promise<readonly ReceivedText[]> {
    return (await this.do({ do: 'receive', name })) as readonly ReceivedText[];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Root without any capability but the one for packet sockets, as the DaemonSet has it; or without even that one. */
const capabilities = { netRaw: '-all,+net_raw', none: '-all' } as const;

export const startSocketProcess = async (
  host: Namespace,
  capability: keyof typeof capabilities = 'netRaw',
): Promise<SocketProcess> => {
  const program = `${import.meta.dirname}/socket-program.ts`;
  const bounds = [`--bounding-set=${capabilities[capability]}`, '--inh-caps=-all', '--no-new-privs'];
  const child = host.spawn(['setpriv', ...bounds, process.execPath, program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(child, 'message'); // it says that it has started
  return new SocketProcess(child);
};
