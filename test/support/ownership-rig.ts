import type { GroupOrder } from '../../src/lib/group-order.ts';
import { createDeadlineQueue } from '../../src/lib/deadline-queue.ts';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { millis } from '../../src/lib/time.ts';
import type {
  Member,
  Ownership,
  OwnershipEffect,
  OwnershipEvent,
  OwnershipLink,
  OwnershipOptions,
  OwnershipReport,
} from '../../src/proto/ownership/machine.ts';
import type { OwnershipMessage } from '../../src/proto/ownership/message.ts';
import { createOwnership } from '../../src/proto/ownership/ownership.ts';

/**
 * Some ownership machines on virtual segments in virtual time. Every node has `eth0` on segment 0, and `eth1` on segment
 * 1 where there are two; on each segment a gateway answers ARP. Messages take a tenth of a millisecond.
 */
export type OwnershipRig = {
  readonly now: () => number;
  readonly advance: (duration: number) => void;
  /** Starts a speaker that knows all others as members. */
  readonly start: (name: string, options?: Partial<OwnershipOptions>) => void;
  readonly tell: (name: string, event: OwnershipEvent) => void;
  /** Gives the order to all speakers that run, and to those that start later. */
  readonly order: (order: GroupOrder, to?: readonly string[]) => void;
  /** The node loses power; its speaker alone ends; it is stopped and goes on; it runs, but cannot send or receive. */
  readonly crash: (name: string) => void;
  readonly kill: (name: string) => void;
  readonly freeze: (name: string) => void;
  /** `isDeaf`: nothing that came meanwhile has been kept, as with a machine that was paused. */
  readonly thaw: (name: string, isDeaf?: boolean) => void;
  /** Which frames pass, from one node to another. */
  readonly filter: (passes: (from: string, to: string, segment: number, message?: OwnershipMessage) => boolean) => void;
  /** How long the next message takes, in milliseconds. */
  readonly setDelay: (delay: () => number) => void;
  readonly setCarrier: (name: string, segment: number, hasCarrier: boolean) => void;
  /** The main thread of the node stops or goes on telling that it lives, with a watch that is current or not. */
  readonly setMain: (name: string, state: 'current' | 'broken' | 'hung') => void;
  readonly setMembers: (members: readonly Member[]) => void;
  /** Another host has the address from now on, or not any more. */
  readonly setForeignHost: (ip: Ip, mac: Mac | undefined) => void;
  /** Who answers for the address. */
  readonly answering: (address: Ip) => readonly string[];
  readonly reports: (name: string) => readonly OwnershipReport[];
  readonly effects: (name: string) => readonly OwnershipEffect[];
  /** Every message sent, oldest first. */
  readonly sent: () => readonly { readonly at: number; readonly from: string; readonly message: OwnershipMessage }[];
  /** How long nobody, and how long more than one, has answered for the address since `from`. */
  readonly silence: (address: Ip, from: number) => number;
  readonly doubles: (address: Ip, from: number) => number;
};

type Host = {
  readonly name: string;
  readonly number: number;
  machine: Ownership | undefined;
  epoch: bigint;
  sequence: number;
  state: 'up' | 'crashed' | 'killed' | 'frozen';
  main: 'current' | 'broken' | 'hung';
  readonly carriers: boolean[];
  queue: OwnershipEvent[];
  answers: Set<Ip>;
  reports: OwnershipReport[];
  effects: OwnershipEffect[];
};

const latency = 0.1;

export const ip = (text: string): Ip => text as Ip;

/** An order for one address, which is its own key. */
export const orderOf = (key: string, candidates: readonly string[], more: Partial<GroupOrder> = {}): GroupOrder => ({
  key: ip(key),
  addresses: [{ ip: ip(key), interfaces: undefined }],
  candidates,
  policy: 'sticky',
  revision: 1,
  ...more,
});

/** Speakers `a`, `b` and `c` at rest; the group is owned by `a`, which `b` and then `c` follow. */
export const threeAtRest = (key: Ip, segments = 1, more: Partial<GroupOrder> = {}): OwnershipRig => {
  const names = ['a', 'b', 'c'];
  const rig = createOwnershipRig(names, segments);
  for (const name of names) rig.start(name);
  rig.advance(500);
  rig.order(orderOf(key, names, more));
  rig.advance(5000);
  return rig;
};

/** Makes nodes of these names; none runs a speaker yet. */
export const createOwnershipRig = (names: readonly string[], segments = 1): OwnershipRig => {
  let now = 0;
  let nonce = 0n;
  const agenda = createDeadlineQueue<{ readonly run: () => void }>();
  const orders: { readonly order: GroupOrder; readonly to: readonly string[] }[] = [];
  const sent: { readonly at: number; readonly from: string; readonly message: OwnershipMessage }[] = [];
  const foreign = new Map<Ip, Mac>();
  const timeline: { readonly at: number; readonly answering: Map<Ip, number> }[] = [];
  let passes: (from: string, to: string, segment: number, message?: OwnershipMessage) => boolean = () => true;
  let delayOf = (): number => latency;
  let members: readonly Member[] | undefined;

  const hosts = new Map(
    names.map((name, index): [string, Host] => [
      name,
      {
        name,
        number: index + 1,
        machine: undefined,
        epoch: 0n,
        sequence: 0,
        state: 'up',
        main: 'current',
        carriers: Array.from({ length: segments }, () => true),
        queue: [],
        answers: new Set(),
        reports: [],
        effects: [],
      },
    ]),
  );
  const host = (name: string): Host => hosts.get(name)!;
  const addressOf = (of: Host, segment: number): Ip => ip(`10.0.${segment}.${of.number}`);
  const at = (delay: number, run: () => void): void => agenda.set({ run }, millis(now + delay));
  const isRunning = ({ machine, state }: Host): boolean => machine !== undefined && state === 'up';

  const linksOf = (of: Host): readonly OwnershipLink[] =>
    of.carriers.map((hasCarrier, segment) => ({
      index: segment + 1,
      name: `eth${segment}`,
      mac: (0x0200_0000_0000 + segment * 256 + of.number) as Mac,
      hasCarrier,
      ipv4: addressOf(of, segment),
      ipv6: undefined,
    }));

  const reaches = (from: Host, to: Host, segment: number, message?: OwnershipMessage): boolean =>
    from !== to &&
    from.carriers[segment] === true &&
    to.carriers[segment] === true &&
    from.state !== 'crashed' &&
    to.state !== 'crashed' &&
    passes(from.name, to.name, segment, message);

  const note = (): void => {
    const answering = new Map<Ip, number>();
    for (const { answers, state } of hosts.values()) {
      if (state === 'up') for (const each of answers) answering.set(each, (answering.get(each) ?? 0) + 1);
    }
    timeline.push({ at: now, answering });
  };

  const step = (of: Host, event: OwnershipEvent): void => {
    if (of.state === 'frozen') of.queue.push(event);
    if (!isRunning(of)) return;
    for (const effect of of.machine!.step(event, millis(now))) perform(of, effect);
  };

  const deliver = (from: Host, to: Host, segment: number, message: OwnershipMessage, isRouted: boolean): void => {
    if (!reaches(from, to, segment, message)) return;
    const event = {
      type: 'received',
      interface: isRouted ? undefined : segment + 1,
      from: addressOf(from, segment),
      message,
    } as const;
    at(delayOf(), () => step(to, event));
  };

  const performers: {
    [T in OwnershipEffect['type']]?: (of: Host, effect: Extract<OwnershipEffect, { type: T }>) => void;
  } = {
    send: (of, { interface: index, to, body }) => {
      of.sequence += 1;
      const message: OwnershipMessage = { node: of.name, epoch: of.epoch, sequence: of.sequence, ...body };
      sent.push({ at: now, from: of.name, message });
      for (const other of hosts.values()) {
        for (let segment = 0; segment < segments; segment++) {
          const isTo = to === 'all' ? index === segment + 1 : to === addressOf(other, segment);
          // What goes to one address may be routed: it arrives where the address is.
          if (isTo) deliver(of, other, segment, message, false);
        }
      }
    },
    diagnose: (of, { node, interface: index, body }) => {
      const other = host(node);
      if (!reaches(of, other, index - 1) || !reaches(other, of, index - 1)) return;
      if (other.state === 'killed') {
        at(latency, () => step(of, { type: 'diagnosed', node, interface: index, finding: 'portUnreachable' }));
        return;
      }
      at(latency, () => step(of, { type: 'diagnosed', node, interface: index, finding: 'hostAnswers' }));
      of.sequence += 1;
      const message = { node: of.name, epoch: of.epoch, sequence: of.sequence, ...body };
      deliver(of, other, index - 1, message, false);
    },
    inspect: (of, { interface: index }) => {
      const epoch = of.epoch;
      const look = (left: number): void => {
        if (of.epoch !== epoch) return;
        const hasFrames = of.carriers[index - 1]! && passes('gateway', of.name, index - 1);
        if (hasFrames || left === 0) step(of, { type: 'inspected', interface: index, hasFrames });
        if (!hasFrames) at(10, () => look(left - 1));
      };
      at(1, () => look(100));
    },
    answer: (of, { addresses }) => addresses.forEach((address) => of.answers.add(address.ip)),
    silence: (of, { addresses }) => addresses.forEach((address) => of.answers.delete(address.ip)),
    probe: (of, { address }) => {
      const mac = foreign.get(address.ip);
      const sighting = { type: 'sighted', interface: 1, ip: address.ip, kind: 'claim' } as const;
      if (mac !== undefined) at(1, () => step(of, { ...sighting, mac }));
    },
    report: (of, { report }) => void of.reports.push(report),
  };

  const perform = (of: Host, effect: OwnershipEffect): void => {
    of.effects.push(effect);
    (performers[effect.type] as ((host: Host, effect: OwnershipEffect) => void) | undefined)?.(of, effect);
    if (effect.type === 'answer' || effect.type === 'silence') note();
  };

  const membersFor = (of: Host): readonly Member[] =>
    (
      members ?? [...hosts.values()].map((other) => ({ node: other.name, address: addressOf(other, 0), beacons: true }))
    ).filter(({ node }) => node !== of.name);

  const tellMain = (of: Host): void => {
    if (of.main !== 'hung') step(of, { type: 'mainAwake', isWatchCurrent: of.main === 'current' });
  };

  const everySecond = (): void => {
    for (const of of hosts.values()) tellMain(of);
    at(1000, everySecond);
  };
  at(1000, everySecond);

  const stop = (of: Host, state: Host['state']): void => {
    of.state = state;
    of.machine = undefined;
    of.answers = new Set();
    note();
  };

  const runUntil = (end: number): void => {
    let turns = 0;
    for (;;) {
      turns += 1;
      if (turns > 2_000_000) throw new Error(`no rest at ${now}`);
      let due: number = agenda.next() ?? Infinity;
      let sleeper: Host | undefined;
      for (const of of hosts.values()) {
        if (!isRunning(of)) continue;
        const deadline = Math.max(now, of.machine!.nextDeadline());
        if (deadline < due) {
          due = deadline;
          sleeper = of;
        }
      }
      if (due > end) break;
      now = due;
      if (sleeper === undefined) agenda.takeDue(millis(now))!.run();
      else step(sleeper, { type: 'timerDue' });
    }
    now = end;
  };

  const measure = (key: Ip, from: number, counts: (answering: number) => boolean): number => {
    let total = 0;
    timeline.forEach(({ at: begin, answering }, index) => {
      const end = timeline[index + 1]?.at ?? now;
      if (counts(answering.get(key) ?? 0)) total += Math.max(0, end - Math.max(begin, from));
    });
    return total;
  };

  return {
    now: () => now,
    advance: (duration) => runUntil(now + duration),
    start: (name, options = {}) => {
      const of = host(name);
      nonce += 1n;
      Object.assign(of, {
        state: 'up',
        epoch: 1000n + nonce,
        sequence: 0,
        queue: [],
        answers: new Set(),
        reports: [],
        effects: [],
      });
      of.machine = createOwnership({
        node: name,
        epoch: of.epoch,
        random64: () => (nonce += 1n),
        hasBeacon: true,
        isProbing: true,
        ...options,
      });
      step(of, { type: 'links', links: linksOf(of) });
      step(of, { type: 'members', members: membersFor(of), isComplete: true });
      tellMain(of);
      const changed = orders.filter(({ to }) => to.includes(name)).map(({ order }) => order);
      if (changed.length > 0) step(of, { type: 'groups', changed, removed: [] });
    },
    tell: (name, event) => step(host(name), event),
    order: (order, to = names) => {
      const known = orders.findIndex((other) => other.order.key === order.key);
      orders.splice(known < 0 ? orders.length : known, known < 0 ? 0 : 1, { order, to });
      for (const name of to) step(host(name), { type: 'groups', changed: [order], removed: [] });
    },
    crash: (name) => stop(host(name), 'crashed'),
    kill: (name) => stop(host(name), 'killed'),
    freeze: (name) => {
      host(name).state = 'frozen';
      note();
    },
    thaw: (name, isDeaf = false) => {
      const of = host(name);
      of.state = 'up';
      note();
      const queue = isDeaf ? [] : of.queue;
      of.queue = [];
      for (const event of queue) step(of, event);
    },
    filter: (next) => {
      passes = next;
    },
    setDelay: (delay) => {
      delayOf = delay;
    },
    setCarrier: (name, segment, hasCarrier) => {
      const of = host(name);
      of.carriers[segment] = hasCarrier;
      step(of, { type: 'links', links: linksOf(of) });
    },
    setMain: (name, state) => {
      host(name).main = state;
      tellMain(host(name));
    },
    setMembers: (list) => {
      members = list;
      for (const of of hosts.values()) step(of, { type: 'members', members: membersFor(of), isComplete: true });
    },
    setForeignHost: (address, mac) => {
      if (mac === undefined) foreign.delete(address);
      else foreign.set(address, mac);
    },
    answering: (address) => names.filter((name) => host(name).state === 'up' && host(name).answers.has(address)),
    reports: (name) => host(name).reports,
    effects: (name) => host(name).effects,
    sent: () => sent,
    silence: (key, from) => measure(key, from, (count) => count === 0),
    doubles: (key, from) => measure(key, from, (count) => count > 1),
  };
};
