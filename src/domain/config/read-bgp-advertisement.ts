import { bgpAdvertisementSpec } from '../resources/bgp-advertisement.ts';
import type { BgpAdvertisement } from './bgp.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';
import { readNames } from './read-names.ts';
import { type PoolSelection, readPoolSelection } from './read-pool-selection.ts';
import { readSelectors } from './read-selectors.ts';

/** An advertisement before its communities are looked up, and which pools it covers. */
export type SelectingBgpAdvertisement = PoolSelection & {
  readonly advertisement: Omit<BgpAdvertisement, 'communities'>;
  /** As they are written, aliases or values, and where. */
  readonly communities: readonly { readonly text: string; readonly field: string }[];
};

const lengths = [
  { field: 'aggregationLength', family: 'IPv4', bits: 32 },
  { field: 'aggregationLengthV6', family: 'IPv6', bits: 128 },
] as const;

const maxLocalPref = 0xffff_ffff;

/** Reads one `BGPAdvertisement`; undefined when it cannot be in force: see the reports. */
export const readBgpAdvertisement = (
  resource: CustomResource,
  report: Report,
): SelectingBgpAdvertisement | undefined => {
  const spec = parseSpec(bgpAdvertisementSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name } = resource.metadata;
  const { nodeSelectors = [], serviceSelectors = [], communities = [], peers = [], localPref = 0 } = spec;
  let isSound = true;
  const refuse = (field: string, cause: string): void => {
    isSound = false;
    report('InvalidAdvertisement', `spec.${field}`, cause, 'the advertisement is left out');
  };
  for (const { field, family, bits } of lengths) {
    const length = spec[field];
    if (length < 0 || length > bits) refuse(field, `invalid aggregation length ${length} for ${family}`);
    else if (serviceSelectors.length > 0 && length !== bits) {
      refuse(field, `serviceSelectors and ${field} are mutually exclusive, both cannot be set in ${name}`);
    }
  }
  if (localPref < 0 || localPref > maxLocalPref) refuse('localPref', `must be from 0 to ${maxLocalPref}`);
  const selection = readPoolSelection(spec, report);
  const peerNames = readNames(peers, 'peers', report);
  const distinct = readNames(
    communities,
    'communities',
    report,
    (community) => `duplicate definition of community "${community}"`,
  );
  const communityTexts = Array.from(distinct, ([text, index]) => ({ text, field: `spec.communities[${index}]` }));
  const advertisement = {
    name,
    aggregationLength: { IPv4: spec.aggregationLength, IPv6: spec.aggregationLengthV6 },
    localPref,
    peers: peers.length > 0 ? new Set(peerNames.keys()) : undefined,
    nodeSelectors: readSelectors(nodeSelectors, 'nodeSelectors', `failed to parse node selector for ${name}`, report),
    serviceSelectors: readSelectors(
      serviceSelectors,
      'serviceSelectors',
      `failed to parse service selector for ${name}: invalid service selector`,
      report,
    ),
  };
  return isSound ? { advertisement, communities: communityTexts, ...selection } : undefined;
};
