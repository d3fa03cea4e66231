import type { Ip } from '../../lib/ip.ts';
import { chooseFirst, createMetallbOrder, type ElectionOrder, type NodeState, orderBehind } from './election.ts';
import { byGroupAge } from './groups.ts';
import { createLoads } from './loads.ts';
import { placeAll, type PlacedGroup } from './placement.ts';

/** A group that has candidates; its owner is known here. */
export type UnplacedGroup = Omit<PlacedGroup, 'owner'>;

/** The orders of all groups, and who owns them. */
export type Placements = {
  /**
   * Places groups that are new or changed by the loads there are, the others stay. Gives the keys of other orders.
   *
   * @param heirs who is to be taken for the owner of groups that nobody has claimed yet: it owned their addresses before
   */
  readonly place: (groups: readonly UnplacedGroup[], heirs?: ReadonlyMap<Ip, string>) => ReadonlySet<Ip>;
  readonly remove: (key: Ip) => void;
  /** Takes note of an owner; of a group that is not placed, too. */
  readonly setOwner: (key: Ip, node: string | undefined) => void;
  readonly ownerOf: (key: Ip) => string | undefined;
  readonly orderOf: (key: Ip) => ElectionOrder | undefined;
  /** Orders all groups anew, as whoever sees the same does. Gives the keys of other orders. */
  readonly level: () => ReadonlySet<Ip>;
  /** Groups by who owns them, or is to. */
  readonly loadOf: (node: string) => number;
};

/** What orders depend on beside the groups. */
export type PlacementView = {
  /** `exact`: the order of MetalLB, which knows neither owners nor loads. */
  readonly policy: () => 'sticky' | 'exact';
  /** How many nodes may own groups and live. */
  readonly nodes: () => number;
  readonly stateOf: (node: string) => NodeState;
};

type Placed = {
  readonly group: UnplacedGroup;
  order: ElectionOrder;
  /** How it is counted among the loads. */
  first: string;
  second: string | undefined;
};

const noHeirs: ReadonlyMap<Ip, string> = new Map();

/** Makes placements of no group. */
export const createPlacements = ({ policy, nodes, stateOf }: PlacementView): Placements => {
  const placed = new Map<Ip, Placed>();
  const owners = new Map<Ip, string>();
  const metallb = createMetallbOrder();
  const newLoads = () => createLoads(() => placed.size, nodes);
  let loads = newLoads();

  const settle = (group: UnplacedGroup, order: ElectionOrder): boolean => {
    const [first, second] = order;
    if (first === undefined) throw new Error(`the group ${group.key} is placed without a candidate`);
    const before = placed.get(group.key);
    const isSame = before !== undefined && isSameOrder(before.order, order);
    placed.set(group.key, { group, order: isSame ? before.order : order, first, second });
    loads.add(first, second);
    return !isSame;
  };

  const placeOne = (group: UnplacedGroup, heirs: ReadonlyMap<Ip, string>): boolean => {
    const before = placed.get(group.key);
    if (before !== undefined) loads.remove(before.first, before.second);
    if (policy() === 'exact') return settle(group, metallb.order(group));
    const election = { ...group, owner: owners.get(group.key) ?? heirs.get(group.key) };
    const first = chooseFirst(election, loads, stateOf)!;
    return settle(group, orderBehind(first, election, loads, stateOf));
  };

  const level = (heirs: ReadonlyMap<Ip, string> = noHeirs): ReadonlySet<Ip> => {
    const ownerOf = (key: Ip): string | undefined => owners.get(key) ?? heirs.get(key);
    const groups = Array.from(placed.values(), ({ group }) => ({ ...group, owner: ownerOf(group.key) }));
    const orders = policy() === 'exact' ? undefined : placeAll(groups, nodes(), stateOf);
    loads = newLoads();
    const changed = new Set<Ip>();
    for (const { group } of [...placed.values()]) {
      if (settle(group, orders?.get(group.key) ?? metallb.order(group))) changed.add(group.key);
    }
    return changed;
  };

  return {
    place: (groups, heirs = noHeirs) => {
      const changed = new Set<Ip>();
      const others = groups.filter((group) => placed.get(group.key)?.group.candidates !== group.candidates);
      if (others.length * 2 > placed.size && others.length > 1) {
        for (const group of others) {
          const before = placed.get(group.key);
          if (before === undefined) changed.add(group.key);
          placed.set(group.key, { order: [], first: '', second: undefined, ...before, group });
        }
        return changed.union(level(heirs));
      }
      for (const group of others.toSorted(byGroupAge)) if (placeOne(group, heirs)) changed.add(group.key);
      return changed;
    },
    remove: (key) => {
      const before = placed.get(key);
      if (before === undefined) return;
      loads.remove(before.first, before.second);
      placed.delete(key);
      metallb.forget(key);
    },
    setOwner: (key, node) => {
      if (node === undefined) owners.delete(key);
      else owners.set(key, node);
      const entry = placed.get(key);
      if (entry === undefined || node === undefined || node === entry.first) return;
      loads.remove(entry.first, entry.second);
      entry.first = node;
      entry.second = undefined;
      loads.add(node, undefined);
    },
    ownerOf: (key) => owners.get(key),
    orderOf: (key) => placed.get(key)?.order,
    level: () => level(),
    loadOf: (node) => loads.of(node),
  };
};

const isSameOrder = (a: ElectionOrder, b: ElectionOrder): boolean =>
  a.length === b.length && a.every((node, index) => node === b[index]);
