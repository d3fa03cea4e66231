import type { StringMap } from '../objects.ts';
import { l2AdvertisementSpec } from '../resources/l2-advertisement.ts';
import type { NamingAdvertisement } from './configuration.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';
import { readSelectors } from './read-selectors.ts';

/** An advertisement, and which pools it covers. */
export type PoolAdvertisement = NamingAdvertisement & {
  readonly covers: (poolName: string, poolLabels: StringMap) => boolean;
};

/** Fields that narrow down who announces what. To pass over one of them would announce what its author forbade. */
const unsupportedFields = ['nodeSelectors', 'serviceSelectors', 'preferredNodeSelectors'] as const;

/** Reads one `L2Advertisement`; undefined when it cannot be read or asks for more than is supported: see the reports. */
export const readL2Advertisement = (resource: CustomResource, report: Report): PoolAdvertisement | undefined => {
  const spec = parseSpec(l2AdvertisementSpec, resource, report);
  if (spec === undefined) return undefined;
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

  const { ipAddressPools = [], ipAddressPoolSelectors = [], interfaces = [] } = spec;
  const names = new Set<string>();
  for (const [index, name] of ipAddressPools.entries()) {
    if (names.has(name)) {
      report(
        'DuplicateDefinition',
        `spec.ipAddressPools[${index}]`,
        `duplicate definition of ipAddressPools "${name}"`,
      );
    }
    names.add(name);
  }
  const selectors = readSelectors(ipAddressPoolSelectors, 'ipAddressPoolSelectors', 'invalid label selector', report);
  const coversAll = ipAddressPools.length + ipAddressPoolSelectors.length === 0;
  return {
    advertisement: {
      name: resource.metadata.name,
      interfaces: interfaces.length > 0 ? [...new Set(interfaces)].sort() : undefined,
    },
    poolNames: coversAll ? undefined : names,
    covers: (poolName, poolLabels) =>
      coversAll || names.has(poolName) || selectors.some((matches) => matches(poolLabels)),
  };
};
