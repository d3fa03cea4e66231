import { rangeMap } from '../../lib/range-map.ts';
import { compareText } from '../../lib/sorted.ts';
import type { NamespaceView, StringMap } from '../objects.ts';
import type { Configuration, ConfigurationProblem, L2Advertisement, Pool } from './configuration.ts';
import { type CustomResource, reporter } from './custom-resource.ts';
import { type PoolAdvertisement, readL2Advertisement } from './read-l2-advertisement.ts';
import { type RangeOwner, readPool } from './read-pool.ts';

/** Everything the configuration is made of. */
export type ConfigurationInput = {
  /** `IPAddressPool` objects as the API server gives them. */
  readonly pools: readonly CustomResource[];
  /** `L2Advertisement` objects as the API server gives them. */
  readonly l2Advertisements: readonly CustomResource[];
  readonly namespaces: readonly NamespaceView[];
  /** The namespace MetalLB runs in: custom resources elsewhere do not count. */
  readonly metallbNamespace: string;
};

/** The configuration, and what had to be left out of it or is odd about it. */
export type Assembly = {
  readonly configuration: Configuration;
  readonly problems: readonly ConfigurationProblem[];
};

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
      return pool && { ...pool, l2Advertisements: covering(advertisements, name, labels) };
    })
    .filter((pool) => pool !== undefined)
    .sort((a, b) => compareText(a.name, b.name));

  const l2Advertisements = advertisements.map(({ advertisement, poolNames }) => ({ advertisement, poolNames }));
  return { configuration: { pools, l2Advertisements }, problems };
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
