/**
 * An immutable set of numbers that knows their order: the n-th, and how many are below a value. A weight-balanced tree
 * (Hirai and Yamamoto, "Balancing weight-balanced trees", 2011); every operation is O(log n).
 */
export type OrderedSet = Node | undefined;

type Node = {
  readonly value: bigint;
  readonly size: number;
  readonly left: OrderedSet;
  readonly right: OrderedSet;
};

/** How many members there are. */
export const sizeOf = (set: OrderedSet): number => set?.size ?? 0;

/** The set with that member. */
export const insert = (set: OrderedSet, value: bigint): OrderedSet => {
  if (set === undefined) return node(undefined, value, undefined);
  if (value === set.value) return set;
  return value < set.value
    ? balance(insert(set.left, value), set.value, set.right)
    : balance(set.left, set.value, insert(set.right, value));
};

/** The set without that member. */
export const remove = (set: OrderedSet, value: bigint): OrderedSet => {
  if (set === undefined) return undefined;
  if (value < set.value) return balance(remove(set.left, value), set.value, set.right);
  if (value > set.value) return balance(set.left, set.value, remove(set.right, value));
  if (set.left === undefined) return set.right;
  if (set.right === undefined) return set.left;
  const next = lowest(set.right);
  return balance(set.left, next, remove(set.right, next));
};

/** Whether the value is a member. */
export const has = (set: OrderedSet, value: bigint): boolean => {
  let at = set;
  while (at !== undefined && at.value !== value) at = value < at.value ? at.left : at.right;
  return at !== undefined;
};

/** How many members are less than the value. */
export const countBelow = (set: OrderedSet, value: bigint): number => {
  let count = 0;
  for (let at = set; at !== undefined;) {
    if (value <= at.value) at = at.left;
    else {
      count += sizeOf(at.left) + 1;
      at = at.right;
    }
  }
  return count;
};

/** The member with that many members below it; undefined if there are not so many. */
export const memberAt = (set: OrderedSet, rank: number): bigint | undefined => {
  let below = rank;
  for (let at = set; at !== undefined;) {
    const inLeft = sizeOf(at.left);
    if (below === inLeft) return at.value;
    if (below < inLeft) at = at.left;
    else {
      below -= inLeft + 1;
      at = at.right;
    }
  }
  return undefined;
};

const lowest = (set: Node): bigint => {
  let at = set;
  while (at.left !== undefined) at = at.left;
  return at.value;
};

const node = (left: OrderedSet, value: bigint, right: OrderedSet): Node => ({
  value,
  size: sizeOf(left) + 1 + sizeOf(right),
  left,
  right,
});

/** No side weighs more than three times the other, a weight being the size and one. */
const isHeavier = (a: OrderedSet, b: OrderedSet): boolean => sizeOf(a) + 1 > 3 * (sizeOf(b) + 1);

/** A node of two sides of which one may be too heavy by one member. */
const balance = (left: OrderedSet, value: bigint, right: OrderedSet): Node => {
  if (right !== undefined && isHeavier(right, left)) {
    const { left: inner, right: outer } = right;
    return inner === undefined || sizeOf(inner) + 1 < 2 * (sizeOf(outer) + 1)
      ? node(node(left, value, inner), right.value, outer)
      : node(node(left, value, inner.left), inner.value, node(inner.right, right.value, outer));
  }
  if (left !== undefined && isHeavier(left, right)) {
    const { left: outer, right: inner } = left;
    return inner === undefined || sizeOf(inner) + 1 < 2 * (sizeOf(outer) + 1)
      ? node(outer, left.value, node(inner, value, right))
      : node(node(outer, left.value, inner.left), inner.value, node(inner.right, value, right));
  }
  return node(left, value, right);
};
