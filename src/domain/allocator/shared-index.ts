import { countBelow, has, insert, memberAt, type OrderedSet, remove, sizeOf } from './ordered-set.ts';

/** The shared addresses of one circle. */
type Circle = {
  addresses: OrderedSet;
  /** Of each port those addresses on which it is taken. */
  readonly taken: Map<string, OrderedSet>;
  /** Most circles never need them. */
  answers: Answers | undefined;
};

/** Answers that took long to find, and what may have changed them since. */
type Answers = {
  /** By the ports asked for. */
  readonly known: Map<string, Known>;
  /** Addresses where something became free since the first of them. */
  readonly opened: bigint[];
  /** How much of `opened` the latest of them knows. */
  seen: number;
};

/** What is known of the search for some ports. */
type Known = {
  /** No lower address fits, unless something became free there; undefined: none at all. */
  readonly from: bigint | undefined;
  /** How much of `opened` need not be looked at. */
  readonly seen: number;
};

/** A search that took more steps is remembered. */
const longSearch = 16;
/** Beyond so many, remembering costs more than it spares. */
const mostKnown = 1000;

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
    if (found === undefined) {
      this.#circles.set(circle, { addresses: insert(undefined, index), taken: new Map(), answers: undefined });
    } else {
      found.addresses = insert(found.addresses, index);
      noteOpened(found, index);
    }
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
    const found = this.#circles.get(circle);
    if (found === undefined) return;
    const left = remove(found.taken.get(port), index);
    if (left === undefined) found.taken.delete(port);
    else found.taken.set(port, left);
    noteOpened(found, index);
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
   * The lowest open address of the circle on which none of the ports is taken; undefined if there is none. A step passes
   * all neighbouring addresses that one port rules out, and costs O(log² n) in the addresses of the circle. Services
   * that all want the same port cost one step, however many they are. Only addresses that are ruled out by one wanted
   * port and then by another in turn cost a step each; such a search is linear in the addresses of the circle (never in
   * its services), so its answer is kept, and the next one for the same ports begins there, after a look at what became
   * free meanwhile.
   */
  lowestFit(circle: string, ports: readonly string[]): bigint | undefined {
    const found = this.#circles.get(circle);
    if (found === undefined) return undefined;
    const wanted = [door, ...ports];
    const { answers } = found;
    const name = answers === undefined ? '' : ports.join();
    const before = answers?.known.get(name);
    if (answers !== undefined && before !== undefined) return searchAgain(found, wanted, answers, name, before);
    const { fit, steps } = search(found, wanted, 0);
    if (steps > longSearch) {
      found.answers ??= { known: new Map(), opened: [], seen: 0 };
      remember(found.answers, ports.join(), { from: fit, seen: found.answers.opened.length });
    }
    return fit;
  }
}

/** Something became free on the address. */
const noteOpened = (circle: Circle, index: bigint): void => {
  if (circle.answers === undefined) return;
  const { opened, seen } = circle.answers;
  // Of a service that goes, each port becomes free.
  if (opened.length > seen && opened.at(-1) === index) return;
  if (opened.length < mostKnown) opened.push(index);
  else circle.answers = undefined;
};

/** Keeps an answer for the next search for these ports. */
const remember = (answers: Answers, name: string, known: Known): void => {
  answers.seen = answers.opened.length;
  if (answers.known.size < mostKnown || answers.known.has(name)) answers.known.set(name, known);
};

/** The answer to a search by what is known of it. */
const searchAgain = (
  circle: Circle,
  ports: readonly string[],
  answers: Answers,
  name: string,
  before: Known,
): bigint | undefined => {
  const { opened } = answers;
  let lowest: bigint | undefined;
  let seen = opened.length;
  for (let at = before.seen; at < opened.length; at++) {
    const index = opened[at] as bigint;
    if (!fits(circle, ports, index)) continue;
    // What fits is looked at again next time: it may not be taken, and what is known above it stays known.
    if (seen === opened.length) seen = at;
    if (lowest === undefined || index < lowest) lowest = index;
  }
  let { from } = before;
  if (lowest === undefined || (from !== undefined && from <= lowest)) {
    const { addresses } = circle;
    from = search(circle, ports, from === undefined ? sizeOf(addresses) : countBelow(addresses, from)).fit;
  }
  remember(answers, name, { from, seen });
  return lowest === undefined || (from !== undefined && from < lowest) ? from : lowest;
};

const fits = ({ addresses, taken }: Circle, ports: readonly string[], index: bigint): boolean =>
  has(addresses, index) && !ports.some((port) => has(taken.get(port), index));

/** The lowest address from that rank on which none of the ports is taken, and how many steps it took to find it. */
const search = (
  { addresses, taken }: Circle,
  ports: readonly string[],
  from: number,
): { readonly fit: bigint | undefined; readonly steps: number } => {
  const obstacles = ports.flatMap((port) => taken.get(port) ?? []);
  let rank = from;
  let steps = 0;
  for (let agreed = 0; agreed < obstacles.length && rank < sizeOf(addresses); steps++) {
    const next = rank + commonRun(addresses, rank, obstacles[steps % obstacles.length]);
    agreed = next === rank ? agreed + 1 : 1;
    rank = next;
  }
  return { fit: memberAt(addresses, rank), steps };
};

/** How many members of `all`, from that rank on, are without a gap in `some` as well, which is a subset of it. */
const commonRun = (all: OrderedSet, rank: number, some: OrderedSet): number => {
  if (sizeOf(all) === sizeOf(some)) return sizeOf(all) - rank;
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
