import type { NodeView } from '../objects.ts';
import type { Selector } from '../selector.ts';
import type { Scope } from './conflict-index.ts';

/**
 * Makes the function that says which nodes selectors choose. No selectors mean all nodes, and while no node is known any
 * selectors may choose any node.
 */
export const nodeScopes = (
  nodes: readonly Pick<NodeView, 'name' | 'labels'>[],
): ((selectors: readonly Selector[]) => Scope) => {
  const scopes = new Map<readonly Selector[], Scope>();
  return (selectors) => {
    if (selectors.length === 0 || nodes.length === 0) return undefined;
    const known = scopes.get(selectors);
    if (known !== undefined) return known;
    const chosen = nodes.filter(({ labels }) => selectors.some((matches) => matches(labels)));
    const scope = new Set(chosen.map(({ name }) => name));
    scopes.set(selectors, scope);
    return scope;
  };
};
