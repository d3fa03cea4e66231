/** How many groups each node has, and how many would come to it from each other node. */
export type Loads = {
  /** Counts a group: its owner, or who is to become it, and who follows that one. */
  readonly add: (first: string, second: string | undefined) => void;
  readonly remove: (first: string, second: string | undefined) => void;
  /** Groups of a node. */
  readonly of: (node: string) => number;
  /** By how many groups a node has more than its share if it takes one more. */
  readonly excess: (node: string) => number;
  /** The same, if `first` died and its groups went to their seconds. */
  readonly excessAfter: (first: string, node: string) => number;
};

/**
 * How much more than the mean a node takes before others are asked: a tenth. Up to there the hash decides alone, so that
 * speakers which do not see the same number of groups decide the same all the same, and one group more moves no other.
 */
const tolerance = 1.1;

/**
 * Makes the count of loads.
 *
 * @param total of the groups that have a candidate
 * @param nodes that may own groups and live
 */
export const createLoads = (total: () => number, nodes: () => number): Loads => {
  const loads = new Map<string, number>();
  const seconds = new Map<string, Map<string, number>>();
  const count = (counts: Map<string, number>, node: string, change: number): void => {
    const now = (counts.get(node) ?? 0) + change;
    if (now === 0) counts.delete(node);
    else counts.set(node, now);
  };
  const change = (first: string, second: string | undefined, by: number): void => {
    count(loads, first, by);
    if (second === undefined) return;
    const counts = seconds.get(first) ?? new Map<string, number>();
    count(counts, second, by);
    if (counts.size === 0) seconds.delete(first);
    else seconds.set(first, counts);
  };
  const of = (node: string): number => loads.get(node) ?? 0;
  return {
    add: (first, second) => change(first, second, 1),
    remove: (first, second) => change(first, second, -1),
    of,
    excess: (node) => Math.max(0, of(node) + 1 - shareOf(total(), nodes())),
    excessAfter: (first, node) =>
      Math.max(0, of(node) + (seconds.get(first)?.get(node) ?? 0) + 1 - shareOf(total(), nodes() - 1)),
  };
};

const shareOf = (total: number, nodes: number): number => {
  const mean = total / Math.max(1, nodes);
  return Math.max(Math.ceil(mean), Math.floor(mean * tolerance));
};
