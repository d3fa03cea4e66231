import { rangeMap } from '../../lib/range-map.ts';
import { compareText } from '../../lib/sorted.ts';
import type { ConfigMapView, NamespaceView, NodeView, StringMap } from '../objects.ts';
import type { BgpType } from './bgp.ts';
import type { Configuration, ConfigurationProblem, L2Advertisement, Pool } from './configuration.ts';
import { type CustomResource, reporter } from './custom-resource.ts';
import { type PoolAdvertisement, readL2Advertisement } from './read-l2-advertisement.ts';
import { type RangeOwner, readPool } from './read-pool.ts';

/** Everything the configuration is made of. */
export type ConfigurationInput = {
  /** `IPAddressPool` objects, these and the others as the API server gives them. */
  readonly pools: readonly CustomResource[];
  readonly l2Advertisements: readonly CustomResource[];
  readonly bgpAdvertisements: readonly CustomResource[];
  /** In the form of `v1beta2`. */
  readonly bgpPeers: readonly CustomResource[];
  readonly bfdProfiles: readonly CustomResource[];
  readonly communities: readonly CustomResource[];
  /** The ConfigMap of old. */
  readonly legacy: ConfigMapView | undefined;
  readonly namespaces: readonly NamespaceView[];
  /** Which peers share a node is known by them; while none is known, all do. */
  readonly nodes: readonly Pick<NodeView, 'name' | 'labels'>[];
  readonly bgpType: BgpType;
  /** The namespace MetalLB runs in: custom resources elsewhere do not count. */
  readonly metallbNamespace: string;
};

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

/** An input of nothing: what a program does not watch. */
export const nothingConfigured = {
  pools: [],
  l2Advertisements: [],
  bgpAdvertisements: [],
  bgpPeers: [],
  bfdProfiles: [],
  communities: [],
  legacy: undefined,
  namespaces: [],
  nodes: [],
  bgpType: 'native',
} as const satisfies Omit<ConfigurationInput, 'metallbNamespace'>;

/**
 * Checks all objects and resolves what they say about each other. A fault takes only itself down: an address entry, a
 * selector, an advertisement; all the rest is in force. The same input gives the same outcome, in whatever order.
 */
export const assembleConfiguration = (input: ConfigurationInput): Assembly => {
  const problems: ConfigurationProblem[] = [];
  const isOurs = ({ metadata }: CustomResource): boolean => metadata.namespace === input.metallbNamespace;

  const advertisements = input.l2Advertisements
    .filter(isOurs)
    .sort(byName)
    .map((resource) => readL2Advertisement(resource, reporter('L2Advertisement', resource, problems)))
    .filter((advertisement) => advertisement !== undefined);

  const taken = rangeMap<RangeOwner>();
  const pools = input.pools
    .filter(isOurs)
    .sort(byAge)
    .map((resource): Pool | undefined => {
      const pool = readPool(resource, input.namespaces, taken, reporter('IPAddressPool', resource, problems));
      const { name, labels = {} } = resource.metadata;
      return pool && { ...pool, l2Advertisements: covering(advertisements, name, labels), bgpAdvertisements: [] };
    })
    .filter((pool) => pool !== undefined)
    .sort((a, b) => compareText(a.name, b.name));

  const l2Advertisements = advertisements.map(({ advertisement, poolNames }) => ({ advertisement, poolNames }));
  const configuration = { pools, l2Advertisements, bgpAdvertisements: [], peers: [], bfdProfiles: [] };
  return { configuration, problems, wantsMark: false };
};

/** The advertisements that cover a pool; of those that say the same, the first. */
const covering = (
  advertisements: readonly PoolAdvertisement[],
  poolName: string,
  poolLabels: StringMap,
): readonly L2Advertisement[] => {
  const different = new Map<string, L2Advertisement>();
  for (const { advertisement, covers } of advertisements) {
    const key = JSON.stringify(advertisement.interfaces ?? null);
    if (!different.has(key) && covers(poolName, poolLabels)) different.set(key, advertisement);
  }
  return [...different.values()];
};

const byName = (a: CustomResource, b: CustomResource): number => compareText(a.metadata.name, b.metadata.name);

/** The oldest first: where pools overlap, the one that was there first keeps its addresses. */
const byAge = (a: CustomResource, b: CustomResource): number =>
  compareText(createdAt(a), createdAt(b)) || compareText(a.metadata.name, b.metadata.name);

/** An object without a time is about to be created: it sorts behind every date. */
const createdAt = ({ metadata }: CustomResource): string => metadata.creationTimestamp ?? '~';
