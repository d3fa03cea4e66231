/** All 32 indices of a word are taken, or all that are below it in the tree. */
const full = 0xffff_ffff;

/**
 * Which of the indices 0, 1, 2… are taken, and which is the lowest that is not. A tree of bits for the low indices, of
 * 32 ways: a bit is set when all below it are. It grows when every index it covers is taken; taken indices above it
 * wait in a set. So a step is O(log n) of the indices in use, amortised, most of them cost a bit of memory, and a space
 * of 2⁶⁴ is no larger than one of 16.
 */
export class LowestFree {
  /** From the leaves to the one word at the root. */
  #levels = [new Uint32Array(1)];
  /** How many indices the tree covers: 32 to the number of levels. */
  #covered = 32;
  readonly #above = new Set<bigint>();
  #size = 0;

  /** How many indices are taken. */
  get size(): number {
    return this.#size;
  }

  /** The indices that are taken, in no order. */
  *taken(): Iterable<bigint> {
    const [leaves] = this.#levels;
    for (const [at, word] of (leaves ?? []).entries()) {
      for (let bit = 0; bit < 32 && word >>> bit !== 0; bit++) {
        if (((word >>> bit) & 1) === 1) yield BigInt(at * 32 + bit);
      }
    }
    yield* this.#above;
  }

  /** Takes an index; one that is taken stays so. */
  take(index: bigint): void {
    if (this.#has(index)) return;
    this.#size++;
    if (index < this.#covered) this.#set(Number(index));
    else this.#above.add(index);
  }

  /** Makes an index free again; one that is not taken stays free. */
  release(index: bigint): void {
    if (!this.#has(index)) return;
    this.#size--;
    if (this.#size === 0) this.#forget();
    else if (!this.#above.delete(index)) this.#clear(Number(index));
  }

  /** The lowest index that is not taken. */
  lowest(): bigint {
    while (this.#levels.at(-1)?.[0] === full) this.#grow();
    let at = 0;
    for (const level of this.#levels.toReversed()) {
      const free = ~(level[at] as number);
      at = at * 32 + 31 - Math.clz32(free & -free);
    }
    return BigInt(at);
  }

  #has(index: bigint): boolean {
    if (index >= this.#covered) return this.#above.has(index);
    const at = Number(index);
    return (((this.#levels[0]?.[at >>> 5] as number) >>> (at & 31)) & 1) === 1;
  }

  #set(index: number): void {
    let at = index;
    for (const level of this.#levels) {
      const word = at >>> 5;
      level[word]! |= 1 << (at & 31);
      if (level[word] !== full) return;
      at = word;
    }
  }

  #clear(index: number): void {
    let at = index;
    for (const level of this.#levels) {
      const word = at >>> 5;
      const wasFull = level[word] === full;
      level[word]! &= ~(1 << (at & 31));
      if (!wasFull) return;
      at = word;
    }
  }

  /** Covers 32 times as many; all that were covered are taken. */
  #grow(): void {
    this.#covered *= 32;
    this.#levels = this.#levels.map((level) => {
      const wider = new Uint32Array(level.length * 32);
      wider.set(level);
      return wider;
    });
    this.#levels.push(Uint32Array.of(1));
    for (const index of this.#above) {
      if (index >= this.#covered) continue;
      this.#above.delete(index);
      this.#set(Number(index));
    }
  }

  #forget(): void {
    this.#above.clear();
    this.#covered = 32;
    this.#levels = [new Uint32Array(1)];
  }
}
