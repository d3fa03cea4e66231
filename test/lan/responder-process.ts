import type { GroupOrder } from '../../src/lib/group-order.ts';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import type { ResponderCommand, ResponderOptions, ResponderReport } from '../../speaker/responder/messages.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Member, OwnershipReport } from '../../src/proto/ownership/machine.ts';
import type { Namespace } from '../support/netns.ts';

/** What the program is asked to do: what the responder's handle can do. */
export type ResponderOrder =
  | Exclude<ResponderCommand, { readonly type: 'mainAwake' }>
  | { readonly type: 'watchCurrent'; readonly isCurrent: boolean };

/** The options of the responder, as they go through JSON. */
export type ResponderProgramOptions = Omit<ResponderOptions, 'excluded' | 'secret'> & {
  readonly excluded: readonly string[];
  readonly secret: string | undefined;
};

/** A process with the responder thread on a node. Whoever starts it disposes of it. */
export class ResponderProcess {
  readonly child: ChildProcess;
  readonly node: string;
  /** Everything reported so far. */
  readonly reports: ResponderReport[] = [];

  constructor(child: ChildProcess, node: string) {
    this.child = child;
    this.node = node;
    child.on('message', (report: ResponderReport) => this.reports.push(report));
  }

  /** Sends orders, which take effect together. */
  order(...orders: readonly ResponderOrder[]): void {
    this.child.send(orders);
  }

  /** Orders each address as a group that this node alone may own. */
  announce(addresses: readonly string[], interfaces?: readonly string[]): void {
    const changed = addresses.map((ip) => groupOf([ip], [this.node], interfaces));
    this.order({ type: 'groups', changed, removed: [] });
  }

  /** Takes such orders back. */
  withdraw(addresses: readonly string[]): void {
    const removed = addresses.map((ip) => ({ key: ip as Ip, isReleased: true, revision: 1 }));
    this.order({ type: 'groups', changed: [], removed });
  }

  /** The interfaces that it serves, as last reported. */
  interfaces(): readonly string[] | undefined {
    return this.reports.findLast((report) => report.type === 'interfaces')?.names;
  }

  /** What it has said about ownership, in order. */
  ownership(): OwnershipReport[] {
    return this.reports.flatMap((report) => (report.type === 'ownership' ? report.reports : []));
  }

  /** How it came to own groups, in order. */
  assumptions(): string[] {
    return this.ownership().flatMap((report) => (report.type === 'owning' ? [report.how] : []));
  }

  /** Names of the members that it hears. */
  heard(): Set<string> {
    const heard = new Set<string>();
    for (const report of this.ownership()) {
      if (report.type !== 'peer') continue;
      if (report.isHeard) heard.add(report.node);
      else heard.delete(report.node);
    }
    return heard;
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
    this.order({ type: 'stop' });
    const [code] = (await exit) as [number | null];
    return code;
  }

  /** Whether the process has ended, or has left the others. */
  get hasEnded(): boolean {
    return !this.#isRunning || this.ownership().some(({ type }) => type === 'ended');
  }

  /** Kills the process as it stands. */
  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }

  get #isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }
}

/** An order about a group of addresses, the first of which is its key. */
export const groupOf = (
  addresses: readonly string[],
  candidates: readonly string[],
  interfaces?: readonly string[],
): GroupOrder => ({
  key: addresses[0] as Ip,
  addresses: addresses.map((ip) => ({ ip: ip as Ip, interfaces })),
  candidates,
  policy: 'sticky',
  revision: 1,
});

const program = `${import.meta.dirname}/responder-program.ts`;

/**
 * The command line of the program. Unless told, it has no key, and so no beacon, and announces without asking whether
 * another host has the address.
 */
export const responderCommand = (options: Partial<ResponderProgramOptions> = {}): string[] => {
  const all: ResponderProgramOptions = {
    node: 'node',
    excluded: [],
    beaconPort: 7947,
    secret: undefined,
    isProbing: false,
    ...options,
  };
  return [process.execPath, program, JSON.stringify(all)];
};

/** Root without any capability but the one for packet sockets, as the DaemonSet has it. */
const onlyNetRaw = ['setpriv', '--bounding-set=-all,+net_raw', '--inh-caps=-all', '--no-new-privs'];

/** Starts a responder on a node, without other members unless they are given, and waits until it knows its interfaces. */
export const startResponderProcess = async (
  host: Namespace,
  options: Partial<ResponderProgramOptions> = {},
  members: readonly Member[] = [],
): Promise<ResponderProcess> => {
  const argv = [...onlyNetRaw, ...responderCommand(options)];
  const child = host.spawn(argv, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' });
  const responder = new ResponderProcess(child, options.node ?? 'node');
  while (responder.interfaces() === undefined) await once(child, 'message');
  responder.order({ type: 'watchCurrent', isCurrent: true }, { type: 'members', members, isComplete: true });
  return responder;
};
