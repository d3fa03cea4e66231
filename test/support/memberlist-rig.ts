import { createDeadlineQueue } from '../../src/lib/deadline-queue.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { millis, type Millis } from '../../src/lib/time.ts';
import type { Endpoint } from '../../src/proto/memberlist/address.ts';
import { lanConfig, type MemberlistConfig } from '../../src/proto/memberlist/config.ts';
import type {
  Member,
  Memberlist,
  MemberlistEffect,
  MemberlistEvent,
  Report,
} from '../../src/proto/memberlist/machine.ts';
import { createMemberlist } from '../../src/proto/memberlist/memberlist.ts';
import { openPacket, sealPacket } from '../../src/proto/memberlist/packet.ts';
import { openStream } from '../../src/proto/memberlist/stream.ts';
import { seededRandom } from '../simulation/random.ts';

/** Something that a member said, and when. */
export type Happening =
  | { readonly at: number; readonly what: 'joined' | 'left' | 'updated'; readonly member: Member }
  | { readonly at: number; readonly what: 'conflict'; readonly name: string; readonly addresses: readonly Ip[] }
  | { readonly at: number; readonly what: 'joinEnded'; readonly problem: string | undefined }
  | { readonly at: number; readonly what: Report['reason']; readonly report: Report };

/** A member on the virtual network. */
export type VirtualMember = {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** What it said, in order. */
  readonly story: readonly Happening[];
  /** Names of its living members. */
  readonly names: () => readonly string[];
  readonly machine: Memberlist;
  readonly join: (other: VirtualMember) => void;
  readonly leave: () => void;
  /** It is gone from one moment to the next. */
  readonly crash: () => void;
};

export type Network = {
  readonly now: () => number;
  /** Starts a member at 10.0.0.`host`; its name is `name`. */
  readonly add: (name: string, host: number, config?: Partial<MemberlistConfig>) => VirtualMember;
  /** Lets time pass. */
  readonly run: (duration: number) => void;
  /** Lets time pass, `step` by `step`, until something holds; throws after `limit`. Gives the time that passed. */
  readonly until: (limit: number, holds: () => boolean, step?: number) => number;
  /** Decides for each packet (and each exchange) whether it arrives. */
  filter: (from: Ip, to: Ip, kind: 'udp' | 'tcp') => boolean;
  /** Packets sent so far. */
  readonly packets: () => number;
};

export type NetworkOptions = {
  readonly seed: number;
  /** Part of packets that is lost. */
  readonly loss?: number;
  /** Longest way of a packet, in milliseconds; the shortest is a tenth. */
  readonly latency?: number;
};

const clear = { keys: [], acceptsClear: true };
const noNonce = new Uint8Array();

/** Makes a network without members. What is sent is really encoded and decoded. */
export const createNetwork = ({ seed, loss = 0, latency = 2 }: NetworkOptions): Network => {
  const random = seededRandom(seed);
  const queue = createDeadlineQueue<{ readonly run: () => void }>();
  const hosts = new Map<string, { readonly feed: (event: MemberlistEvent) => void; readonly streams: Streams }>();
  type Streams = Map<number, (octets: Uint8Array | undefined) => void>;
  let now = 0;
  let sent = 0;
  let lastStream = 0;
  const key = ({ address, port }: Endpoint): string => `${address}:${port}`;
  const later = (delay: number, run: () => void): void => queue.set({ run }, millis(now + delay));
  const way = (): number => latency * (0.1 + 0.9 * random.next());

  const run = (duration: number): void => {
    const end = now + duration;
    for (let next = queue.next(); next !== undefined && next <= end; next = queue.next()) {
      now = Math.max(now, next);
      queue.takeDue(millis(now))!.run();
    }
    now = end;
  };

  const network: Network = {
    now: () => now,
    filter: () => true,
    packets: () => sent,
    add: (name, host, config = {}) => {
      const endpoint = { address: `10.0.${host >> 8}.${host & 255}` as Ip, port: 7946 };
      const settings = { ...lanConfig, ...config };
      const machine = createMemberlist({ name, endpoint, config: settings, random: random.next });
      const story: Happening[] = [];
      const streams: Streams = new Map();
      const wake = { run: () => feed({ type: 'timerDue' }) };
      let isAlive = true;

      const exchange = (id: number, to: Endpoint, octets: Uint8Array, deadline: Millis): void => {
        let isOver = false;
        const finish = (event: MemberlistEvent): void => {
          if (!isOver) feed(event);
          isOver = true;
        };
        later(deadline - now, () => finish({ type: 'failed', exchange: id, problem: 'no answer in time' }));
        if (!network.filter(endpoint.address, to.address, 'tcp')) return;
        later(3 * way(), () => {
          const other = hosts.get(key(to));
          const message = openStream(octets, clear);
          if (other === undefined || !message.ok) return;
          const stream = ++lastStream;
          other.streams.set(stream, (reply) => {
            if (reply === undefined) return;
            const answer = openStream(reply, clear);
            if (!answer.ok) throw new Error(answer.error);
            later(way(), () => finish({ type: 'response', exchange: id, message: answer.value }));
          });
          other.feed({ type: 'request', stream, message: message.value });
        });
      };

      const transmit = (to: Endpoint, octets: Uint8Array, hasChecksum: boolean): void => {
        sent += 1;
        if (random.chance(loss) || !network.filter(endpoint.address, to.address, 'udp')) return;
        const { messages, problem } = openPacket(sealPacket(octets, hasChecksum, undefined, noNonce), clear);
        if (problem !== undefined) throw new Error(problem.detail);
        later(way(), () => hosts.get(key(to))?.feed({ type: 'packet', from: endpoint, messages }));
      };

      const perform = (effect: MemberlistEffect): void => {
        switch (effect.type) {
          case 'send':
            return transmit(effect.to, effect.octets, effect.hasChecksum);
          case 'exchange':
            return exchange(effect.exchange, effect.to, effect.octets, effect.deadline);
          case 'reply':
          case 'refuse':
            streams.get(effect.stream)!(effect.type === 'reply' ? effect.octets : undefined);
            return void streams.delete(effect.stream);
          case 'joinEnded':
            return void story.push({ at: now, what: 'joinEnded', problem: effect.problem });
          case 'memberChanged':
            return void story.push({ at: now, what: effect.change, member: effect.member });
          case 'conflict':
            return void story.push({ at: now, what: 'conflict', name: effect.name, addresses: effect.addresses });
          case 'report':
            return void story.push({ at: now, what: effect.report.reason, report: effect.report });
        }
      };

      const feed = (event: MemberlistEvent): void => {
        if (!isAlive) return;
        for (const effect of machine.step(event, millis(now))) perform(effect);
        const deadline = machine.nextDeadline();
        if (deadline !== undefined) queue.set(wake, deadline);
      };

      hosts.set(key(endpoint), { feed, streams });
      feed({ type: 'start' });
      return {
        name,
        endpoint,
        story,
        machine,
        names: () => machine.members().map((member) => member.name),
        join: (other) => feed({ type: 'join', token: 1, to: other.endpoint }),
        leave: () => feed({ type: 'leave' }),
        crash: () => {
          isAlive = false;
          queue.delete(wake);
          hosts.delete(key(endpoint));
        },
      };
    },
    run,
    until: (limit, holds, step = 1) => {
      const start = now;
      while (!holds()) {
        if (now - start >= limit) throw new Error(`does not hold after ${limit} ms`);
        run(step);
      }
      return now - start;
    },
  };
  return network;
};
