import type { Millis } from './time.ts';

/** At most one deadline per key; the earliest is at hand in O(1), a change costs O(log n). */
export type DeadlineQueue<Key> = {
  /** Sets or moves the deadline of a key. */
  readonly set: (key: Key, at: Millis) => void;
  readonly delete: (key: Key) => void;
  /** The earliest deadline. */
  readonly next: () => Millis | undefined;
  /** Takes out one key whose deadline has come; undefined when none is due. */
  readonly takeDue: (now: Millis) => Key | undefined;
};

/** Makes an empty queue: a binary heap whose outdated entries are dropped when they surface. */
export const createDeadlineQueue = <Key>(): DeadlineQueue<Key> => {
  type Entry = { readonly key: Key; readonly at: Millis };
  const current = new Map<Key, Entry>();
  let heap: Entry[] = [];

  const push = (entry: Entry): void => {
    let hole = heap.push(entry) - 1;
    for (let parent = (hole - 1) >> 1; hole > 0 && heap[parent]!.at > entry.at; parent = (hole - 1) >> 1) {
      heap[hole] = heap[parent]!;
      hole = parent;
    }
    heap[hole] = entry;
  };

  const dropFirst = (): void => {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child += 1;
      if (child >= heap.length || heap[child]!.at >= last.at) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = last;
  };

  const first = (): Entry | undefined => {
    while (heap.length > 0 && current.get(heap[0]!.key) !== heap[0]) dropFirst();
    return heap[0];
  };

  return {
    set: (key, at) => {
      const entry = { key, at };
      current.set(key, entry);
      // Keys that are moved again and again must not pile up outdated entries.
      if (heap.length > 2 * current.size + 16) {
        heap = [];
        for (const each of current.values()) push(each);
      } else push(entry);
    },
    delete: (key) => {
      current.delete(key);
    },
    next: () => first()?.at,
    takeDue: (now) => {
      const entry = first();
      if (entry === undefined || entry.at > now) return undefined;
      dropFirst();
      current.delete(entry.key);
      return entry.key;
    },
  };
};
