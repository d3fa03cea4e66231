import type { Ip } from '../../../src/lib/ip.ts';
import { newStory, type Random, seededRandom } from '../random.ts';
import { type Cluster, type ClusterOptions, createCluster, groupIp } from './cluster.ts';
import type { Figures } from './figures.ts';
import type { Client } from './witness.ts';

/** A cluster at rest, for a scenario. */
export type Rig = Cluster & {
  readonly random: Random;
  readonly client: Client;
  readonly keys: readonly Ip[];
  readonly names: readonly string[];
  /** The one owner of a group. */
  readonly owner: (key: Ip) => string;
  /** A node that owns something. */
  readonly anyOwner: () => string;
  /** A node that does not own this group. */
  readonly anyOther: (key: Ip) => string;
  readonly ownedBy: (node: string) => readonly Ip[];
  /** Throws unless, as every client sees it, exactly one node answers for each address. */
  readonly expectRest: () => void;
  /** The same, of what is answered alone: somebody who is stopped may still own it by their own account. */
  readonly expectOneAnswer: () => void;
  /** Lets time pass, and gives how many messages all speakers sent in it. */
  readonly restSent: (duration: number) => number;
  /** Waits until nobody, or more than one, answers nowhere any more; gives how long that took, at most `limit`. */
  readonly settle: (limit: number) => number;
  /** The longest time that the given number of nodes or more (0: none) answered for an address since a time. */
  readonly longest: (what: 'none' | 'two', since: number, ips?: readonly Ip[]) => number;
  readonly figures: (scenario: string, since: number, more?: Partial<Figures>) => Figures;
};

type RigOptions = Partial<Omit<ClusterOptions, 'random' | 'story'>> & {
  readonly size: number;
  readonly addresses: number;
  /** Nodes that may own the nth group. */
  readonly candidates?: (index: number, names: readonly string[]) => readonly string[];
  /** Changes the world before anybody starts. */
  readonly prepare?: (cluster: Cluster, random: Random) => void;
  /** Time of the world until the cluster is taken to be at rest. */
  readonly warmUp?: number;
};

/** Plays with a cluster of that seed; what it throws names the seed and tells the end of the history. */
export const play = <T>(seed: number, options: RigOptions, action: (rig: Rig) => T): T => {
  const random = seededRandom(seed);
  const story = newStory(seed);
  try {
    const cluster = createCluster({
      nodes: Array.from({ length: options.size }, () => [0]),
      segments: 1,
      ...options,
      random,
      story,
    });
    const rig = furnish(cluster, random, options);
    const result = action(rig);
    return result;
  } catch (error) {
    throw story.failure(error);
  }
};

const furnish = (cluster: Cluster, random: Random, options: RigOptions): Rig => {
  const names = [...cluster.nodes.keys()];
  const keys = Array.from({ length: options.addresses }, (_, index) => groupIp(index));
  const client = cluster.witness.addClient('client', 0);
  options.prepare?.(cluster, random);
  for (const [index, key] of keys.entries()) {
    const nodes = options.candidates?.(index, names) ?? names;
    cluster.putService({ key, addresses: [{ ip: key, interfaces: undefined }], nodes });
    cluster.witness.expect(key);
  }
  cluster.start(...names);
  cluster.time.advance(options.warmUp ?? 5000);

  const owner = (key: Ip): string => {
    const owners = cluster.owners(key);
    if (owners.length !== 1) throw new Error(`${key} is owned by [${owners.join()}]`);
    return owners[0]!;
  };
  const expectOneAnswer = (): void => {
    for (const one of cluster.witness.clients) {
      for (const ip of cluster.witness.addresses()) {
        if (!cluster.witness.isExpected(one, ip)) continue;
        const nodes = cluster.witness.answering(one, ip);
        if (nodes.length !== 1) throw new Error(`${one.name} sees ${ip} answered by [${nodes.join()}]`);
      }
    }
  };
  const isSettled = (): boolean =>
    cluster.witness.clients.every((one) =>
      cluster.witness
        .addresses()
        .every((ip) => !cluster.witness.isExpected(one, ip) || cluster.witness.answering(one, ip).length === 1),
    );
  const rig: Rig = {
    ...cluster,
    random,
    client,
    keys,
    names,
    owner,
    anyOwner: () => owner(random.anyOf([...cluster.services().keys()])!),
    anyOther: (key) => random.anyOf(names.filter((name) => name !== owner(key)))!,
    ownedBy: (node) => keys.filter((key) => cluster.owners(key).includes(node)),
    expectRest: () => {
      expectOneAnswer();
      for (const key of cluster.services().keys()) owner(key);
    },
    expectOneAnswer,
    restSent: (duration) => {
      const count = (): number =>
        [...cluster.nodes.values()].reduce((total, { speaker }) => total + (speaker?.sent() ?? 0), 0);
      const before = count();
      cluster.time.advance(duration);
      return count() - before;
    },
    settle: (limit) => {
      const since = cluster.time.now();
      while (!isSettled() && cluster.time.now() < since + limit) cluster.time.advance(1);
      return cluster.time.now() - since;
    },
    longest: (what, since, ips = keys) =>
      Math.max(
        0,
        ...cluster.witness
          .intervals(since)
          .filter(({ ip, nodes }) => ips.includes(ip) && (what === 'none' ? nodes.length === 0 : nodes.length > 1))
          .map(({ from, to }) => to - from),
      ),
    figures: (scenario, since, more = {}) => {
      const intervals = cluster.witness.intervals(since);
      return {
        scenario,
        nodes: names.length,
        detections: [],
        outages: cluster.witness.losses(since).map(({ from, to }) => to - from),
        double: intervals.filter(({ nodes }) => nodes.length > 1).map(({ from, to }) => to - from),
        none: intervals.filter(({ nodes }) => nodes.length === 0).map(({ from, to }) => to - from),
        falseTakeovers: cluster.falseTakeovers.filter(({ at }) => at >= since).length,
        lasted: cluster.time.now() - since,
        sent: 0,
        sentIn: 0,
        ...more,
      };
    },
  };
  rig.expectRest();
  return rig;
};
