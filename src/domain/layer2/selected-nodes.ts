import type { L2Advertisement } from '../config/configuration.ts';
import type { StringMap } from '../objects.ts';

/** What selectors of advertisements say of nodes. */
export type SelectedNodes = {
  /** Whether one of the node selectors chooses the node, or there are none. */
  readonly covers: (advertisement: L2Advertisement, node: string) => boolean;
  /** The weights of the preferences that match the node, added up. */
  readonly score: (advertisement: L2Advertisement, node: string) => number;
  /** A node came, went or has other labels. Gives the texts of the advertisements that say something else of it now. */
  readonly nodeChanged: (node: string) => ReadonlySet<string>;
  /** Drops what is remembered of advertisements but those with these texts. */
  readonly keep: (texts: ReadonlySet<string>) => void;
};

type Said = { readonly covers: boolean; readonly score: number };

const everyNode: Said = { covers: true, score: 0 };

/**
 * Meets selectors with the labels there are, and remembers the outcome.
 *
 * @param labelsOf undefined for a node that is not known: selectors choose only what they see
 */
export const createSelectedNodes = (labelsOf: (node: string) => StringMap | undefined): SelectedNodes => {
  /** By the text of the advertisement: equal texts say the same. */
  const remembered = new Map<string, { readonly advertisement: L2Advertisement; readonly said: Map<string, Said> }>();

  const ask = ({ nodeSelectors, preferences }: L2Advertisement, node: string): Said => {
    const labels = labelsOf(node);
    return {
      covers: nodeSelectors.length === 0 || (labels !== undefined && nodeSelectors.some((matches) => matches(labels))),
      score:
        labels === undefined
          ? 0
          : preferences.reduce((sum, { weight, selector }) => sum + (selector(labels) ? weight : 0), 0),
    };
  };

  const said = (advertisement: L2Advertisement, node: string): Said => {
    if (advertisement.nodeSelectors.length === 0 && advertisement.preferences.length === 0) return everyNode;
    let entry = remembered.get(advertisement.text);
    if (entry === undefined) {
      entry = { advertisement, said: new Map() };
      remembered.set(advertisement.text, entry);
    }
    let answer = entry.said.get(node);
    if (answer === undefined) {
      answer = ask(advertisement, node);
      entry.said.set(node, answer);
    }
    return answer;
  };

  return {
    covers: (advertisement, node) => said(advertisement, node).covers,
    score: (advertisement, node) => said(advertisement, node).score,
    nodeChanged: (node) => {
      const changed = new Set<string>();
      for (const [text, { advertisement, said }] of remembered) {
        const before = said.get(node);
        if (before === undefined) continue;
        const now = ask(advertisement, node);
        if (now.covers === before.covers && now.score === before.score) continue;
        said.set(node, now);
        changed.add(text);
      }
      return changed;
    },
    keep: (texts) => {
      for (const text of remembered.keys()) if (!texts.has(text)) remembered.delete(text);
    },
  };
};
