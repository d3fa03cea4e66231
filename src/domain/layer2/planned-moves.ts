import { type Millis, millis, seconds } from '../../lib/time.ts';
import type { Ip } from '../../lib/ip.ts';
import type { Candidate } from './group-decision.ts';
import { spreadHash } from './spread-hash.ts';

/** A group that this node owns. */
export type OwnedGroup = {
  readonly key: Ip;
  readonly candidates: readonly Candidate[];
  /** All candidates, in the order in which they would follow. */
  readonly order: readonly string[];
};

/** What moves depend on beside the groups. */
export type MoveView = {
  readonly self: string;
  readonly now: Millis;
  /** Since when a node has been ready and heard without a break, in this node's eyes; undefined: it is not. */
  readonly upSince: (node: string) => Millis | undefined;
  /** Since when the own node has not been ready; undefined: it is. */
  readonly notReadySince: Millis | undefined;
  /** Undefined: nothing is moved for the sake of balance. */
  readonly balance: Balance | undefined;
};

/** Who has how much. */
export type Balance = {
  /** Groups by owner; nodes that live and may own groups, those with none too. */
  readonly loads: ReadonlyMap<string, number>;
  /** When a group last went from one node to another, whichever; undefined: never. */
  readonly lastMove: Millis | undefined;
};

/** A group that this node is to hand over. */
export type Move = {
  readonly key: Ip;
  readonly to: string;
  readonly why: 'notCandidate' | 'notReady' | 'preferred' | 'rebalance';
};

/** What is to move now, and when to ask again if nothing happens. */
export type MovePlan = { readonly moves: readonly Move[]; readonly next: Millis | undefined };

/** How long a node may be not ready before it hands over to one that is. */
const notReadyPatience = seconds(10);

/** How long a preferred node, or an emptier one, has to be up before it gets groups of others. */
const settlingTime = seconds(60);

/** From one rebalancing move of the cluster to the next. */
const rebalancePause = seconds(60);

/** How much busier than the mean the busiest node may be. */
const mostImbalance = 1.25;

/** Plans the moves of the groups that this node owns. */
export const planMoves = (groups: Iterable<OwnedGroup>, view: MoveView): MovePlan => {
  const moves: Move[] = [];
  const waits: Millis[] = [];
  const staying: OwnedGroup[] = [];
  for (const group of groups) {
    const found = moveOf(group, view);
    if (found === undefined) staying.push(group);
    else if ('at' in found) {
      waits.push(found.at);
      staying.push(group);
    } else moves.push(found);
  }
  if (moves.length === 0) {
    const found = rebalance(staying, view);
    if (found !== undefined && 'at' in found) waits.push(found.at);
    else if (found !== undefined) moves.push(found);
  }
  const next = waits.length === 0 ? undefined : millis(Math.min(...waits));
  return { moves, next };
};

/** A move that is to be looked at again at a time. */
type Later = { readonly at: Millis };

const moveOf = (group: OwnedGroup, view: MoveView): Move | Later | undefined => {
  const { key, candidates, order } = group;
  const { self, now, notReadySince, upSince } = view;
  const own = candidates.find(({ node }) => node === self);
  if (own === undefined) {
    const [to] = order;
    return to === undefined ? undefined : { key, to, why: 'notCandidate' };
  }
  // The most preferred of those that are up, in the order in which they follow.
  const best = order
    .filter((node) => node !== self && upSince(node) !== undefined)
    .map((node) => candidates.find((candidate) => candidate.node === node)!)
    .reduce<Candidate | undefined>(
      (most, next) => (most === undefined || next.score > most.score ? next : most),
      undefined,
    );
  if (best === undefined) return undefined;
  if (notReadySince !== undefined) {
    const at = millis(notReadySince + notReadyPatience);
    return now >= at ? { key, to: best.node, why: 'notReady' } : { at };
  }
  const preferred = candidates.filter(({ node, score }) => score > own.score && upSince(node) !== undefined);
  if (preferred.length === 0) return undefined;
  const settled = preferred.filter(({ node }) => now >= upSince(node)! + settlingTime);
  const most = Math.max(...settled.map(({ score }) => score));
  const to = order.find((node) => settled.some((one) => one.node === node && one.score === most));
  if (to !== undefined) return { key, to, why: 'preferred' };
  return { at: millis(Math.min(...preferred.map(({ node }) => upSince(node)! + settlingTime))) };
};

/**
 * The busiest node of the cluster gives one group away when it has too many, and none has moved for a while: every node
 * sees the same moves, so there is one a minute in the whole cluster. Nothing goes to a node that is less preferred.
 */
const rebalance = (groups: readonly OwnedGroup[], view: MoveView): Move | Later | undefined => {
  const { self, now, upSince, notReadySince, balance } = view;
  if (balance === undefined || notReadySince !== undefined) return undefined;
  const { loads, lastMove } = balance;
  const own = loads.get(self) ?? 0;
  const total = Iterator.from(loads.values()).reduce((sum, load) => sum + load, 0);
  if (own * loads.size <= mostImbalance * total || busiest(loads) !== self) return undefined;

  const targets = [...loads]
    .filter(([node, load]) => node !== self && own - load >= 2 && upSince(node) !== undefined)
    .sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  const chosen = targets.flatMap(([to]) => lightest(groups, self, to) ?? [])[0];
  if (chosen === undefined) return undefined;
  const at = millis(Math.max(upSince(chosen.to)! + settlingTime, (lastMove ?? -Infinity) + rebalancePause));
  return now >= at ? { ...chosen, why: 'rebalance' } : { at };
};

const busiest = (loads: ReadonlyMap<string, number>): string | undefined => {
  const most = Math.max(...loads.values());
  return [...loads]
    .filter(([, load]) => load === most)
    .map(([node]) => node)
    .sort()[0];
};

/** The group that the hash would rather have on the other node than any other group, where they are equally preferred. */
const lightest = (groups: readonly OwnedGroup[], self: string, to: string): Omit<Move, 'why'> | undefined => {
  let chosen: Ip | undefined;
  let least = Infinity;
  for (const { key, candidates } of groups) {
    const score = (name: string) => candidates.find(({ node }) => node === name)?.score;
    if (score(to) === undefined || score(to) !== score(self)) continue;
    const hash = spreadHash(to, key);
    if (hash >= least) continue;
    chosen = key;
    least = hash;
  }
  return chosen === undefined ? undefined : { key: chosen, to };
};
