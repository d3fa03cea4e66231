import { l2AdvertisementSpec } from '../resources/l2-advertisement.ts';
import type { L2Advertisement } from './configuration.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';
import { type PoolSelection, readPoolSelection } from './read-pool-selection.ts';
import { readSelector, readSelectors } from './read-selectors.ts';

/** An advertisement, and which pools it covers. */
export type SelectingL2Advertisement = PoolSelection & {
  readonly advertisement: L2Advertisement;
  /** The same for advertisements that say the same of a pool. */
  readonly text: string;
};

/** Fields that narrow down who announces what. To pass over one of them would announce what its author forbade. */
const unsupportedFields = ['nodeSelectors', 'serviceSelectors', 'preferredNodeSelectors'] as const;

/** Reads one `L2Advertisement`; undefined when it cannot be read or asks for more than is supported: see the reports. */
export const readL2Advertisement = (resource: CustomResource, report: Report): SelectingL2Advertisement | undefined => {
  const spec = parseSpec(l2AdvertisementSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name } = resource.metadata;
  const { nodeSelectors = [], serviceSelectors = [], preferredNodeSelectors = [], interfaces = [] } = spec;
  readSelectors(nodeSelectors, 'nodeSelectors', `failed to parse node selector for ${name}`, report);
  readSelectors(
    serviceSelectors,
    'serviceSelectors',
    `failed to parse service selector for ${name}: invalid service selector`,
    report,
  );
  for (const [index, { preference }] of preferredNodeSelectors.entries()) {
    readSelector(
      preference,
      `spec.preferredNodeSelectors[${index}].preference`,
      `failed to parse preferred node selectors for ${name}: invalid preferred node selector`,
      report,
    );
  }
  const selection = readPoolSelection(spec, report);

  const unsupported = unsupportedFields.filter((field) => (spec[field] ?? []).length > 0);
  for (const field of unsupported) {
    report(
      'NotSupportedYet',
      `spec.${field}`,
      `${field} is not supported by this version of metallb-ts`,
      'the whole advertisement is left out, so that nothing is announced where it forbids it',
    );
  }
  if (unsupported.length > 0) return undefined;

  const advertisement = { name, interfaces: interfaces.length > 0 ? [...new Set(interfaces)].sort() : undefined };
  return { advertisement, ...selection, text: JSON.stringify(advertisement.interfaces ?? null) };
};
