import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { ResponderCommand, ResponderReport } from '../../speaker/responder/messages.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Namespace } from '../support/netns.ts';

/** A process with the responder thread on a node. Whoever starts it disposes of it. */
export class ResponderProcess {
  readonly child: ChildProcess;
  /** Everything reported so far. */
  readonly reports: ResponderReport[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', (report: ResponderReport) => this.reports.push(report));
  }

  announce(addresses: readonly string[], interfaces?: readonly string[]): void {
    this.#order(addresses.map((ip) => ({ type: 'announce', ip: ip as Ip, interfaces })));
  }

  withdraw(addresses: readonly string[]): void {
    this.#order(addresses.map((ip) => ({ type: 'withdraw', ip: ip as Ip })));
  }

  /** The interfaces that it serves, as last reported. */
  interfaces(): readonly string[] | undefined {
    return this.reports.findLast((report) => report.type === 'interfaces')?.names;
  }

  /** The sum of what was reported for an address. */
  counters(ip: string): { readonly requests: number; readonly responses: number; readonly gratuitous: number } {
    const sum = { requests: 0, responses: 0, gratuitous: 0 };
    for (const report of this.reports) {
      const counters = report.type === 'counters' ? report.perAddress.find((each) => each.ip === ip) : undefined;
      if (counters === undefined) continue;
      sum.requests += counters.requests;
      sum.responses += counters.responses;
      sum.gratuitous += counters.gratuitous;
    }
    return sum;
  }

  /** Resident memory in MiB. */
  residentMemory(): number {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  }

  /** Lets the main thread do nothing else for so many milliseconds. */
  block(milliseconds: number): void {
    this.child.send(milliseconds);
  }

  /** Ends the process without a word to the thread; gives the exit code. */
  async exit(): Promise<number | null> {
    const exit = once(this.child, 'exit');
    this.child.send('exit');
    const [code] = (await exit) as [number | null];
    return code;
  }

  /** Ends the thread as the speaker does at SIGTERM; gives the exit code. */
  async stop(): Promise<number | null> {
    const exit = once(this.child, 'exit');
    this.#order([{ type: 'stop' }]);
    const [code] = (await exit) as [number | null];
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  #order(commands: readonly ResponderCommand[]): void {
    this.child.send(commands);
  }
}

/** Root without any capability but the one for packet sockets, as the DaemonSet has it. */
const onlyNetRaw = ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all', '--no-new-privs'];

/** Starts a responder on a node and waits until it knows the node's interfaces. */
export const startResponderProcess = async (
  node: Namespace,
  { excluded = [] }: { readonly excluded?: readonly string[] } = {},
): Promise<ResponderProcess> => {
  const program = `${import.meta.dirname}/responder-program.ts`;
  const argv = [...onlyNetRaw, process.execPath, program, ...excluded];
  const child = node.spawn(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const responder = new ResponderProcess(child);
  const [first] = (await once(child, 'message')) as [ResponderReport];
  if (first.type !== 'interfaces') throw new Error(`the first report is ${JSON.stringify(first)}`);
  return responder;
};
