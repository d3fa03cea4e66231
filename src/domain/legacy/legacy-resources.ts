import type { ConfigurationProblem } from '../config/configuration.ts';
import type { CustomResource } from '../config/custom-resource.ts';
import { type ConfigurationResources, noResources } from '../config/input.ts';
import { problemReasons } from '../config/problem-reasons.ts';
import type { ConfigMapView } from '../objects.ts';
import { type Item, type Note, openMap } from './map-reader.ts';
import { readBfdProfile } from './read-bfd-profile.ts';
import { readCommunities } from './read-communities.ts';
import { readPeer } from './read-peer.ts';
import { type LegacyPool, readPool } from './read-pool.ts';

/** The custom resources that say what the ConfigMap says, and what of it cannot be said. */
export type LegacyResources = {
  readonly resources: ConfigurationResources;
  readonly problems: readonly ConfigurationProblem[];
};

/** So many problems are told; a document with more of them is not understood by telling them all. */
const mostProblems = 100;

const advised = {
  'peer-autodiscovery': 'peers are not discovered, each has to stand under "peers"',
  communities: 'they stand under "bgp-communities"',
};

/**
 * Reads the ConfigMap of MetalLB 0.8 to 0.12, checked as strictly as those versions did, except that a fault takes down
 * no more than the entry it stands in. A pool with a fault keeps its advertisements where they can be told, so that
 * addresses in use stay announced. What custom resources are checked for as well (addresses and overlaps, references
 * to BFD profiles and communities) is left to the assembly, which sees both. Names are as `metallb-ts convert` gives
 * them, but pools and BFD profiles keep theirs to the letter, since services and peers refer to them.
 */
export const legacyResources = (configMap: ConfigMapView, metallbNamespace: string): LegacyResources => {
  const { namespace, name, uid, resourceVersion, config, newerError } = configMap;
  const problems: ConfigurationProblem[] = [];
  let count = 0;
  const tell: Note = (field, message, reason = 'InvalidConfigMap') => {
    const { severity } = problemReasons[reason];
    problems.push({ kind: 'ConfigMap', namespace, name, uid, field, message, cause: message, reason, severity });
  };
  const note: Note = (path, ...problem) => {
    if (count++ < mostProblems) tell(path === '' ? 'data.config' : path, ...problem);
  };
  const makeResource = (path: string, resourceName: string, spec: object): CustomResource => ({
    metadata: { name: resourceName, namespace: metallbNamespace, uid },
    spec,
    resourceVersion,
    origin: { namespace, name, uid, path },
  });

  if (newerError !== undefined) note('data.config', `${newerError}; what stood there before stays in force`);
  const resources = readDocument(config, note, makeResource);
  if (count > mostProblems) tell('data.config', `${count - mostProblems} more problems are not told`);
  return { resources, problems };
};

const readDocument = (
  config: ConfigMapView['config'],
  note: Note,
  makeResource: (path: string, name: string, spec: object) => CustomResource,
): ConfigurationResources => {
  if (config === undefined) return noResources;
  if (!config.ok) {
    note('data.config', config.error);
    return noResources;
  }
  const top = openMap({ value: config.value, path: '' }, note);
  if (top === undefined) return noResources;

  const bfdProfiles = readBfdProfiles(top.list('bfd-profiles'), note);
  const bgpPeers = readPeers(top.list('peers'), note);
  const communities = readCommunities(top);
  const pools = readPools(top.list('address-pools'), new Set(communities.map(({ name }) => name)), note);
  top.end(advised);

  const bgpAdvertisements = pools.flatMap(({ value: { name, protocol, advertisements } }) =>
    protocol === 'bgp' ? advertisements.map((item) => ({ ...item, name })) : [],
  );
  const onLan = pools.filter(({ value }) => value.protocol === 'layer2');
  return {
    pools: pools.flatMap(({ value: { name, spec }, path }) =>
      spec === undefined ? [] : makeResource(path, name, spec),
    ),
    l2Advertisements: onLan.map(({ value, path }, index) =>
      makeResource(path, `l2advertisement${index + 1}`, { ipAddressPools: [value.name] }),
    ),
    bgpAdvertisements: bgpAdvertisements.flatMap(({ value, path, name }, index) =>
      value === undefined
        ? []
        : makeResource(path, `bgpadvertisement${index + 1}`, { ipAddressPools: [name], ...value }),
    ),
    bgpPeers: bgpPeers.map(({ value: { number, spec }, path }) => makeResource(path, `peer${number}`, spec)),
    bfdProfiles: bfdProfiles.map(({ value, path }) => makeResource(path, value.name, value.spec)),
    communities: communities.length === 0 ? [] : [makeResource('bgp-communities', 'communities', { communities })],
  };
};

const readPools = (items: readonly Item[], aliases: ReadonlySet<string>, note: Note): readonly Item<LegacyPool>[] => {
  const names = new Set<string>();
  return items.flatMap((item, index) => {
    const value = readPool(item, index + 1, aliases, note);
    if (value === undefined) return [];
    if (names.has(value.name)) {
      note(item.path, `duplicate definition of pool ${JSON.stringify(value.name)}`);
      return [];
    }
    names.add(value.name);
    return { value, path: item.path };
  });
};

const readBfdProfiles = (items: readonly Item[], note: Note) => {
  const names = new Set<string>();
  return items.flatMap((item, index) => {
    const value = readBfdProfile(item, index + 1, note);
    if (value === undefined) return [];
    if (names.has(value.name)) {
      note(item.path, `found duplicate bfd profile name ${value.name}`);
      return [];
    }
    names.add(value.name);
    return { value, path: item.path };
  });
};

const readPeers = (items: readonly Item[], note: Note) => {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const number = index + 1;
    const spec = readPeer(item, number, note);
    if (spec === undefined) return [];
    const text = JSON.stringify(spec);
    if (seen.has(text)) {
      note(item.path, `peer #${number} already exists`, 'DuplicateDefinition');
      return [];
    }
    seen.add(text);
    return { value: { number, spec }, path: item.path };
  });
};
