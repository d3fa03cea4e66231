import { LinkFlag, linkTypeEthernet } from '../../src/proto/rtnetlink/iana.ts';
import type { Link, LinkMessage } from '../../src/proto/rtnetlink/message.ts';
import type { Mac } from '../../src/lib/mac.ts';

/** A link that ARP is answered on. */
export type ServedLink = {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
};

/**
 * The link if it qualifies: Ethernet with broadcast and ARP, up, no part of a bridge, bond, team or VRF, and not
 * excluded by its name. An address of its own is not required.
 */
export const servedLink = (link: Link, isExcluded: (name: string) => boolean): ServedLink | undefined => {
  const { index, name, type, flags, mac, master } = link;
  const wanted = LinkFlag.up | LinkFlag.broadcast;
  if (mac === undefined || type !== linkTypeEthernet || master !== undefined) return undefined;
  if ((flags & (wanted | LinkFlag.noArp)) !== wanted || isExcluded(name)) return undefined;
  return { index, name, mac };
};

/** The links of the host, kept current by what the kernel tells. */
export type LinkTable = {
  readonly apply: (message: LinkMessage) => void;
  /** Forgets at the end of the dump that comes now every link that it did not name. */
  readonly expectDump: () => void;
  /** Whether a dump has been read to its end, so that no link is missing. */
  readonly isComplete: () => boolean;
  readonly links: () => Iterable<Link>;
};

/** Makes an empty table. */
export const createLinkTable = (): LinkTable => {
  const links = new Map<number, Link>();
  let unseen: Set<number> | undefined;
  let isComplete = false;
  return {
    apply: (message) => {
      switch (message.type) {
        case 'link':
          links.set(message.link.index, message.link);
          unseen?.delete(message.link.index);
          return;
        case 'linkRemoved':
          links.delete(message.index);
          return;
        case 'done':
          for (const index of unseen ?? []) links.delete(index);
          unseen = undefined;
          isComplete = true;
          return;
        case 'error':
          return; // of a dump that was asked for twice; the first goes on
      }
    },
    expectDump: () => {
      unseen = new Set(links.keys());
    },
    isComplete: () => isComplete,
    links: () => links.values(),
  };
};
