/** The time of a simulated world, in milliseconds, and everything that is still to happen in it. */
export type VirtualTime = {
  readonly now: () => number;
  /** Has `action` happen at a time, or at once if that is over; what is due at the same time happens in this order. */
  readonly at: (time: number, action: () => void) => void;
  readonly after: (delay: number, action: () => void) => void;
  /** Lets everything happen that is due within `delay`. */
  readonly advance: (delay: number) => void;
};

type Entry = { readonly time: number; readonly order: number; readonly action: () => void };

/** A binary heap of what is to happen: a thousand speakers have a million things a second to do. */
export const createVirtualTime = (): VirtualTime => {
  const heap: Entry[] = [];
  let now = 0;
  let order = 0;

  const isBefore = (a: Entry, b: Entry): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

  const push = (entry: Entry): void => {
    let hole = heap.length;
    heap.push(entry);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = entry;
  };

  const pop = (): Entry => {
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
    return first;
  };

  const at = (time: number, action: () => void): void => push({ time: Math.max(time, now), order: order++, action });

  return {
    now: () => now,
    at,
    after: (delay, action) => at(now + delay, action),
    advance: (delay) => {
      const until = now + delay;
      while (heap.length > 0 && heap[0]!.time <= until) {
        const entry = pop();
        now = entry.time;
        entry.action();
      }
      now = until;
    },
  };
};
