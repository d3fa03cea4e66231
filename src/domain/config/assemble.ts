import { rangeMap } from '../../lib/range-map.ts';
import { assemblePeers } from './assemble-peers.ts';
import { bgpAttacher, type ReadyBgpAdvertisement } from './attach-bgp-advertisements.ts';
import type { ConfigurationKind } from './collections.ts';
import { type Community, parseCommunity } from './community.ts';
import type { Configuration, ConfigurationProblem, L2Advertisement, Pool } from './configuration.ts';
import { type CustomResource, type Report, reporter } from './custom-resource.ts';
import type { ConfigurationInput } from './input.ts';
import { namespaceIndex } from './namespace-index.ts';
import { nodeScopes } from './node-scopes.ts';
import { byAge, byName } from './order.ts';
import { readBfdProfile } from './read-bfd-profile.ts';
import { readBgpAdvertisement, type SelectingBgpAdvertisement } from './read-bgp-advertisement.ts';
import { readBgpPeer } from './read-bgp-peer.ts';
import { aliasMap, readCommunities } from './read-communities.ts';
import { readL2Advertisement, type SelectingL2Advertisement } from './read-l2-advertisement.ts';
import { type PoolReading, readPool } from './read-pool.ts';
import { readOnce } from './readings.ts';
import { type RangeOwner, resolveAllocation, takeEntries } from './resolve-pool.ts';
import { resourcesInForce } from './resources-in-force.ts';

export { type ConfigurationInput, nothingConfigured } from './input.ts';

/** The configuration, and what had to be left out of it or is odd about it. */
export type Assembly = {
  readonly configuration: Configuration;
  readonly problems: readonly ConfigurationProblem[];
  /**
   * The ConfigMap of old is the only configuration there is, and comes into force once it has the annotation
   * `metallb.io/in-use: "true"`.
   */
  readonly wantsMark: boolean;
};

/**
 * What becomes of a reference to something that may be the next to be created: a BFD profile, or the alias of a community.
 * What has it is left out, or stays without it, so that it can be compared with the rest. Either is reported.
 */
type Missing = 'leaveOut' | 'passOver';

const readOnceOf = {
  pool: readOnce('IPAddressPool', readPool),
  l2Advertisement: readOnce('L2Advertisement', readL2Advertisement),
  bgpAdvertisement: readOnce('BGPAdvertisement', readBgpAdvertisement),
  bgpPeer: readOnce('BGPPeer', readBgpPeer),
  bfdProfile: readOnce('BFDProfile', readBfdProfile),
  communities: readOnce('Community', readCommunities),
};

/**
 * Checks all objects and resolves what they say about each other. A fault takes only itself down, and what cannot be
 * without it: an address entry, a selector, a peer, an advertisement; all the rest is in force. The same input gives the
 * same outcome, in whatever order.
 */
export const assembleConfiguration = (input: ConfigurationInput, missing: Missing = 'leaveOut'): Assembly => {
  const problems: ConfigurationProblem[] = [];
  const { resources, wantsMark } = resourcesInForce(input, problems);
  const scopeOf = nodeScopes(input.nodes);

  /** Reads all objects of a kind, the oldest first. */
  const readAll = <T>(
    kind: ConfigurationKind,
    objects: readonly CustomResource[],
    read: (resource: CustomResource, problems: ConfigurationProblem[]) => T | undefined,
  ): readonly { readonly value: T; readonly report: Report }[] =>
    objects.toSorted(byAge).flatMap((resource) => {
      const value = read(resource, problems);
      return value === undefined ? [] : [{ value, report: reporter(kind, resource, problems) }];
    });

  const bfdProfiles = readAll('BFDProfile', resources.bfdProfiles, readOnceOf.bfdProfile).map(({ value }) => value);
  const peers = assemblePeers(
    readAll('BGPPeer', resources.bgpPeers, readOnceOf.bgpPeer).map(({ value: peer, report }) => ({ peer, report })),
    {
      profiles: new Map(bfdProfiles.map((profile) => [profile.name, profile])),
      bgpType: input.bgpType,
      scopeOf,
      passOverMissing: missing === 'passOver',
    },
  );

  const aliases = aliasMap(
    readAll('Community', resources.communities, readOnceOf.communities).map(({ value, report }) => ({
      aliases: value,
      report,
    })),
  );
  const l2Advertisements = readAll('L2Advertisement', resources.l2Advertisements, readOnceOf.l2Advertisement)
    .map(({ value }) => value)
    .sort(byAdvertisementName);
  const bgpAdvertisements = readAll(
    'BGPAdvertisement',
    resources.bgpAdvertisements,
    readOnceOf.bgpAdvertisement,
  ).flatMap(({ value, report }): ReadyBgpAdvertisement[] => {
    const communities = resolveCommunities(value, aliases, missing, report);
    return communities === undefined
      ? []
      : [{ ...value, advertisement: { ...value.advertisement, communities }, report }];
  });

  const taken = rangeMap<RangeOwner>();
  const namespaces = namespaceIndex(input.namespaces);
  const attacher = bgpAttacher(peers, scopeOf);
  const pools = readAll('IPAddressPool', resources.pools, readOnceOf.pool).map(({ value: reading, report }): Pool => {
    const { name, labels, autoAssign, avoidBuggyIPs, allocation, revision } = reading;
    const entries = takeEntries(reading, taken, report);
    const covering = bgpAdvertisements.filter(({ covers }) => covers(name, labels));
    return {
      name,
      ranges: entries.map(({ range }) => range),
      autoAssign,
      avoidBuggyIPs,
      serviceAllocation: allocation && resolveAllocation(allocation, namespaces),
      l2Advertisements: coveringOnce(l2Advertisements, reading),
      bgpAdvertisements: attacher.attach({ name, entries, covering }).toSorted(byName),
      revision,
    };
  });
  attacher.finish();

  const naming = <A extends { readonly name: string }>({
    advertisement,
    poolNames,
  }: {
    readonly advertisement: A;
    readonly poolNames: ReadonlySet<string> | undefined;
  }) => ({ advertisement, poolNames });
  const configuration = {
    pools: pools.toSorted(byName),
    l2Advertisements: l2Advertisements.map(naming),
    bgpAdvertisements: bgpAdvertisements.toSorted(byAdvertisementName).map(naming),
    peers: peers.toSorted(byName),
    bfdProfiles: bfdProfiles.toSorted(byName),
  };
  return { configuration, problems, wantsMark };
};

/** Looks up the communities of an advertisement; undefined if that cannot be done: see the reports. */
const resolveCommunities = (
  { communities }: SelectingBgpAdvertisement,
  aliases: ReadonlyMap<string, Community>,
  missing: Missing,
  report: Report,
): readonly Community[] | undefined => {
  let isComplete = true;
  const resolved = communities.flatMap(({ text, field }) => {
    const alias = aliases.get(text);
    if (alias !== undefined) return [alias];
    const parsed = parseCommunity(text);
    if (parsed.ok) return [parsed.value];
    // What has no colon can only be meant as an alias.
    const isAlias = !text.includes(':');
    if (missing === 'leaveOut' || !isAlias) isComplete = false;
    report(
      isAlias ? 'UnknownCommunity' : 'InvalidCommunity',
      field,
      `invalid community "${text}" in BGP advertisement: ${parsed.error}`,
      'the advertisement is left out, so that nothing is announced without it',
    );
    return [];
  });
  return isComplete ? resolved : undefined;
};

/** The advertisements that cover a pool; of those that say the same, the first. */
const coveringOnce = (
  advertisements: readonly SelectingL2Advertisement[],
  { name, labels }: PoolReading,
): readonly L2Advertisement[] => {
  const different = new Map<string, L2Advertisement>();
  for (const { advertisement, covers } of advertisements) {
    if (!different.has(advertisement.text) && covers(name, labels)) different.set(advertisement.text, advertisement);
  }
  return [...different.values()];
};

type Advertising = { readonly advertisement: { readonly name: string } };

const byAdvertisementName = (a: Advertising, b: Advertising): number => byName(a.advertisement, b.advertisement);
