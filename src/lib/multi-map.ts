/** An index from a key to the set of values that have it; a key without values takes no room. */
export type MultiMap<Key, Value> = {
  /** The values of a key as they are now. */
  readonly get: (key: Key) => ReadonlySet<Value>;
  readonly has: (key: Key) => boolean;
  readonly add: (key: Key, value: Value) => void;
  readonly remove: (key: Key, value: Value) => void;
};

/**
 * Makes an empty index. Keys and values are compared as by a Map and a Set; a value is not a Set. A value that is the
 * only one of its key is kept without a Set, which would take 230 octets.
 */
export const multiMap = <Key, Value>(): MultiMap<Key, Value> => {
  const entries = new Map<Key, Value | Set<Value>>();
  const none: ReadonlySet<Value> = new Set();
  return {
    get: (key) => {
      const entry = entries.get(key);
      if (entry instanceof Set) return entry;
      return entries.has(key) ? new Set([entry as Value]) : none;
    },
    has: (key) => entries.has(key),
    add: (key, value) => {
      const entry = entries.get(key);
      if (entry instanceof Set) entry.add(value);
      else if (!entries.has(key)) entries.set(key, value);
      else if (!isSame(entry, value)) entries.set(key, new Set([entry as Value, value]));
    },
    remove: (key, value) => {
      const entry = entries.get(key);
      if (!(entry instanceof Set)) {
        if (isSame(entry, value)) entries.delete(key);
        return;
      }
      entry.delete(value);
      if (entry.size > 1) return;
      const [last] = entry;
      entries.set(key, last as Value);
    },
  };
};

/** As a Set compares: NaN is NaN, and zero has no sign. */
const isSame = (a: unknown, b: unknown): boolean => a === b || Object.is(a, b);
