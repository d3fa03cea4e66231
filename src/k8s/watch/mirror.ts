/** What happened to one object of the mirrored collection. */
export type Change<View> =
  | { readonly type: 'added'; readonly key: string; readonly now: View }
  | {
      readonly type: 'updated';
      readonly key: string;
      readonly before: View;
      readonly now: View;
      /** False if both views are equal but for `resourceVersion`: most callers have nothing to do then. */
      readonly changed: boolean;
    }
  | { readonly type: 'deleted'; readonly key: string; readonly before: View };

/** The views of one collection by key. Each method says what it changed; the caller hands that on. */
export class Mirror<View> {
  readonly #views = new Map<string, View>();

  get size(): number {
    return this.#views.size;
  }

  get(key: string): View | undefined {
    return this.#views.get(key);
  }

  values(): Iterable<View> {
    return this.#views.values();
  }

  /** Takes in an object as it is now; `undefined` leaves it out. */
  put(key: string, now: View | undefined): Change<View> | undefined {
    if (now === undefined) return this.remove(key);
    const before = this.#views.get(key);
    this.#views.set(key, now);
    if (before === undefined) return { type: 'added', key, now };
    return { type: 'updated', key, before, now, changed: !isSameView(before, now) };
  }

  remove(key: string): Change<View> | undefined {
    const before = this.#views.get(key);
    if (before === undefined) return undefined;
    this.#views.delete(key);
    return { type: 'deleted', key, before };
  }

  /** After a complete list: removes all objects that it does not have. */
  removeOthers(listed: ReadonlySet<string>): Change<View>[] {
    return [...this.#views.keys()]
      .filter((key) => !listed.has(key))
      .map((key) => this.remove(key))
      .filter((change) => change !== undefined);
  }
}

/** Whether two views are equal but for `resourceVersion`, which moves with every write to fields we do not keep. */
export const isSameView = (a: unknown, b: unknown): boolean => isEqual(a, b, 'resourceVersion');

const isEqual = (a: unknown, b: unknown, ignored?: string): boolean => {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => key === ignored || (Object.hasOwn(right, key) && isEqual(left[key], right[key])))
  );
};
