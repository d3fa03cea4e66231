import { hashRank } from '../../lib/hash-rank.ts';
import type { Ip } from '../../lib/ip.ts';
import { compareText } from '../../lib/sorted.ts';
import type { Candidate } from './group-decision.ts';
import type { Loads } from './loads.ts';
import { spreadHash } from './spread-hash.ts';

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
  readonly candidates: readonly Candidate[];
  /** Who owns the group, as far as known; counts if it is a candidate and heard. */
  readonly owner: string | undefined;
};

/** The first is to own the group, the second follows it, then the others. */
export type ElectionOrder = readonly string[];

type Contender = Candidate & NodeState & { readonly hash: number };

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
 * so that its groups spread over all the others.
 */
export const orderBehind = (
  first: string,
  election: Election,
  loads: Pick<Loads, 'excessAfter'>,
  stateOf: (node: string) => NodeState,
): ElectionOrder => {
  const others = contendersIn(election, stateOf)
    .filter(({ node }) => node !== first)
    .sort(byRank);
  const second = best(others, (node) => loads.excessAfter(first, node));
  if (second === undefined) return [first];
  return [first, second.node, ...others.filter((contender) => contender !== second).map(({ node }) => node)];
};

const contendersIn = ({ key, candidates }: Election, stateOf: (node: string) => NodeState): Contender[] =>
  candidates.map(({ node, score }) => {
    const { isReady, isHeard } = stateOf(node);
    return { node, score, isReady, isHeard, hash: spreadHash(node, key) };
  });

const byRank = (a: Contender, b: Contender): number => byWorth(a, b) || a.hash - b.hash || compareText(a.node, b.node);

/** By what loads do not outweigh. */
const byWorth = (a: Contender, b: Contender): number =>
  Number(b.isHeard) - Number(a.isHeard) || Number(b.isReady) - Number(a.isReady) || b.score - a.score;

/** Of those in the first place by worth, the one with the least excess, and of these the first by hash. */
const best = (contenders: readonly Contender[], excess: (node: string) => number): Contender | undefined => {
  let chosen: Contender | undefined;
  let least = Infinity;
  for (const contender of contenders) {
    const worth = chosen === undefined ? -1 : byWorth(contender, chosen);
    if (worth > 0) continue;
    const here = excess(contender.node);
    if (worth === 0 && (here > least || (here === least && byRank(contender, chosen!) > 0))) continue;
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
