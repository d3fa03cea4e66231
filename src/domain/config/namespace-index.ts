import type { NamespaceView } from '../objects.ts';
import { canonicalSelector, type LabelSelector, type Selector } from '../selector.ts';

/** A selector as it is written, and as it works. */
export type NamespaceSelector = { readonly source: LabelSelector; readonly matches: Selector };

/** Finds namespaces by label without looking at all of them. */
export type NamespaceIndex = {
  /** Names of the namespaces that the selector matches. */
  readonly select: (selector: NamespaceSelector) => ReadonlySet<string>;
};

type Known = { readonly namespaces: readonly NamespaceView[]; readonly index: NamespaceIndex };

/** The last index that begins with a view: two copies of a cluster have no view in common. */
const known = new WeakMap<NamespaceView, Known>();

/**
 * An index over the namespaces. A view never changes, so the index of an earlier call still holds if all views are the
 * same: most changes of the configuration are none of its namespaces.
 */
export const namespaceIndex = (namespaces: readonly NamespaceView[]): NamespaceIndex => {
  const [first] = namespaces;
  const last = first && known.get(first);
  const isSame =
    last?.namespaces.length === namespaces.length &&
    last.namespaces.every((namespace, position) => namespace === namespaces[position]);
  if (last !== undefined && isSame) return last.index;
  const index = makeIndex([...namespaces]);
  if (first !== undefined) known.set(first, { namespaces: [...namespaces], index });
  return index;
};

const makeIndex = (namespaces: readonly NamespaceView[]): NamespaceIndex => {
  /** By key and value, of the keys that selectors ask for. */
  const byLabel = new Map<string, ReadonlyMap<string, NamespaceView[]>>();
  const outcomes = new Map<string, ReadonlySet<string>>();

  const withLabel = (key: string, value: string): readonly NamespaceView[] => {
    let byValue = byLabel.get(key);
    if (byValue === undefined) {
      const labelled = namespaces.filter(({ labels }) => Object.hasOwn(labels, key));
      byLabel.set(key, (byValue = Map.groupBy(labelled, ({ labels }) => labels[key]!)));
    }
    return byValue.get(value) ?? [];
  };

  /** A few namespaces, among which are all that the selector matches; all of them if it asks for no value. */
  const candidates = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly NamespaceView[] => {
    const [label] = Object.entries(matchLabels);
    if (label !== undefined) return withLabel(...label);
    const listing = matchExpressions.find(({ operator }) => operator === 'In');
    if (listing === undefined) return namespaces;
    return [...new Set(listing.values)].flatMap((value) => withLabel(listing.key, value));
  };

  return {
    select: ({ source, matches }) => {
      const text = canonicalSelector(source);
      let names = outcomes.get(text);
      if (names === undefined) {
        const chosen = candidates(source).filter(({ labels }) => matches(labels));
        names = new Set(chosen.map(({ name }) => name));
        outcomes.set(text, names);
      }
      return names;
    },
  };
};
