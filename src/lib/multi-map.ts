/** An index from a key to the set of values that have it; a key without values takes no room. */
export type MultiMap<Key, Value> = {
  readonly get: (key: Key) => ReadonlySet<Value>;
  readonly add: (key: Key, value: Value) => void;
  readonly remove: (key: Key, value: Value) => void;
};

/** Makes an empty index. Keys and values are compared as by a Map and a Set. */
export const multiMap = <Key, Value>(): MultiMap<Key, Value> => {
  const sets = new Map<Key, Set<Value>>();
  const none: ReadonlySet<Value> = new Set();
  return {
    get: (key) => sets.get(key) ?? none,
    add: (key, value) => {
      const set = sets.get(key);
      if (set === undefined) sets.set(key, new Set([value]));
      else set.add(value);
    },
    remove: (key, value) => {
      const set = sets.get(key);
      set?.delete(value);
      if (set?.size === 0) sets.delete(key);
    },
  };
};
