import { hashRank } from '../../lib/hash-rank.ts';
import type { Ip } from '../../lib/ip.ts';
import { compareText } from '../../lib/sorted.ts';
import type { Candidate } from './group-decision.ts';
import type { Loads } from './loads.ts';
import { spreadHashes } from './spread-hash.ts';

/** What an election needs to know of a node. */
export type NodeState = {
  /** Its Node object is ready, or not known. */
  readonly isReady: boolean;
  /** Its beacons are not known to have ceased. */
  readonly isHeard: boolean;
};

/** What one election is about. */
export type Election = {
  readonly key: Ip;
  /** In order of name. */
  readonly candidates: readonly Candidate[];
  /** Who owns the group, as far as known; counts if it is a candidate and heard. */
  readonly owner: string | undefined;
};

/** The first is to own the group, the second follows it, then the others. */
export type ElectionOrder = readonly string[];

type Contender = {
  readonly node: string;
  /** What loads do not outweigh: heard before ready before preferred. */
  readonly worth: number;
  readonly hash: number;
};

/** More than any score. */
const readyWorth = 2 ** 40;

/**
 * Who is to own a group: the owner stays; else those that are heard and ready come first, of these the preferred, then
 * those that have not their share of groups yet, then the hash decides.
 *
 * @param loads without this group
 */
export const chooseFirst = (
  election: Election,
  loads: Pick<Loads, 'excess'>,
  stateOf: (node: string) => NodeState,
): string | undefined => {
  const { owner, candidates } = election;
  const stays = owner !== undefined && stateOf(owner).isHeard && candidates.some(({ node }) => node === owner);
  return stays ? owner : best(contendersIn(election, stateOf), loads.excess)?.node;
};

/**
 * The whole order behind the first. The second is chosen as the first is, by what the loads would be if that one died,
 * so that its groups spread over all the others. Where there are many candidates the hash decides on the next few only;
 * whoever comes after those keeps the order of names.
 */
export const orderBehind = (
  first: string,
  election: Election,
  loads: Pick<Loads, 'excessAfter'>,
  stateOf: (node: string) => NodeState,
): ElectionOrder => {
  const others = contendersIn(election, stateOf).filter(({ node }) => node !== first);
  others.sort(byWorth);
  for (let place = 0; place < Math.min(hashedPlaces, others.length); place++)
    promote(others, firstByHash(others, place), place);
  const excess = (node: string): number => loads.excessAfter(first, node);
  const [next] = others;
  if (next === undefined) return [first];
  // Nearly always one of those has not its share yet; else all are asked.
  const second = others.slice(0, hashedPlaces).find(({ node, worth }) => worth === next.worth && excess(node) === 0);
  promote(others, others.indexOf(second ?? best(others, excess)!), 0);
  return [first, ...others.map(({ node }) => node)];
};

/** How many places behind the first the hash decides on. */
const hashedPlaces = 4;

/** Moves an element forward. */
const promote = (list: Contender[], from: number, to: number): void => {
  if (from > to) list.splice(to, 0, ...list.splice(from, 1));
};

/** Where the first by hash stands among those from `place` on that are worth as much as who stands there. */
const firstByHash = (contenders: readonly Contender[], place: number): number => {
  let found = place;
  for (let at = place + 1; at < contenders.length; at++) {
    if (contenders[at]!.worth !== contenders[place]!.worth) break;
    if (byRank(contenders[at]!, contenders[found]!) < 0) found = at;
  }
  return found;
};

const contendersIn = ({ key, candidates }: Election, stateOf: (node: string) => NodeState): Contender[] => {
  const hashOf = spreadHashes(key);
  return candidates.map(({ node, score }) => {
    const { isReady, isHeard } = stateOf(node);
    const worth = (Number(isHeard) * 2 + Number(isReady)) * readyWorth + score;
    return { node, worth, hash: hashOf(node) };
  });
};

const byRank = (a: Contender, b: Contender): number =>
  b.worth - a.worth || a.hash - b.hash || compareText(a.node, b.node);

const byWorth = (a: Contender, b: Contender): number => b.worth - a.worth;

/** Of those in the first place by worth, the one with the least excess, and of these the first by hash. */
const best = (contenders: readonly Contender[], excess: (node: string) => number): Contender | undefined => {
  let chosen: Contender | undefined;
  let least = Infinity;
  for (const contender of contenders) {
    if (chosen !== undefined && contender.worth < chosen.worth) continue;
    const here = excess(contender.node);
    const isEqual = contender.worth === chosen?.worth;
    if (isEqual && (here > least || (here === least && byRank(contender, chosen!) > 0))) continue;
    chosen = contender;
    least = here;
  }
  return chosen;
};

/** MetalLB's order, and what it remembers. */
export type MetallbOrder = {
  readonly order: (election: Pick<Election, 'key' | 'candidates'>) => ElectionOrder;
  /** Drops what is remembered of a group that is gone. */
  readonly forget: (key: Ip) => void;
};

/**
 * Makes MetalLB's order: the higher score first, then ascending by the 32 octets of SHA-256 over node name, `#` and the
 * address in canonical text. Hashes are computed only when a candidate is new to a group: nodes that come and go cost a
 * filter.
 */
export const createMetallbOrder = (rank: (node: string, key: Ip) => string = hashRank): MetallbOrder => {
  const remembered = new Map<Ip, readonly string[]>();
  const byHash = (key: Ip, candidates: ReadonlySet<string>): readonly string[] => {
    const known = (remembered.get(key) ?? []).filter((node) => candidates.has(node));
    if (known.length === candidates.size) return known;
    const order = Array.from(candidates, (node) => ({ node, rank: rank(node, key) }))
      .sort((a, b) => compareText(a.rank, b.rank))
      .map(({ node }) => node);
    remembered.set(key, order);
    return order;
  };
  return {
    order: ({ key, candidates }) => {
      const scores = new Map(candidates.map(({ node, score }) => [node, score]));
      const nodes = byHash(key, new Set(scores.keys()));
      return nodes.toSorted((a, b) => scores.get(b)! - scores.get(a)!);
    },
    forget: (key) => void remembered.delete(key),
  };
};
