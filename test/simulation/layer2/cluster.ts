import type { Ip } from '../../../src/lib/ip.ts';
import { ipv4FromNumber, ipv4ToNumber } from '../../../src/lib/ip.ts';
import { millis } from '../../../src/lib/time.ts';
import type { OwnershipReport } from '../../../src/proto/ownership/machine.ts';
import { createOwnership } from '../../../src/proto/ownership/ownership.ts';
import type { Random, Story } from '../random.ts';
import { createKeyRing, type KeyRing } from '../../../src/proto/ownership/key-ring.ts';
import { createChorusSpeaker } from './chorus.ts';
import { createGossip, type Gossip, type Gossiper } from './gossip.ts';
import { createHost, type Host } from './host.ts';
import { reaches, type Port } from './lan.ts';
import { type MainThread, startMainThread } from './main-thread.ts';
import type { ApiState, Service } from './orders.ts';
import { createNetwork, type Network } from './network.ts';
import { createOriginal } from './original.ts';
import { type Speaker, startSpeaker } from './speaker.ts';
import { calmTime, type FalseTakeover, isFromTheDead, livingOwners } from './takeovers.ts';
import { createVirtualTime, type VirtualTime } from './virtual-time.ts';
import { createWitness, type Witness } from './witness.ts';

/** What a cluster is made of. */
export type ClusterOptions = {
  /** By node: the segments its interfaces eth0, eth1 and so on are plugged into, by number. */
  readonly nodes: readonly (readonly number[])[];
  readonly segments: number;
  readonly random: Random;
  readonly story: Story;
  readonly hasBeacon?: boolean;
  readonly isProbing?: boolean;
  /** What the key is made of; without it everybody has the same key, always. */
  readonly secret?: Uint8Array;
  /** Nodes whose speakers are the original's, and those that are only there to be heard. */
  readonly originals?: ReadonlySet<string>;
  readonly chorus?: ReadonlySet<string>;
};

export type ClusterNode = {
  readonly name: string;
  readonly host: Host;
  speaker: Speaker | undefined;
  main: MainThread | undefined;
  keyRing: KeyRing | undefined;
  /** Its watches reach the API server. */
  hasApi: boolean;
  /** How late its responder thread is, each time. */
  lateness: () => number;
  /** From its responder to its main thread: in order, each after a delay. */
  reportWay: Way;
};

/** Has something happen some time later, after all that was asked for before. */
type Way = (action: () => void) => void;

/** Something that a speaker told its main thread. */
export type Told = { readonly at: number; readonly node: string; readonly report: OwnershipReport };

/** Speakers on hosts on a network, an API server, and clients that look on. */
export type Cluster = {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly witness: Witness;
  readonly gossip: Gossip;
  readonly nodes: ReadonlyMap<string, ClusterNode>;
  readonly told: readonly Told[];
  readonly falseTakeovers: readonly FalseTakeover[];
  /** When anything last happened to network, hosts or processes. */
  readonly changedAt: () => number;
  readonly node: (name: string) => ClusterNode;
  readonly port: (node: string, position?: number) => Port;
  readonly start: (...names: readonly string[]) => void;
  readonly putService: (service: Omit<Service, 'revision'>) => void;
  readonly removeService: (key: Ip) => void;
  readonly services: () => ApiState;
  /** Lets watches that reach the API server again catch up. */
  readonly publish: () => void;
  /** To be called after every change of the world that is not made by a method of this. */
  readonly changed: () => void;
  readonly killSpeaker: (name: string) => void;
  /** SIGTERM: hands over, leaves and ends. */
  readonly terminate: (name: string) => void;
  readonly powerOff: (name: string) => void;
  readonly powerOn: (name: string) => void;
  readonly stop: (name: string) => void;
  readonly proceed: (name: string) => void;
  readonly pause: (name: string) => void;
  readonly unpause: (name: string, isSeenByClock: boolean) => void;
  /** The node that owns a group by its own machine; several while that is being settled. */
  readonly owners: (key: Ip) => readonly string[];
  readonly tell: (line: string) => void;
};

/** The address of a node's interface. */
const nodeIp = (node: number, segment: number): Ip =>
  ipv4FromNumber(ipv4ToNumber('10.0.0.10' as Ip) + segment * 65_536 + node);

/** The first address of the nth group. */
export const groupIp = (index: number): Ip => ipv4FromNumber(ipv4ToNumber('198.18.0.1' as Ip) + index);

/** Linux holds the news of a carrier back for up to this long. */
const linkDelay = 1000;

/** How long a speaker that was told to end has for it. */
const leaveTime = 2000;

export const createCluster = ({
  nodes: plugs,
  segments,
  random,
  story,
  hasBeacon = true,
  isProbing = true,
  secret,
  originals = new Set(),
  chorus = new Set(),
}: ClusterOptions): Cluster => {
  const time = createVirtualTime();
  const network = createNetwork(
    time,
    random,
    Array.from({ length: segments }, (_, index) => `lan${index}`),
  );
  const nodes = new Map<string, ClusterNode>();
  const gossipers = new Map<string, Gossiper>();
  const told: Told[] = [];
  const falseTakeovers: FalseTakeover[] = [];
  let api = new Map<Ip, Service>();
  let revision = 0;
  let changedAt = 0;

  const tell = (line: string): void => story.tell(`${(time.now() / 1000).toFixed(3)} ${line}`);
  const random64 = (): bigint => (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));

  /** Between two threads of a process. */
  const newWay = (): Way => {
    let last = 0;
    return (action) => {
      last = Math.max(last, time.now() + 0.05 + random.next() * 0.5);
      time.at(last, action);
    };
  };

  const hostOf = new Map<Port, Host>();
  const witness = createWitness(time, network, (port) => hostOf.get(port)?.isOn() === true);

  for (const [index, lans] of plugs.entries()) {
    const name = `n${index}`;
    const host = createHost(time, network, {
      name,
      plugs: lans.map((lan) => ({ segment: network.segments[lan]!, ip: nodeIp(index, lan) })),
      clockOffset: random.below(1_000_000),
    });
    for (const port of host.ports.values()) {
      hostOf.set(port, host);
      port.hasJoined = !chorus.has(name);
    }
    nodes.set(name, {
      name,
      host,
      speaker: undefined,
      main: undefined,
      keyRing: undefined,
      hasApi: !chorus.has(name),
      reportWay: newWay(),
      lateness: () => 0.03 + random.next() * 0.3,
    });
  }

  const node = (name: string): ClusterNode => {
    const found = nodes.get(name);
    if (found === undefined) throw new Error(`there is no node ${name}`);
    return found;
  };

  const isConnected = (a: string, b: string): boolean => {
    const theirs = [...node(b).host.ports.values()];
    return [...node(a).host.ports.values()].some((mine) =>
      theirs.some((port) =>
        mine.segment === port.segment
          ? reaches(mine, port) && reaches(port, mine)
          : network.isRouted(mine, port) && network.isRouted(port, mine),
      ),
    );
  };
  const gossip = createGossip(time, random, gossipers, isConnected);

  const knownCarriers = new WeakMap<Speaker, string>();

  const changed = (): void => {
    changedAt = time.now();
    witness.lookAtAll();
    for (const { speaker, host } of nodes.values()) {
      speaker?.wake();
      const carriers = Array.from(host.ports.values(), ({ hasCarrier }) => hasCarrier).join();
      if (speaker === undefined || knownCarriers.get(speaker) === carriers) continue;
      knownCarriers.set(speaker, carriers);
      time.after(random.next() * linkDelay, speaker.onLinks);
    }
    gossip.update();
  };

  const onReport = (speaker: Speaker, report: OwnershipReport): void => {
    const { name } = speaker.host;
    if (isFromTheDead(report) && time.now() > changedAt + calmTime) {
      for (const owner of livingOwners(nodes, name, report.key)) {
        falseTakeovers.push({ at: time.now(), key: report.key, taker: name, owner });
      }
    }
    told.push({ at: time.now(), node: name, report });
    tell(`${name}: ${describe(report)}`);
    const { main } = node(name);
    node(name).reportWay(() => main?.onReport(report));
  };

  /** Watches deliver what there is by then. */
  const publishTo = (member: ClusterNode): void => {
    const { main } = member;
    if (main !== undefined && member.hasApi) time.after(5 + random.next() * 50, () => member.hasApi && main.onApi(api));
  };

  const end = (member: ClusterNode): void => {
    const { speaker } = member;
    if (speaker === undefined) return;
    const answered = [...speaker.answered()];
    speaker.kill();
    member.main?.end();
    gossipers.delete(member.name);
    member.speaker = undefined;
    member.main = undefined;
    for (const ip of answered) witness.onAnswer(speaker, ip);
  };

  const machineOf = (name: string): typeof createOwnership => {
    if (originals.has(name)) return createOriginal;
    return chorus.has(name) ? (options) => createChorusSpeaker(options, chorus.size) : createOwnership;
  };

  const start = (name: string): void => {
    const member = node(name);
    if (member.speaker !== undefined) throw new Error(`${name} runs a speaker already`);
    if (!member.host.isOn()) throw new Error(`${name} is off`);
    tell(`-- ${name} starts`);
    const isOriginal = originals.has(name);
    const keyRing = secret && createKeyRing(secret);
    const speaker = startSpeaker(
      { time, network, witness: { onAnswer: witness.onAnswer, onReport } },
      member.host,
      machineOf(name),
      { node: name, epoch: random64(), random64, hasBeacon, isProbing, keyRing },
    );
    speaker.lateness = () => member.lateness();
    const commandWay = newWay();
    const command: Speaker['command'] = (event) => commandWay(() => speaker.command(event));
    member.reportWay = newWay();
    const main = startMainThread(time, random, name, isOriginal, command, () => {
      if (member.speaker !== speaker) return;
      tell(`-- ${name} has ended`);
      end(member);
      gossip.leave(name);
    });
    main.isWatchCurrent = member.hasApi;
    member.speaker = speaker;
    member.main = main;
    member.keyRing = keyRing;
    gossipers.set(name, {
      member: { node: name, address: [...member.host.ports.values()][0]!.ip, beacons: hasBeacon && !isOriginal },
      main,
      isAwake: () => speaker.state() === 'running' && member.host.isOn() && !main.isHung(),
    });
    publishTo(member);
    gossip.join(name);
  };

  return {
    time,
    network,
    witness,
    gossip,
    nodes,
    told,
    falseTakeovers,
    changedAt: () => changedAt,
    node,
    port: (name, position = 0) => node(name).host.ports.get(position + 2)!,
    start: (...names) => {
      for (const name of names) start(name);
      changedAt = time.now();
    },
    putService: (service) => {
      api = new Map(api).set(service.key, { ...service, revision: ++revision });
      for (const member of nodes.values()) publishTo(member);
    },
    removeService: (key) => {
      api = new Map(api);
      api.delete(key);
      revision++;
      for (const member of nodes.values()) publishTo(member);
    },
    services: () => api,
    publish: () => {
      for (const member of nodes.values()) {
        if (member.main !== undefined) member.main.isWatchCurrent = member.hasApi;
        publishTo(member);
      }
    },
    changed,
    killSpeaker: (name) => {
      tell(`-- the speaker of ${name} is killed`);
      end(node(name));
      changed();
    },
    terminate: (name) => {
      tell(`-- ${name} is told to end`);
      const { speaker, host } = node(name);
      speaker?.command({ type: 'leave', by: millis(host.localTime() + leaveTime) });
    },
    powerOff: (name) => {
      tell(`-- ${name} loses power`);
      node(name).host.powerOff();
      end(node(name));
      changed();
    },
    powerOn: (name) => {
      node(name).host.powerOn();
      start(name);
      changed();
    },
    stop: (name) => {
      tell(`-- ${name} is stopped`);
      node(name).speaker?.stop();
      node(name).main?.hang();
      changed();
    },
    proceed: (name) => {
      tell(`-- ${name} is continued`);
      node(name).speaker?.proceed();
      node(name).main?.proceed();
      changed();
    },
    pause: (name) => {
      tell(`-- the machine of ${name} is paused`);
      node(name).host.pause();
      node(name).speaker?.stop();
      node(name).main?.hang();
      changed();
    },
    unpause: (name, isSeenByClock) => {
      tell(
        `-- the machine of ${name} goes on, ${isSeenByClock ? 'and its clock shows the pause' : 'its clock knows of nothing'}`,
      );
      node(name).host.unpause(isSeenByClock);
      node(name).speaker?.proceed();
      node(name).main?.proceed();
      changed();
    },
    owners: (key) =>
      Array.from(nodes.values())
        .filter(({ speaker }) => speaker?.ownership.owns(key) === true)
        .map(({ name }) => name),
    tell,
  };
};

const describe = (report: OwnershipReport): string =>
  JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value));
