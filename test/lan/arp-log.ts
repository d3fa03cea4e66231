import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import process from 'node:process';
import type { Namespace } from '../support/netns.ts';

/** An ARP frame of another host; `at` is in milliseconds since the Unix epoch. */
export type LoggedFrame = {
  readonly at: number;
  readonly mac: string;
  readonly operation: number;
  readonly ip: string;
};

/** Every ARP frame that reaches a host, from now until it is disposed of. */
export class ArpLog implements Disposable {
  readonly frames: LoggedFrame[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves once nothing is missed. */
  static async on(host: Namespace): Promise<ArpLog> {
    const argv = [process.execPath, `${import.meta.dirname}/arp-log-program.ts`];
    const log = new ArpLog(host.spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] }));
    const lines = createInterface(log.#child.stdout!);
    await once(lines, 'line');
    lines.on('line', (line) => {
      const [at, mac, operation, ip] = line.split(' ') as [string, string, string, string];
      log.frames.push({ at: Number(at), mac, operation: Number(operation), ip });
    });
    return log;
  }

  /** What a host has said since a point in time about an address being its own. */
  of(mac: string, since = 0): LoggedFrame[] {
    return this.frames.filter((frame) => frame.mac === mac && frame.at >= since);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
