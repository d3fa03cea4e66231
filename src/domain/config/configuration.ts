import type { AddressRange } from '../../lib/address-range.ts';
import type { Selector } from '../selector.ts';
import type { BfdProfile, BgpAdvertisement, BgpPeer } from './bgp.ts';
import type { ConfigurationKind } from './collections.ts';
import type { ProblemReason } from './problem-reasons.ts';

/** Everything the user configured, checked and with its references resolved. Immutable; a change makes a new one. */
export type Configuration = {
  /** In order of name; their ranges do not overlap. */
  readonly pools: readonly Pool[];
  /** In order of name; for the addresses of pools that are gone. */
  readonly l2Advertisements: readonly NamingAdvertisement[];
  /** The same for BGP. */
  readonly bgpAdvertisements: readonly NamingAdvertisement<BgpAdvertisement>[];
  /** In order of name. */
  readonly peers: readonly BgpPeer[];
  /** In order of name. */
  readonly bfdProfiles: readonly BfdProfile[];
};

/** An advertisement with the pools that it asks for without looking at labels. */
export type NamingAdvertisement<Advertisement = L2Advertisement> = {
  readonly advertisement: Advertisement;
  /** Names, of pools that need not exist; undefined: every pool. */
  readonly poolNames: ReadonlySet<string> | undefined;
};

/** An `IPAddressPool` that passed every check. */
export type Pool = {
  readonly name: string;
  /** In the order of `spec.addresses`, which is the order of allocation. */
  readonly ranges: readonly AddressRange[];
  readonly autoAssign: boolean;
  /** IPv4 addresses that end in .0 or .255 are neither given nor accepted. */
  readonly avoidBuggyIPs: boolean;
  /** Whom the pool is pinned to; undefined means everybody, after the pinned pools. */
  readonly serviceAllocation: ServiceAllocation | undefined;
  /** The advertisements that cover the pool, in order of name; none means that nothing announces its addresses. */
  readonly l2Advertisements: readonly L2Advertisement[];
  /** The same for BGP: those that may be announced with the addresses of this pool. */
  readonly bgpAdvertisements: readonly BgpAdvertisement[];
  /** Its `resourceVersion` as a number; 0 if it has none. */
  readonly revision: number;
};

/** `spec.serviceAllocation` with its namespace selectors resolved against the namespaces there are. */
export type ServiceAllocation = {
  /** Lower is tried first; 0 is last. */
  readonly priority: number;
  /** Undefined: every namespace. */
  readonly namespaces: ReadonlySet<string> | undefined;
  /** OR-ed; empty: every service. */
  readonly serviceSelectors: readonly Selector[];
};

/** An `L2Advertisement` that passed every check. */
export type L2Advertisement = {
  readonly name: string;
  /** Interface names to announce on, sorted; undefined: all of them. */
  readonly interfaces: readonly string[] | undefined;
  /** On the labels of nodes, OR-ed; empty: every node may announce. */
  readonly nodeSelectors: readonly Selector[];
  /** On the labels of services, OR-ed; empty: every service with an address of the pool is announced. */
  readonly serviceSelectors: readonly Selector[];
  readonly preferences: readonly NodePreference[];
  /** The same for advertisements that say the same of nodes, services and interfaces. */
  readonly text: string;
  /** Its `resourceVersion` as a number; 0 if it has none. */
  readonly revision: number;
};

/** How much more a kind of node is wanted: the weights of all that match a node are added up. */
export type NodePreference = {
  /** 1 to 100. */
  readonly weight: number;
  /** On the labels of nodes. */
  readonly selector: Selector;
};

/** Why an object, or a part of it, was left out. It names the object and the field. */
export type ConfigurationProblem = {
  readonly kind: ConfigurationKind | 'ConfigMap';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Path of the field, such as `spec.addresses[1]`. */
  readonly field: string;
  /** What is wrong and what follows from it, in one sentence. */
  readonly message: string;
  /** The part of the message that says what is wrong. */
  readonly cause: string;
  /** Stable CamelCase word for the event. */
  readonly reason: ProblemReason;
  /** A warning leaves nothing out that should be in force. */
  readonly severity: 'error' | 'warning';
};
