import type { Ip } from '../src/lib/ip.ts';
import type { GroupState } from './group-orders.ts';

/** What is known of an address from a group that had it before. */
export type Inherited = {
  /** Who owned it. */
  readonly owner: string | undefined;
  /** The newest version that was seen of what the group rested on. */
  readonly revision: number;
};

/**
 * The addresses of groups that change, when services come to share addresses or cease to: whoever owns a group that has
 * another key from now on is to own it on, and what was released under the old view is wanted again under the new.
 */
export type Inheritance = {
  /** Takes note of a group as it was. */
  readonly leave: (state: GroupState | undefined, owner: string | undefined) => void;
  /** What a group with that key and these addresses inherits; undefined: it had no part in what changed. */
  readonly of: (key: Ip, addresses: readonly Ip[]) => Inherited | undefined;
};

/** Knows of nothing yet. */
export const createInheritance = (): Inheritance => {
  const left = new Map<Ip, Inherited>();
  return {
    leave: (state, owner) => {
      if (state === undefined) return;
      const { key, decision, revision } = state;
      left.set(key, { owner, revision });
      for (const { ip } of decision.addresses) left.set(ip, { owner, revision });
    },
    of: (key, addresses) => {
      const found = [key, ...addresses].flatMap((ip) => left.get(ip) ?? []);
      if (found.length === 0) return undefined;
      return {
        owner: found.find(({ owner }) => owner !== undefined)?.owner,
        revision: Math.max(...found.map(({ revision }) => revision)),
      };
    },
  };
};
