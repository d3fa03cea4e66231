import { countBelow, insert, memberAt, type OrderedSet, remove, sizeOf } from './ordered-set.ts';

/** The addresses of one circle, and of each port those on which it is taken, which are some of them. */
type Circle = { addresses: OrderedSet; readonly taken: Map<string, OrderedSet> };

/** Stands for a port that every service wants, and that is taken on an address which nobody may join. */
const door = '';

/**
 * The shared addresses of one family of a pool, by circle and by port, as numbers of the pool's `AddressSpace`. Answers
 * which is the lowest that a service fits on.
 */
export class SharedIndex {
  readonly #circles = new Map<string, Circle>();

  /** Makes the address one that is shared in the circle. */
  add(circle: string, index: bigint): void {
    const found = this.#circles.get(circle);
    if (found === undefined) this.#circles.set(circle, { addresses: insert(undefined, index), taken: new Map() });
    else found.addresses = insert(found.addresses, index);
  }

  /** The opposite of `add`; it must be open and its ports free. */
  remove(circle: string, index: bigint): void {
    const found = this.#circles.get(circle);
    if (found === undefined) return;
    found.addresses = remove(found.addresses, index);
    if (found.addresses === undefined) this.#circles.delete(circle);
  }

  /** Takes a port of an address that was added to the circle. */
  takePort(circle: string, index: bigint, port: string): void {
    const taken = this.#circles.get(circle)?.taken;
    taken?.set(port, insert(taken.get(port), index));
  }

  /** The opposite of `takePort`. */
  freePort(circle: string, index: bigint, port: string): void {
    const taken = this.#circles.get(circle)?.taken;
    const left = remove(taken?.get(port), index);
    if (left === undefined) taken?.delete(port);
    else taken?.set(port, left);
  }

  /** Keeps everybody from joining those on the address. */
  close(circle: string, index: bigint): void {
    this.takePort(circle, index, door);
  }

  /** The opposite of `close`. */
  open(circle: string, index: bigint): void {
    this.freePort(circle, index, door);
  }

  /**
   * The lowest open address of the circle on which none of the ports is taken; undefined if there is none. O(log² n) in the
   * addresses of the circle for each port, and as much again for every time the search goes on: it passes all
   * neighbouring addresses that one port rules out in one step. So services that all want the same port cost one
   * step, and only addresses that are ruled out by one wanted port and by another in turn cost a step each.
   */
  lowestFit(circle: string, ports: readonly string[]): bigint | undefined {
    const found = this.#circles.get(circle);
    if (found === undefined) return undefined;
    const { addresses } = found;
    const obstacles = [door, ...ports].flatMap((port) => found.taken.get(port) ?? []);
    let rank = 0;
    let agreed = 0;
    for (let i = 0; agreed < obstacles.length; i = (i + 1) % obstacles.length) {
      const next = rank + commonRun(addresses, rank, obstacles[i]);
      if (next >= sizeOf(addresses)) return undefined;
      agreed = next === rank ? agreed + 1 : 1;
      rank = next;
    }
    return memberAt(addresses, rank);
  }
}

/** How many members of `all`, from that rank on, are without a gap in `some` as well, which is a subset of it. */
const commonRun = (all: OrderedSet, rank: number, some: OrderedSet): number => {
  const from = countBelow(some, memberAt(all, rank) as bigint);
  // A subset that has the n-th next member of both at the same distance has all between.
  const isCommon = (distance: number): boolean => {
    const member = memberAt(some, from + distance);
    return member !== undefined && member === memberAt(all, rank + distance);
  };
  if (!isCommon(0)) return 0;
  let low = 0;
  let step = 1;
  while (isCommon(low + step)) {
    low += step;
    step *= 2;
  }
  for (step = step >> 1; step > 0; step >>= 1) if (isCommon(low + step)) low += step;
  return low + 1;
};
