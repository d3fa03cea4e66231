/** The messages that gossip spreads: about each node the newest only, each sent a limited number of times. */
export type Broadcasts = {
  /** Queues a message about a node in place of the one before. */
  readonly add: (node: string, message: Uint8Array) => void;
  /**
   * Takes messages for one packet: those sent least often first, as many as fit into `room` octets, where each takes
   * `overhead` octets more. A message that was sent `limit` times is dropped.
   */
  readonly take: (room: number, overhead: number, most: number, limit: number) => readonly Uint8Array[];
  readonly size: () => number;
};

/** The shortest message that gossip has: less room than this is not searched for. */
const shortest = 24;

/** Makes an empty queue. It holds one message per node known, so the number of members bounds it. */
export const createBroadcasts = (): Broadcasts => {
  /** By how often it was sent; in each the messages in the order of coming. */
  const tiers: Map<string, Uint8Array>[] = [];
  const tierOf = new Map<string, number>();

  const put = (node: string, message: Uint8Array, sent: number): void => {
    while (tiers.length <= sent) tiers.push(new Map());
    tiers[sent]!.set(node, message);
    tierOf.set(node, sent);
  };

  return {
    add: (node, message) => {
      const sent = tierOf.get(node);
      if (sent !== undefined) tiers[sent]!.delete(node);
      put(node, message, 0);
    },
    take: (room, overhead, most, limit) => {
      const taken: { readonly node: string; readonly message: Uint8Array; readonly sent: number }[] = [];
      let left = room;
      for (const [sent, tier] of tiers.entries()) {
        for (const [node, message] of tier) {
          if (left < shortest + overhead || taken.length === most) break;
          if (message.length + overhead > left) continue;
          left -= message.length + overhead;
          taken.push({ node, message, sent });
        }
      }
      for (const { node, message, sent } of taken) {
        tiers[sent]!.delete(node);
        tierOf.delete(node);
        if (sent + 1 < limit) put(node, message, sent + 1);
      }
      return taken.map(({ message }) => message);
    },
    size: () => tierOf.size,
  };
};
