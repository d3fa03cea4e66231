import type { z } from 'zod/mini';
import { l2AdvertisementSpec } from '../resources/l2-advertisement.ts';
import { canonicalSelector, type LabelSelector } from '../selector.ts';
import type { L2Advertisement } from './configuration.ts';
import { type CustomResource, parseSpec, type Report, revisionOf } from './custom-resource.ts';
import { type PoolSelection, readPoolSelection } from './read-pool-selection.ts';
import { readSelector, readSelectors } from './read-selectors.ts';

/** An advertisement, and which pools it covers. */
export type SelectingL2Advertisement = PoolSelection & { readonly advertisement: L2Advertisement };

/** Reads one `L2Advertisement`; undefined when it cannot be read: see the reports. */
export const readL2Advertisement = (resource: CustomResource, report: Report): SelectingL2Advertisement | undefined => {
  const spec = parseSpec(l2AdvertisementSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name } = resource.metadata;
  const { nodeSelectors = [], serviceSelectors = [], preferredNodeSelectors = [], interfaces = [] } = spec;
  const advertisement = {
    name,
    interfaces: interfaces.length > 0 ? [...new Set(interfaces)].sort() : undefined,
    nodeSelectors: readSelectors(nodeSelectors, 'nodeSelectors', `failed to parse node selector for ${name}`, report),
    serviceSelectors: readSelectors(
      serviceSelectors,
      'serviceSelectors',
      `failed to parse service selector for ${name}: invalid service selector`,
      report,
    ),
    preferences: preferredNodeSelectors.map(({ weight, preference }, index) => ({
      weight,
      selector: readSelector(
        preference,
        `spec.preferredNodeSelectors[${index}].preference`,
        `failed to parse preferred node selectors for ${name}: invalid preferred node selector`,
        report,
      ),
    })),
    text: whatItSays(spec),
    revision: revisionOf(resource),
  };
  return { advertisement, ...readPoolSelection(spec, report) };
};

/** What it says of nodes, services and interfaces: equal texts mean the same. */
const whatItSays = ({
  nodeSelectors,
  serviceSelectors,
  preferredNodeSelectors = [],
  interfaces = [],
}: z.output<typeof l2AdvertisementSpec>): string =>
  JSON.stringify([
    distinct(interfaces),
    canonical(nodeSelectors),
    canonical(serviceSelectors),
    // A preference that stands there twice counts twice.
    preferredNodeSelectors.map(({ weight, preference }) => `${weight} ${canonicalSelector(preference)}`).sort(),
  ]);

const canonical = (selectors: readonly LabelSelector[] = []): readonly string[] =>
  distinct(selectors.map(canonicalSelector));

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
