import { hashRank } from '../../lib/hash-rank.ts';
import type { Ip } from '../../lib/ip.ts';

/** The addresses that have one owner: those of a service, and of every service that shares one of them. */
export type Group = {
  /** The first address in the order of `status.loadBalancer.ingress`; the same key elects the same owner. */
  readonly key: Ip;
};

/**
 * Orders candidates (node names): the first owns the group, the others are its successors. Every speaker that sees the
 * same candidates comes to the same order.
 */
export type ElectionPolicy = (candidates: ReadonlySet<string>, group: Group) => readonly string[];

/** MetalLB's order: ascending by the 32 octets of SHA-256 over node name, `#` and the address in canonical text. */
export const hashOrder: ElectionPolicy = (candidates, { key }) =>
  Array.from(candidates, (node) => ({ node, digest: hashRank(node, key) }))
    .sort((a, b) => (a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0))
    .map(({ node }) => node);

/** A policy that remembers what it ordered. */
export type RememberingPolicy = {
  readonly order: ElectionPolicy;
  /** Drops what is remembered of a group that is gone. */
  readonly forget: (group: Group) => void;
};

/**
 * Gives the answers of `hashOrder` and hashes a group's candidates only when one of them is new to it: leaving out a
 * candidate does not change the order of the others, so nodes that come and go cost a filter.
 */
export const rememberHashOrder = (policy: ElectionPolicy = hashOrder): RememberingPolicy => {
  const orders = new Map<Ip, readonly string[]>();
  return {
    order: (candidates, group) => {
      const remembered = orders.get(group.key) ?? [];
      if (remembered.length === candidates.size && remembered.every((node) => candidates.has(node))) return remembered;
      const remaining = remembered.filter((node) => candidates.has(node));
      if (remaining.length === candidates.size) return remaining;
      const order = policy(candidates, group);
      orders.set(group.key, order);
      return order;
    },
    forget: ({ key }) => void orders.delete(key),
  };
};
