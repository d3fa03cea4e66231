import type { GroupOrder } from '../../src/lib/group-order.ts';
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import process from 'node:process';
import type { Ip } from '../../src/lib/ip.ts';
import type { Member } from '../../src/proto/ownership/machine.ts';
import { createNamespace, makeSwitch, type Namespace, plugIn } from '../support/netns.ts';
import { type ResponderProcess, type ResponderProgramOptions, startResponderProcess } from './responder-process.ts';

/** Nodes of a cluster, and a client, on a switch. Whoever makes it disposes of it. */
export class Lan implements AsyncDisposable {
  readonly switch: Namespace;
  readonly client: Namespace;
  readonly nodes: readonly Namespace[];
  /** MAC of each node's `eth0`. */
  readonly macs: readonly string[];
  /** By the index of the node. */
  readonly speakers = new Map<number, ResponderProcess>();
  readonly #secret = 'a secret that only these nodes share';

  constructor(lan: Namespace, client: Namespace, nodes: readonly Namespace[], macs: readonly string[]) {
    this.switch = lan;
    this.client = client;
    this.nodes = nodes;
    this.macs = macs;
  }

  /** Starts the speaker of a node, which knows all nodes as members, with these groups. */
  start(index: number, ...groups: readonly GroupOrder[]): Promise<ResponderProcess> {
    return this.startAs(index, {}, ...groups);
  }

  /** Starts it with other options than it has by default. */
  async startAs(
    index: number,
    more: Partial<ResponderProgramOptions>,
    ...groups: readonly GroupOrder[]
  ): Promise<ResponderProcess> {
    const members = this.nodes.flatMap((_, other): Member[] =>
      other === index ? [] : [{ node: nameOf(other), address: addressOf(other), beacons: true }],
    );
    const options = { node: nameOf(index), secret: this.#secret, ...more };
    const speaker = await startResponderProcess(this.nodes[index]!, options, members);
    this.speakers.set(index, speaker);
    speaker.order({ type: 'groups', changed: groups, removed: [] });
    return speaker;
  }

  /** The speaker that was started last on a node. */
  speaker(index: number): ResponderProcess {
    return this.speakers.get(index)!;
  }

  /** Moves a node's cable, or the client's, to another bridge of the switch. */
  async plug(port: string, bridge: string): Promise<void> {
    await this.switch.ip(`link set dev ${port} master ${bridge}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const speaker of this.speakers.values()) await speaker.kill();
    for (const host of [...this.nodes, this.client, this.switch]) await host[Symbol.asyncDispose]();
  }
}

/** Names and addresses of the nodes, by their index. */
export const nameOf = (index: number): string => `n${index + 1}`;
const addressOf = (index: number): Ip => `198.18.0.${index + 1}` as Ip;

/** What addresses the nodes have of their own; the kernel gives them link-local ones of IPv6. */
type Addressing = 'IPv4' | 'IPv6' | 'none';

/** Makes a switch with so many nodes, on ports `port0` and so on, and a client on port `client`. */
export const makeLan = async (count: number, addressing: Addressing = 'IPv4'): Promise<Lan> => {
  const labels = ['lan', 'client', ...Array.from({ length: count }, (_, index) => nameOf(index))];
  const [lan, client, ...nodes] = (await Promise.all(labels.map((label) => createNamespace(label)))) as [
    Namespace,
    Namespace,
    ...Namespace[],
  ];
  await makeSwitch(lan);
  await plugIn(lan, 'client', client, 'eth0');
  await client.addAddress('eth0', '198.18.0.250/16');
  for (const [index, node] of nodes.entries()) {
    if (addressing === 'none') await node.sysctl({ 'net.ipv6.conf.default.disable_ipv6': 1 });
    await plugIn(lan, `port${index}`, node, 'eth0');
    if (addressing === 'IPv4') await node.addAddress('eth0', `${addressOf(index)}/16`);
  }
  return new Lan(lan, client, nodes, await Promise.all(nodes.map((node) => node.macOf('eth0'))));
};

/** An answer to ARP, in milliseconds since the Unix epoch. */
type Answer = { readonly at: number; readonly mac: string };

/** A client that asks for an address by broadcast every 5 ms until it is disposed of. */
export class Asking implements Disposable {
  readonly answers: Answer[] = [];
  /** What others announced of the address meanwhile, unasked. */
  readonly announcements: Answer[] = [];
  readonly #child: ChildProcess;

  constructor(host: Namespace, address: string) {
    const program = `${import.meta.dirname}/../support/programs/arp-probe.ts`;
    const argv = [process.execPath, program, address, '5'];
    this.#child = host.spawn(argv, { stdio: ['ignore', 'pipe', 'inherit'] });
    createInterface(this.#child.stdout!).on('line', (line) => {
      const [at, mac, kind] = line.split(' ') as [string, string, string | undefined];
      (kind === undefined ? this.answers : this.announcements).push({ at: Number(at), mac });
    });
  }

  /** The MAC of the latest answer. */
  latest(): string | undefined {
    return this.answers.at(-1)?.mac;
  }

  /** Who answered in the last `duration` ms, without repeats. */
  answering(duration: number): string[] {
    const since = Date.now() - duration;
    return [...new Set(this.answers.filter(({ at }) => at >= since).map(({ mac }) => mac))];
  }

  /** The longest time without an answer since a point in time. */
  longestGap(since: number): number {
    let longest = 0;
    let before = this.answers.findLast(({ at }) => at < since)?.at ?? since;
    for (const { at } of this.answers) {
      if (at < since) continue;
      longest = Math.max(longest, at - before);
      before = at;
    }
    return longest;
  }

  /**
   * For how long it was not settled who answers, since a point in time: from the first change of who did to the last. A
   * single change takes no time.
   */
  unrest(since: number): number {
    const answers = this.answers.filter(({ at }) => at >= since);
    const changes = answers.filter(({ mac }, index) => index > 0 && mac !== answers[index - 1]!.mac);
    return changes.length === 0 ? 0 : changes.at(-1)!.at - changes[0]!.at;
  }

  /** For how long two MACs answered in turn since a point in time: from the new one's first answer to the old one's last. */
  overlap(since: number, former: string, latter: string): number {
    const ofThem = this.answers.filter(({ at }) => at >= since);
    const first = ofThem.find(({ mac }) => mac === latter)?.at ?? Infinity;
    const last = ofThem.findLast(({ mac }) => mac === former)?.at ?? -Infinity;
    return Math.max(0, last - first);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}
