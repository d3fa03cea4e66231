import { familyOf, type Ip, ipv4ToNumber } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { compareText } from '../../src/lib/sorted.ts';
import type { OwnershipLink } from '../../src/proto/ownership/machine.ts';
import type { InterfaceAddress } from '../../src/proto/rtnetlink/address.ts';
import { LinkFlag, linkTypeEthernet } from '../../src/proto/rtnetlink/iana.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';

/** A link that addresses are answered on. */
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

/**
 * The links that are served, in the order of their indexes, each with the node's own addresses there. Of several IPv4
 * addresses the one that is good beyond the link and of the largest network counts, of several IPv6 ones any that is
 * link-local; always the same one.
 */
export const ownershipLinks = (
  links: Iterable<Link>,
  addresses: Iterable<InterfaceAddress>,
  isExcluded: (name: string) => boolean,
): OwnershipLink[] => {
  const served = Iterator.from(links)
    .map((link) => ({ served: servedLink(link, isExcluded), hasCarrier: (link.flags & LinkFlag.lowerUp) !== 0 }))
    .flatMap(({ served: link, hasCarrier }) => (link === undefined ? [] : [{ ...link, hasCarrier }]))
    .toArray()
    .toSorted((a, b) => a.index - b.index);
  const indexes = new Set(served.map(({ index }) => index));
  const usable = Iterator.from(addresses)
    .filter((each) => indexes.has(each.interface))
    .toArray()
    .toSorted(
      (a, b) =>
        Number(a.isLinkLocal) - Number(b.isLinkLocal) || a.prefixLength - b.prefixLength || compareText(a.ip, b.ip),
    );
  return served.map((link) => {
    const own = usable.filter((each) => each.interface === link.index);
    return {
      ...link,
      ipv4: own.find(({ ip }) => familyOf(ip) === 'IPv4')?.ip,
      ipv6: own.find(({ ip, isLinkLocal }) => familyOf(ip) === 'IPv6' && isLinkLocal)?.ip,
    };
  });
};

/** By index, the links that are on the segment of another one, and of which. */
export const lowersOf = (links: Iterable<Link>): ReadonlyMap<number, number> =>
  new Map(Iterator.from(links).flatMap(({ index, lower }) => (lower === undefined ? [] : [[index, lower] as const])));

/**
 * Whether a message that came on an interface with these addresses came from its segment, and not by a router: from a
 * link-local address, or one of a network that the interface has an address of. Where all it has are addresses of no
 * network, nobody can tell, and it counts as the segment's.
 */
export const isOnLink = (own: readonly InterfaceAddress[], from: Ip): boolean => {
  if (familyOf(from) === 'IPv6') return isLinkLocalIpv6(from);
  const networks = own.filter(({ ip, prefixLength }) => familyOf(ip) === 'IPv4' && prefixLength < 32);
  const isIn = ({ ip, prefixLength }: InterfaceAddress): boolean =>
    prefixLength === 0 || (ipv4ToNumber(ip) ^ ipv4ToNumber(from)) >>> (32 - prefixLength) === 0;
  return networks.length === 0 || networks.some(isIn);
};

/** fe80::/10 */
const isLinkLocalIpv6 = (ip: Ip): boolean => /^fe[89ab]/.test(ip);
