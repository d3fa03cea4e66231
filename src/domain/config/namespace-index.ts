import type { NamespaceView } from '../objects.ts';
import { canonicalSelector, type LabelSelector, type Selector } from '../selector.ts';

/** A selector as it is written, and as it works. */
export type NamespaceSelector = { readonly source: LabelSelector; readonly matches: Selector };

/** Finds namespaces by label without looking at all of them. */
export type NamespaceIndex = {
  /** Names of the namespaces that the selector matches. */
  readonly select: (selector: NamespaceSelector) => readonly string[];
};

/** An index over the namespaces, made when somebody first asks. */
export const namespaceIndex = (namespaces: readonly NamespaceView[]): NamespaceIndex => {
  let byLabel: Map<string, NamespaceView[]> | undefined;
  const outcomes = new Map<string, readonly string[]>();

  const withLabel = (key: string, value: string): readonly NamespaceView[] => {
    if (byLabel === undefined) {
      byLabel = new Map();
      for (const namespace of namespaces) {
        for (const [name, text] of Object.entries(namespace.labels)) {
          const label = labelText(name, text);
          const list = byLabel.get(label);
          if (list === undefined) byLabel.set(label, [namespace]);
          else list.push(namespace);
        }
      }
    }
    return byLabel.get(labelText(key, value)) ?? [];
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
        names = candidates(source)
          .filter(({ labels }) => matches(labels))
          .map(({ name }) => name);
        outcomes.set(text, names);
      }
      return names;
    },
  };
};

/** No label key has an equals sign in it. */
const labelText = (key: string, value: string): string => `${key}=${value}`;
