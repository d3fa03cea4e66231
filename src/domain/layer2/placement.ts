import type { Ip } from '../../lib/ip.ts';
import { chooseFirst, type Election, type ElectionOrder, type NodeState, orderBehind } from './election.ts';
import { byGroupAge } from './groups.ts';
import { createLoads } from './loads.ts';

/** A group that has candidates. */
export type PlacedGroup = Election & {
  /** When its oldest service was made. */
  readonly createdAt: string;
};

/**
 * Orders the candidates of all groups together. Whoever sees the same groups, owners and nodes comes to the same
 * orders, whatever the way there.
 */
export const placeAll = (
  groups: Iterable<PlacedGroup>,
  nodes: number,
  askState: (node: string) => NodeState,
): ReadonlyMap<Ip, ElectionOrder> => {
  const states = new Map<string, NodeState>();
  const stateOf = (node: string): NodeState => {
    let state = states.get(node);
    if (state === undefined) states.set(node, (state = askState(node)));
    return state;
  };
  const sorted = [...groups].sort(byGroupAge);
  const loads = createLoads(
    () => sorted.length,
    () => nodes,
  );
  // First who is first, the owned groups before the others, because the loads that follow decide who is second.
  const firsts = new Map<Ip, string>();
  const place = (group: PlacedGroup): void => {
    const first = chooseFirst(group, loads, stateOf);
    if (first === undefined) return;
    firsts.set(group.key, first);
    loads.add(first, undefined);
  };
  const stays = ({ owner, candidates }: PlacedGroup): boolean =>
    owner !== undefined && stateOf(owner).isHeard && candidates.some(({ node }) => node === owner);
  const [owned, others] = [sorted.filter(stays), sorted.filter((group) => !stays(group))];
  for (const group of owned) place(group);
  for (const group of others) place(group);

  const orders = new Map<Ip, ElectionOrder>();
  for (const group of sorted) {
    const first = firsts.get(group.key);
    if (first === undefined) continue;
    loads.remove(first, undefined);
    const order = orderBehind(first, group, loads, stateOf);
    orders.set(group.key, order);
    loads.add(first, order[1]);
  }
  return orders;
};
