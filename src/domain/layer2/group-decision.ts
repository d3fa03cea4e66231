import type { GroupAddress } from '../../lib/group-order.ts';
import type { Ip } from '../../lib/ip.ts';
import type { L2Advertisement } from '../config/configuration.ts';
import type { ObjectKey } from '../objects.ts';
import type { AdvertisedAddress, AdvertisedService } from './advertised-service.ts';
import type { NodeReason, SilenceReason } from './announcement.ts';
import type { SelectedNodes } from './selected-nodes.ts';

/** What this node knows of nodes when it decides who may own a group. */
export type NodesView = Pick<SelectedNodes, 'covers' | 'score'> & {
  /** Name of the node that decides. */
  readonly self: string;
  /** The members that may own addresses at all, in order of name. */
  readonly eligible: Iterable<string>;
  /** All nodes that are known, members or not, each with why it is not among `eligible`. */
  readonly known: () => Iterable<readonly [node: string, reason: NodeReason | undefined]>;
  /** The interfaces of a node that addresses can be answered on; undefined: not known, so it may have any. */
  readonly interfacesOf: (node: string) => ReadonlySet<string> | undefined;
  /** The original elects nodes whatever interfaces they have, and whether their endpoints end or not. */
  readonly isBlind: boolean;
};

/** A node that may own a group. */
export type Candidate = {
  readonly node: string;
  /** How much it is preferred, from 0. */
  readonly score: number;
};

/** Who may own a group, and what this node answers for if it does. */
export type GroupDecision = {
  /** All addresses that are announced; this node would answer on no interface for those it may not announce. */
  readonly addresses: readonly GroupAddress[];
  /** In order of name. Groups with equal candidates may share the list. */
  readonly candidates: readonly Candidate[];
  /** Why there is no candidate. */
  readonly reason: SilenceReason | undefined;
  /** With `clashingEndpoints`: the services that have endpoints. */
  readonly clashing: readonly ObjectKey[];
  /** Why each node is no candidate, if none is. */
  readonly nodes: ReadonlyMap<string, NodeReason>;
};

const noNodes: ReadonlyMap<string, NodeReason> = new Map();

/**
 * Decides about the services of one group, the oldest first. A service that has no endpoint, or that no advertisement
 * covers, takes no part: addresses it shares are announced for the others. Where services select advertisements each
 * for themselves, any of them that covers an address and a node will do, because the address has one owner all the
 * same; MetalLB, which elects for each service, refuses to announce such services.
 */
export const decideGroup = (
  services: readonly AdvertisedService[],
  view: NodesView,
  shared: CandidateLists,
): GroupDecision => {
  const active = services.filter(({ reason }) => reason === undefined);
  const [only] = active;
  if (only === undefined) return { ...nobody, reason: services[0]?.reason };
  const advertised = active.length === 1 ? only.advertised : together(active);
  const addresses = advertised.map((address) => addressOn(view.self, address, view));

  const local = active.filter(({ servingNodes }) => servingNodes !== undefined);
  const able = common(local.map(({ servingNodes }) => servingNodes));
  if (able?.size === 0 && local.length > 1) {
    const clashing = local.map(({ service }) => service);
    return { ...nobody, addresses, reason: 'clashingEndpoints', clashing };
  }

  // The original counts endpoints that end as any others.
  const lasting = view.isBlind ? undefined : common(local.map(({ lastingNodes }) => lastingNodes));
  const serving = lasting === undefined || lasting.size === 0 ? able : lasting;

  const find = (): readonly Candidate[] => findCandidates(advertised, serving, view);
  const candidates = serving === undefined ? shared.get(advertised, find) : find();
  if (candidates.length > 0) return { ...nobody, addresses, candidates };
  const nodes = new Map<string, NodeReason>();
  for (const [node, reason] of view.known()) {
    const why = reason ?? whyNoCandidate(node, advertised, serving, view);
    if (why !== undefined) nodes.set(node, why);
  }
  return { ...nobody, addresses, reason: 'noCandidate', nodes };
};

/** What all have in common; undefined: every node. */
const common = (sets: readonly (ReadonlySet<string> | undefined)[]): ReadonlySet<string> | undefined =>
  sets.reduce((all, nodes) => (nodes && all?.intersection(nodes)) ?? nodes ?? all, undefined);

const nobody: GroupDecision = { addresses: [], candidates: [], reason: undefined, clashing: [], nodes: noNodes };

/** The addresses of several services, each with the advertisements of all that have it. */
const together = (services: readonly AdvertisedService[]): readonly AdvertisedAddress[] => {
  const addresses = new Map<Ip, AdvertisedAddress>();
  for (const { advertised } of services) {
    for (const address of advertised) {
      const { ip, advertisements } = address;
      const before = addresses.get(ip);
      if (before === undefined) addresses.set(ip, address);
      else if (before.advertisements !== advertisements) {
        const all = new Map([...before.advertisements, ...advertisements].map((each) => [each.text, each]));
        addresses.set(ip, { ip, advertisements: [...all.values()] });
      }
    }
  }
  return [...addresses.values()];
};

const findCandidates = (
  advertised: readonly AdvertisedAddress[],
  serving: ReadonlySet<string> | undefined,
  view: NodesView,
): readonly Candidate[] => {
  const candidates: Candidate[] = [];
  for (const node of view.eligible) {
    if (whyNoCandidate(node, advertised, serving, view) !== undefined) continue;
    candidates.push({ node, score: scoreOf(node, advertised, view) });
  }
  return candidates;
};

const whyNoCandidate = (
  node: string,
  advertised: readonly AdvertisedAddress[],
  serving: ReadonlySet<string> | undefined,
  view: NodesView,
): NodeReason | undefined => {
  if (!advertised.some(({ advertisements }) => advertisements.some((each) => view.covers(each, node)))) {
    return 'notSelected';
  }
  if (serving?.has(node) === false) return 'noEndpoint';
  if (view.isBlind) return undefined;
  const present = view.interfacesOf(node);
  return present === undefined || advertised.some((address) => isAnswerable(addressOn(node, address, view), present))
    ? undefined
    : 'noInterface';
};

/** Whether a node with these interfaces can answer for the address. */
export const isAnswerable = ({ interfaces }: GroupAddress, present: ReadonlySet<string>): boolean =>
  interfaces === undefined || interfaces.some((name) => present.has(name));

const scoreOf = (node: string, advertised: readonly AdvertisedAddress[], view: NodesView): number => {
  let sum = 0;
  const counted = new Set<string>();
  for (const { advertisements } of advertised) {
    for (const advertisement of advertisements) {
      if (advertisement.preferences.length === 0 || counted.has(advertisement.text)) continue;
      counted.add(advertisement.text);
      sum += view.score(advertisement, node);
    }
  }
  return sum;
};

/** Where a node would answer for an address: the union over the advertisements that cover the node; none: nowhere. */
export const addressOn = (
  node: string,
  { ip, advertisements }: AdvertisedAddress,
  { covers }: Pick<NodesView, 'covers'>,
): GroupAddress => {
  const names = new Set<string>();
  for (const advertisement of advertisements) {
    if (!covers(advertisement, node)) continue;
    // One without `interfaces` is for all of them, whatever others name.
    if (advertisement.interfaces === undefined) return { ip, interfaces: undefined };
    for (const name of advertisement.interfaces) names.add(name);
  }
  return { ip, interfaces: [...names].sort() };
};

/** Lists of candidates that groups with the same advertisements share, as long as nothing is heard of any node. */
export type CandidateLists = {
  readonly get: (advertised: readonly AdvertisedAddress[], find: () => readonly Candidate[]) => readonly Candidate[];
  readonly forget: () => void;
};

/** Makes an empty store. */
export const createCandidateLists = (): CandidateLists => {
  // Lists of advertisements are looked up by identity first: those of a pool are one list for all its services.
  let numbers = new WeakMap<readonly L2Advertisement[], number>();
  const numberOfTexts = new Map<string, number>();
  const lists = new Map<string, readonly Candidate[]>();
  const numberOf = (advertisements: readonly L2Advertisement[]): number => {
    let number = numbers.get(advertisements);
    if (number !== undefined) return number;
    const texts = advertisements.map(({ text }) => text).join('\n');
    number = numberOfTexts.get(texts) ?? numberOfTexts.size;
    numberOfTexts.set(texts, number);
    numbers.set(advertisements, number);
    return number;
  };
  return {
    get: (advertised, find) => {
      const name = advertised.map(({ advertisements }) => numberOf(advertisements)).join();
      let list = lists.get(name);
      if (list === undefined) lists.set(name, (list = find()));
      return list;
    },
    forget: () => {
      numbers = new WeakMap();
      numberOfTexts.clear();
      lists.clear();
    },
  };
};
