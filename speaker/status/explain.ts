import type { NodeReason, ServiceAnnouncement, SilenceReason } from '../../src/domain/layer2/announcement.ts';
import { announcedBy } from '../../src/domain/service/announced.ts';
import { quote, quoteList } from '../../src/domain/service/text.ts';
import { familyOf, type Ip } from '../../src/lib/ip.ts';
import { type Mac, formatMac } from '../../src/lib/mac.ts';
import { compareText } from '../../src/lib/sorted.ts';
import type { L2StatusWish } from './l2-status.ts';

/** A host that has an address of ours. `isDefended`: it came after us, and we go on answering. */
export type Conflict = { readonly mac: Mac; readonly isDefended: boolean };

/** What is known about a service on this node. */
export type Situation = {
  /** Name of this node. */
  readonly self: string;
  readonly announcement: ServiceAnnouncement;
  readonly conflicts: ReadonlyMap<Ip, Conflict>;
  /** Interfaces of this node that an address is bound to while its kernel answers for it. */
  readonly bound: ReadonlyMap<Ip, readonly string[]>;
};

/**
 * How a service is doing. `speaker`: who is to say so: this node, whose matter it is, or any one node, which all know it
 * alike, once it has lasted.
 */
export type Explanation = Omit<L2StatusWish, 'namespace' | 'name'> & { readonly speaker: 'self' | 'anyone' };

/** Explains how a service is doing, or why it is not announced; undefined: nothing is to be said by this node. */
export const explain = (situation: Situation): Explanation | undefined => {
  const { self, announcement } = situation;
  if (announcement.answered.length > 0) return explainAnswered(situation);
  if (announcement.owner === self) return explainHeldBack(situation);
  return announcement.owner === undefined ? explainNobody(announcement) : undefined;
};

const explainAnswered = ({ self, announcement, conflicts, bound }: Situation): Explanation => {
  const { answered, silent, withoutInterface } = announcement;
  const interfaces = unionOf(answered.map((address) => address.interfaces));
  const disputed = answered.flatMap(({ ip }) => describe(conflicts, ip, conflictText));
  const double = answered.flatMap(({ ip }) => describe(bound, ip, boundText));
  const missing = [...silent.map(({ ip, reason }) => silentText(ip, reason)), ...withoutInterface.map(noInterfaceText)];
  const details = [...disputed, ...double, ...missing];
  return {
    speaker: 'self',
    node: self,
    interfaces,
    status: 'True',
    reason:
      disputed.length > 0
        ? 'AddressConflict'
        : double.length > 0
          ? 'BoundLocally'
          : missing.length > 0
            ? 'AnnouncedPartly'
            : 'Announced',
    message: (since) => [`${announcedBy(self, interfaces)} since ${since}`, ...details].join('; '),
  };
};

/** This node has the group, and does not answer for it. */
const explainHeldBack = ({ announcement, conflicts }: Situation): Explanation | undefined => {
  const disputed = [...conflicts].map(([ip, conflict]) => conflictText(ip, conflict));
  if (disputed.length > 0) return unannounced('self', 'AddressConflict', disputed);
  const { withoutInterface } = announcement;
  return withoutInterface.length === 0
    ? undefined
    : unannounced('self', 'NoInterface', withoutInterface.map(noInterfaceText));
};

const explainNobody = ({ reason, clashing, nodes, silent }: ServiceAnnouncement): Explanation | undefined => {
  if (reason === undefined) {
    return unannounced('anyone', 'NotClaimed', [
      'no node has taken it so far',
      ...silent.map((each) => silentText(each.ip, each.reason)),
    ]);
  }
  if (!isTold(reason)) return undefined;
  const text = reason === 'clashingEndpoints' ? clashingText(clashing) : textOf[reason];
  return unannounced('anyone', wordOf[reason], [text, ...(nodes.size === 0 ? [] : [nodeReasons(nodes)])]);
};

const unannounced = (speaker: Explanation['speaker'], reason: string, sentences: readonly string[]): Explanation => ({
  speaker,
  node: undefined,
  interfaces: undefined,
  status: 'False',
  reason,
  message: () => sentences.join('; '),
});

/** The reason of the condition; docs/conditions.md says what to do about each. The others are no matter of ours. */
const wordOf = {
  noMatchingAdvertisement: 'NoAdvertisement',
  noEndpoint: 'NoEndpoint',
  clashingEndpoints: 'ClashingEndpoints',
  noCandidate: 'NoCandidate',
} as const satisfies Partial<Record<SilenceReason, string>>;

const isTold = (reason: SilenceReason): reason is keyof typeof wordOf => Object.hasOwn(wordOf, reason);

const textOf = {
  noMatchingAdvertisement: 'no L2Advertisement selects its pool, and the service',
  noEndpoint: 'no endpoint of it is ready',
  noCandidate: 'no node can announce it',
} as const;

/** Nodes named for one reason; the rest is counted. */
const mostNodes = 50;

/** The nodes by reason: `notSelected: n1, n2; noInterface: n3`. */
const nodeReasons = (nodes: ReadonlyMap<string, NodeReason>): string => {
  const byReason = Map.groupBy(nodes.keys(), (node) => nodes.get(node) ?? 'notMember');
  return [...byReason]
    .sort(([a], [b]) => compareText(a, b))
    .map(([reason, names]) => {
      const rest = names.length > mostNodes ? ` and ${names.length - mostNodes} more` : '';
      return `${reason}: ${names.sort(compareText).slice(0, mostNodes).join(', ')}${rest}`;
    })
    .join('; ');
};

/** Said of services that share an address and have no node in common. */
export const clashingText = (services: readonly string[]): string =>
  `it shares its address with services that have externalTrafficPolicy: Local, and no node has endpoints of all of them: ${services.slice(0, 20).join(', ')}`;

/** What a foreign host with an address of ours means, and what to do. */
export const conflictText = (ip: Ip, { mac, isDefended }: Conflict): string => {
  const proxy = familyOf(ip) === 'IPv4' ? 'ARP' : 'NDP';
  return isDefended
    ? `host ${formatMac(mac)} claims IP ${quote(ip)} as well, so that clients reach either: take the address from that host, or if it answers for others (proxy ${proxy}) stop that`
    : `IP ${quote(ip)} is not announced, because host ${formatMac(mac)} has it: take the address from that host, or if it answers for others (proxy ${proxy}) stop that or start the speakers with --address-probes=false; it is tried again within 5 min`;
};

/** What an address that is bound to an interface means, and what to do. */
export const boundText = (ip: Ip, interfaces: readonly string[]): string =>
  `the kernel answers for IP ${quote(ip)}, too, which is bound to ${quoteList(interfaces)} while arp_ignore is 0: set net.ipv4.conf.all.arp_ignore=1 and net.ipv4.conf.all.arp_announce=2 on every node (kube-proxy in mode ipvs does so with strictARP: true)`;

const silentText = (ip: Ip, reason: 'ipNotAllowed' | 'noMatchingAdvertisement'): string =>
  `IP ${quote(ip)} is not announced: ${reason === 'ipNotAllowed' ? 'it is in no pool' : textOf.noMatchingAdvertisement}`;

const noInterfaceText = (ip: Ip): string =>
  `IP ${quote(ip)} is not announced: the node has none of the interfaces that the advertisements name`;

const describe = <T>(known: ReadonlyMap<Ip, T>, ip: Ip, text: (ip: Ip, value: T) => string): readonly string[] => {
  const value = known.get(ip);
  return value === undefined ? [] : [text(ip, value)];
};

const unionOf = (lists: readonly (readonly string[] | undefined)[]): readonly string[] | undefined =>
  lists.includes(undefined) ? undefined : [...new Set(lists.flatMap((names) => names ?? []))].sort();
