/**
 * Which of the indices 0, 1, 2… are taken, and which is the lowest that is not. Costs memory for what is or was taken,
 * nothing for what never was, so a space of 2⁶⁴ is no larger than one of 16.
 *
 * Every index below the frontier is taken or waits in a heap of released ones; above it only requested indices are
 * taken. The frontier never goes back over an index, so each step is O(log n) of the indices in use, amortised.
 */
export class LowestFree {
  readonly #taken = new Set<bigint>();
  /** Binary min-heap. An index in it may have been taken again by request; `lowest` drops those it meets. */
  readonly #released: bigint[] = [];
  /** What is in the heap, so that nothing is in it twice. */
  readonly #isReleased = new Set<bigint>();
  #frontier = 0n;

  /** How many indices are taken. */
  get size(): number {
    return this.#taken.size;
  }

  /** The indices that are taken, in no order. */
  taken(): Iterable<bigint> {
    return this.#taken.values();
  }

  take(index: bigint): void {
    this.#taken.add(index);
  }

  /** Makes an index free again; one that is not taken stays free. */
  release(index: bigint): void {
    if (!this.#taken.delete(index)) return;
    if (this.#taken.size === 0) this.#forget();
    else if (index < this.#frontier && !this.#isReleased.has(index)) {
      this.#isReleased.add(index);
      push(this.#released, index);
    }
  }

  /** The lowest index that is not taken. */
  lowest(): bigint {
    for (let top = this.#released[0]; top !== undefined; top = this.#released[0]) {
      if (!this.#taken.has(top)) return top;
      pop(this.#released);
      this.#isReleased.delete(top);
    }
    while (this.#taken.has(this.#frontier)) this.#frontier++;
    return this.#frontier;
  }

  #forget(): void {
    this.#released.length = 0;
    this.#isReleased.clear();
    this.#frontier = 0n;
  }
}

const push = (heap: bigint[], value: bigint): void => {
  let at = heap.length;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent] as bigint;
    if (above <= value) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = value;
};

/** Removes the smallest. */
const pop = (heap: bigint[]): void => {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && (heap[child + 1] as bigint) < (heap[child] as bigint)) child++;
    const below = heap[child] as bigint;
    if (last <= below) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = last;
};
