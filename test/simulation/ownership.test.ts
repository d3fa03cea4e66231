/**
 * Many speakers, each with the code that decides and a view of its own, which hears of the same changes in the order of
 * their kinds and with delays of its own. Time is virtual; there is no I/O and no thread.
 *
 * A failure names its seed: `SIMULATION_SEED=17 npm run test:simulation` plays that history alone, and
 * `SIMULATION_HISTORIES=500` looks at more than the usual ones.
 */
import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import { millis } from '../../src/lib/time.ts';
import { disturbKind, furnish, pickNode, podKey } from './operators.ts';
import { ownersIn } from './owners.ts';
import { newStory, type Random, seededRandom, seedsToPlay, type Story } from './random.ts';
import {
  type ClusterState,
  createSpeakerCluster,
  type Kind,
  longEnough,
  type SpeakerCluster,
  type Turn,
} from './speakers.ts';

test.each([
  { speakers: 3, histories: 40, bursts: 40 },
  { speakers: 10, histories: 15, bursts: 40 },
  { speakers: 50, histories: 4, bursts: 20 },
])(
  'of $speakers speakers exactly one answers for each address, and none moves without a reason',
  ({ speakers, histories, bursts }) => {
    const worst = { double: 0, silent: 0, turns: 0 };
    for (const seed of seedsToPlay(histories)) {
      const story = newStory(seed);
      try {
        play({ speakers, bursts, random: seededRandom(seed), story, worst });
      } catch (error) {
        throw story.failure(error);
      }
    }
    expect(worst.turns).toBeGreaterThan(0);
    console.log(
      `${speakers} speakers: ${worst.turns} turns; ` +
        `longest with two announcers ${Math.round(worst.double)} ms, with none ${Math.round(worst.silent)} ms`,
    );
  },
);

type Play = {
  readonly speakers: number;
  readonly bursts: number;
  readonly random: Random;
  readonly story: Story;
  readonly worst: { double: number; silent: number; turns: number };
};

const kinds = ['services', 'slices', 'nodes', 'pods', 'pools', 'advertisements'] as const;

const play = ({ speakers, bursts, random, story, worst }: Play): void => {
  const cluster = createSpeakerCluster(random);
  const nodes = Array.from({ length: speakers }, (_, index) => `node${index}`);
  furnish(cluster, nodes, random);
  const launch = (node: string): void =>
    cluster.start(node, () => cluster.put('pods', podKey(node), { key: podKey(node), nodeName: node, ready: true }));
  for (const node of nodes) launch(node);

  /** Lets the changes happen within a moment, and everybody hear of them. */
  const live = (changes: readonly (() => void)[]): readonly Turn[] => {
    cluster.turns();
    const before = ownersIn(cluster.state());
    const since = cluster.clock.now();
    for (const change of changes) {
      change();
      cluster.clock.advance(millis(random.pick([0, 1, 20, 300])));
    }
    cluster.clock.advance(longEnough);
    const turns = cluster.turns();
    const after = ownersIn(cluster.state());
    expectOwners(cluster, after);
    const { double, silent } = measure(turns, before, since);
    worst.double = Math.max(worst.double, double);
    worst.silent = Math.max(worst.silent, silent);
    worst.turns += turns.length;
    return turns;
  };

  live([]);
  for (let burst = 0; burst < bursts; burst++) {
    const type = random.below(10);
    if (type < 5) {
      const kind = random.pick(kinds);
      story.tell(`changes of ${kind}`);
      const states = [cluster.state()];
      const turns = live(
        Array.from({ length: 1 + random.below(4) }, () => () => {
          disturbKind(cluster, kind, nodes, random);
          states.push(cluster.state());
        }),
      );
      expectOnlyNeededTurns(turns, states);
    } else if (type < 8) {
      const chosen = Array.from({ length: 2 + random.below(4) }, () => random.pick(kinds));
      story.tell(`changes of ${chosen.join()}`);
      const states = new Map<Kind, ClusterState[]>(kinds.map((kind) => [kind, [cluster.state()]]));
      const turns = live(
        chosen.map((kind) => () => {
          disturbKind(cluster, kind, nodes, random);
          states.get(kind)!.push(cluster.state());
        }),
      );
      expectOnlyPossibleTurns(turns, states);
    } else {
      const node = pickNode(cluster, nodes, random);
      story.tell(`the speaker of ${node} starts anew`);
      live(restart(cluster, node, launch, random));
    }
  }
};

/** A speaker ends, Kubernetes notices or deletes its pod, and another one starts; or the node is gone for a while. */
const restart = (
  cluster: SpeakerCluster,
  node: string,
  launch: (node: string) => void,
  random: Random,
): readonly (() => void)[] => {
  const key = podKey(node);
  const noticed = (): void => {
    cluster.clock.advance(millis(random.pick([10, 1000, 50_000])));
    cluster.put('pods', key, random.chance(0.5) ? undefined : { key, nodeName: node, ready: false });
  };
  const create = (): void => cluster.put('pods', key, { key, nodeName: node, ready: false });
  return [() => cluster.kill(node), noticed, create, () => launch(node)];
};

const expectOwners = (cluster: SpeakerCluster, owners: ReadonlyMap<Ip, string | undefined>): void => {
  for (const [ip, owner] of owners) {
    const announcers = [...cluster.announcers(ip)].join();
    if (announcers !== (owner ?? ''))
      throw new Error(`${ip} is announced by [${announcers}] and not by [${owner ?? ''}]`);
  }
  for (const ip of cluster.announced()) if (!owners.has(ip)) throw new Error(`${ip} is announced and nobody's`);
};

const begins = (turns: readonly Turn[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const turn of turns) {
    const name = `${turn.ip} ${turn.node}`;
    if (turn.begins) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
};

/** All speakers went through the same states: each address moved exactly as often as its owner changed. */
const expectOnlyNeededTurns = (turns: readonly Turn[], states: readonly ClusterState[]): void => {
  const needed = new Map<string, number>();
  const owners = states.map(ownersIn);
  for (const [index, now] of owners.entries()) {
    if (index === 0) continue;
    for (const [ip, owner] of now) {
      if (owner === undefined || owners[index - 1]!.get(ip) === owner) continue;
      const name = `${ip} ${owner}`;
      needed.set(name, (needed.get(name) ?? 0) + 1);
    }
  }
  expect(begins(turns), 'how often speakers began to announce').toEqual(needed);
};

/** Speakers saw the kinds in different orders: whatever they saw, an address moves only between owners of such states. */
const expectOnlyPossibleTurns = (turns: readonly Turn[], states: ReadonlyMap<Kind, readonly ClusterState[]>): void => {
  let mixtures: Partial<ClusterState>[] = [{}];
  for (const kind of kinds) {
    mixtures = mixtures.flatMap((mixture) => states.get(kind)!.map((state) => ({ ...mixture, [kind]: state[kind] })));
  }
  const possible = mixtures.map((mixture) => ownersIn(mixture as ClusterState));
  for (const { ip, node, begins } of turns) {
    const isOwner = possible.map((owners) => owners.get(ip) === node);
    if (!isOwner.includes(begins))
      throw new Error(`${node} ${begins ? 'began' : 'ceased'} to announce ${ip} for nothing`);
    if (!isOwner.includes(!begins)) throw new Error(`${node} moved ${ip}, which was its own in every view or in none`);
  }
};

/** The longest time an address had two announcers, and the longest that it had none between two. */
const measure = (
  turns: readonly Turn[],
  before: ReadonlyMap<Ip, string | undefined>,
  start: number,
): { readonly double: number; readonly silent: number } => {
  let double = 0;
  let silent = 0;
  const current = new Map<Ip, { count: number; since: number }>();
  for (const { at, ip, begins } of turns) {
    const known = current.get(ip) ?? { count: before.get(ip) === undefined ? 0 : 1, since: start };
    if (known.count > 1) double = Math.max(double, at - known.since);
    if (known.count === 0 && current.has(ip)) silent = Math.max(silent, at - known.since);
    current.set(ip, { count: known.count + (begins ? 1 : -1), since: at });
  }
  return { double, silent };
};
