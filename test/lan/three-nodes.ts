import { vi } from 'vitest';
import { Asking, type Lan, makeLan, nameOf } from './members.ts';
import { groupOf, type ResponderProcess } from './responder-process.ts';

/** A generous limit for what takes milliseconds on a machine that is not busy. */
export const soon = { timeout: 10_000, interval: 20 };

/** The addresses that the nodes answer for, one of them at a time, as one group. */
export const sharedAddress = '198.18.1.7';
export const sharedIpv6 = '2001:db8::1:7';

const nodes = [0, 1, 2];
const group = groupOf([sharedAddress, sharedIpv6], nodes.map(nameOf));

/** Three nodes that share a group, and a client that asks for its IPv4 address every 5 ms. Whoever makes it disposes of it. */
export class ThreeNodes implements AsyncDisposable {
  readonly lan: Lan;
  readonly asking: Asking;

  private constructor(lan: Lan) {
    this.lan = lan;
    this.asking = new Asking(lan.client, sharedAddress);
  }

  static async make(): Promise<ThreeNodes> {
    return new ThreeNodes(await makeLan(nodes.length));
  }

  /** Starts what has ended, and waits until all hear each other and one of them answers; which. */
  async settle(): Promise<number> {
    for (const index of nodes) {
      if (this.lan.speakers.get(index)?.hasEnded === false) continue;
      await this.lan.speakers.get(index)?.kill();
      await this.lan.start(index, group);
    }
    for (const speaker of this.speakers()) {
      await vi.waitUntil(() => speaker.heard().size === nodes.length - 1, soon);
    }
    await vi.waitUntil(() => this.asking.answering(300).length === 1, soon);
    return this.ownerNow();
  }

  /** Waits until another node than this one alone has answered for a while; which. */
  async succeeded(owner: number): Promise<number> {
    await vi.waitUntil(() => {
      const answering = this.asking.answering(300);
      return answering.length === 1 && answering[0] !== this.lan.macs[owner];
    }, soon);
    return this.ownerNow();
  }

  /** Who answered last. */
  ownerNow(): number {
    return this.lan.macs.indexOf(this.asking.latest()!);
  }

  speakers(): ResponderProcess[] {
    return nodes.map((index) => this.lan.speaker(index));
  }

  /** How the nodes came to own the address so far, and what their suspicions came to. */
  history(): readonly string[] {
    return this.speakers().flatMap((speaker) =>
      speaker.ownership().flatMap((report) => {
        if (report.type === 'owning') return [`${speaker.node} owns: ${report.how}`];
        if (report.type === 'notOwning') return [`${speaker.node} does not: ${report.why}`];
        return report.type === 'suspicion' ? [`${speaker.node} suspects ${report.node}: ${report.outcome}`] : [];
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.asking[Symbol.dispose]();
    await this.lan[Symbol.asyncDispose]();
  }
}
