import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { deriveKey } from '../../../src/proto/memberlist/encryption.ts';
import { eventually } from '../../support/cluster/eventually.ts';

/** One line of a member's output. */
export type PeerEvent = {
  readonly event: string;
  readonly name?: string;
  /** With its port. */
  readonly address?: string;
  readonly meta?: string;
  readonly isOurs?: boolean;
  readonly state?: 'alive' | 'suspect';
  readonly members?: readonly string[];
  readonly addresses?: readonly string[];
  readonly error?: string;
  readonly count?: number;
};

export type PeerOptions = {
  /** `original`: the Go library; `ours`: the speaker's membership. */
  readonly kind: 'original' | 'ours';
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** Empty: no encryption. */
  readonly secret: string;
  /** The program of the original. */
  readonly program: string;
};

/** A member in a process of its own. Whoever starts it kills it. */
export class MemberlistPeer {
  readonly address: string;
  /** Everything that it has said. */
  readonly events: PeerEvent[] = [];
  readonly child: ChildProcess;

  private constructor(address: string, child: ChildProcess) {
    this.address = address;
    this.child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.events.push(JSON.parse(line) as PeerEvent));
  }

  static async start({ kind, name, address, port, secret, program }: PeerOptions): Promise<MemberlistPeer> {
    const common = ['--name', name, '--address', address, '--port', `${port}`];
    const key = secret === '' ? '' : deriveKey(Buffer.from(secret)).export().toString('hex');
    const [command, argv] =
      kind === 'original'
        ? [program, [...common, '--key', key]]
        : [process.execPath, [`${import.meta.dirname}/membership-program.ts`, ...common, '--secret', secret]];
    // The library's log goes to standard error and is of no use here.
    const child = spawn(command, argv, { stdio: ['pipe', 'pipe', 'ignore'] });
    const peer = new MemberlistPeer(`${address}:${port}`, child);
    await peer.says('ready', ({ event }) => event === 'ready' || event === 'failed');
    const failure = peer.events.find(({ event }) => event === 'failed');
    if (failure !== undefined) throw new Error(failure.error);
    return peer;
  }

  /** Waits for something that it says, now or earlier, from the line `from` on. */
  async says(what: string, isIt: (event: PeerEvent) => boolean, from = 0): Promise<PeerEvent> {
    return eventually(what, () => this.events.slice(from).find(isIt), { timeout: 60_000, every: 20 });
  }

  /** Gives a command and waits for its end. */
  async command(line: string, end: string): Promise<PeerEvent> {
    const from = this.events.length;
    this.child.stdin!.write(`${line}\n`);
    return this.says(end, ({ event }) => event === end, from);
  }

  /** Exchanges states with another; how many answered. */
  async join(other: MemberlistPeer): Promise<number> {
    return (await this.command(`join ${other.address}`, 'joined')).count ?? 0;
  }

  async members(): Promise<readonly string[]> {
    return ((await this.command('members', 'members')).members ?? []).toSorted();
  }

  /** What it has said about a member, without what has changed about it. */
  about(name: string): readonly string[] {
    return this.events.filter((each) => each.name === name && each.event !== 'update').map(({ event }) => event);
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  /** Ends it from one moment to the next. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exit;
  }
}
