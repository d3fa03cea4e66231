import { LinkFlag, linkTypeEthernet } from '../../src/proto/rtnetlink/iana.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import type { LinkEvent } from '../../src/io/netlink.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';

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

/** The links of the host, kept current by what the kernel tells, and by dumps where it could not tell all. */
export type LinkTable = {
  readonly apply: (event: LinkEvent) => void;
  /** The sequence number of a dump that is to be requested now; undefined while there is no need. */
  readonly takeRequest: (now: Millis) => number | undefined;
  /** Whether a dump has been read to its end, so that there is something to go by. */
  readonly isComplete: () => boolean;
  readonly links: () => Iterable<Link>;
};

/** The shortest time between two requests: links that come and go all the time interrupt one dump after the other. */
const requestInterval = millis(100);

/** A dump that has not ended by then will not. */
const dumpLimit = seconds(5);

/** Makes an empty table. */
export const createLinkTable = (): LinkTable => {
  const links = new Map<number, Link>();
  let sequence = 0;
  let requestedAt = -Infinity;
  /** Set until the dump last requested ends: the links that it has not named, and whether it has missed none. */
  let dump: { readonly unseen: Set<number>; isWhole: boolean } | undefined;
  let isDumpNeeded = true;
  let isComplete = false;

  const endDump = (errno: number): void => {
    if (dump === undefined) return;
    if (errno === 0 && dump.isWhole) for (const index of dump.unseen) links.delete(index);
    else isDumpNeeded = true;
    dump = undefined;
  };

  return {
    apply: (event) => {
      switch (event.type) {
        case 'link':
          links.set(event.link.index, event.link);
          dump?.unseen.delete(event.link.index);
          return;
        case 'linkRemoved':
          links.delete(event.index);
          return;
        case 'lost':
          isDumpNeeded = true; // also if one goes on: its parts may be among what was lost
          if (dump !== undefined) dump.isWhole = false;
          return;
        case 'interrupted':
          if (event.sequence === sequence && dump !== undefined) dump.isWhole = false;
          return;
        case 'done':
          if (event.errno === 0) isComplete = true;
          if (event.sequence === sequence) endDump(event.errno);
          return;
        case 'error':
          if (event.sequence === sequence && event.errno !== 0) endDump(event.errno);
          return;
      }
    },
    takeRequest: (now) => {
      const wait = isDumpNeeded ? requestInterval : dump === undefined ? Infinity : dumpLimit;
      if (now < requestedAt + wait) return undefined;
      requestedAt = now;
      isDumpNeeded = false;
      dump = { unseen: new Set(links.keys()), isWhole: true };
      return ++sequence;
    },
    isComplete: () => isComplete,
    links: () => links.values(),
  };
};
