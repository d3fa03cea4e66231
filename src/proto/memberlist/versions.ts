import type { Versions } from './iana.ts';

type Speaking = { readonly node: string; readonly state: string; readonly versions: Versions };

/**
 * Why nodes cannot all speak with each other: the current versions of each must lie within what every living one
 * understands. Undefined if they can. The text is the library's.
 */
export const incompatibility = (nodes: readonly Speaking[]): string | undefined => {
  const living = nodes.filter(({ state }) => state === 'alive');
  const check = (least: 0 | 3, most: 1 | 4, current: 2 | 5, what: string): string | undefined => {
    const from = living.reduce((max, { versions }) => Math.max(max, versions[least]), 0);
    const to = living.reduce((min, { versions }) => Math.min(min, versions[most]), 255);
    const odd = nodes.find(({ versions }) => versions[current] < from || versions[current] > to);
    return odd && `Node '${odd.node}' ${what} (${odd.versions[current]}) is incompatible: [${from}, ${to}]`;
  };
  return check(0, 1, 2, 'protocol version') ?? check(3, 4, 5, 'delegate protocol version');
};
