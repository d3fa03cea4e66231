import type * as z from 'zod/mini';
import { type AddressRange, parseAddressRange } from '../../lib/address-range.ts';
import type { RangeMap } from '../../lib/range-map.ts';
import type { NamespaceView } from '../objects.ts';
import { ipAddressPoolSpec } from '../resources/ip-address-pool.ts';
import type { Pool, ServiceAllocation } from './configuration.ts';
import { type CustomResource, parseSpec, type Report } from './custom-resource.ts';
import { readSelectors } from './read-selectors.ts';

/** Whose a range is: the entry of `spec.addresses` and its pool. */
export type RangeOwner = { readonly pool: string; readonly entry: string };

/**
 * Reads one `IPAddressPool`. An entry of `addresses` that cannot be read, or that overlaps with what is in `taken`, is
 * reported and left out; what remains is added to `taken`. Undefined when the spec as a whole cannot be read.
 */
export const readPool = (
  resource: CustomResource,
  namespaces: readonly NamespaceView[],
  taken: RangeMap<RangeOwner>,
  report: Report,
): Omit<Pool, 'l2Advertisements' | 'bgpAdvertisements'> | undefined => {
  const spec = parseSpec(ipAddressPoolSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name } = resource.metadata;
  return {
    name,
    ranges: readAddresses(name, spec.addresses, taken, report),
    autoAssign: spec.autoAssign,
    avoidBuggyIPs: spec.avoidBuggyIPs,
    serviceAllocation: readServiceAllocation(name, spec.serviceAllocation, namespaces, report),
  };
};

const readAddresses = (
  pool: string,
  entries: readonly string[],
  taken: RangeMap<RangeOwner>,
  report: Report,
): readonly AddressRange[] => {
  if (entries.length === 0) report('InvalidAddresses', 'spec.addresses', 'pool has no prefixes defined');
  const ranges: AddressRange[] = [];
  for (const [index, entry] of entries.entries()) {
    const field = `spec.addresses[${index}]`;
    const range = parseAddressRange(entry);
    if (!range.ok) {
      report('InvalidAddresses', field, `invalid CIDR "${entry}" in pool "${pool}": ${range.error}`);
      continue;
    }
    const owner = taken.add(range.value, { pool, entry });
    if (owner === undefined) {
      ranges.push(range.value);
      continue;
    }
    const other = `CIDR "${owner.entry}"${owner.pool === pool ? '' : ` in pool "${owner.pool}"`}`;
    report(
      'OverlappingAddresses',
      field,
      `CIDR "${entry}" in pool "${pool}" overlaps with already defined ${other}`,
      'the entry is left out',
    );
  }
  return ranges;
};

const readServiceAllocation = (
  pool: string,
  spec: z.output<typeof ipAddressPoolSpec>['serviceAllocation'],
  existing: readonly NamespaceView[],
  report: Report,
): ServiceAllocation | undefined => {
  if (spec === undefined) return undefined;
  const { priority = 0, namespaces = [], namespaceSelectors = [], serviceSelectors = [] } = spec;
  const byLabels = readSelectors(
    namespaceSelectors,
    'serviceAllocation.namespaceSelectors',
    `invalid namespace label selector in ip pool "${pool}"`,
    report,
  );
  const names = new Set<string>();
  for (const [index, name] of namespaces.entries()) {
    if (names.has(name)) {
      const message = `duplicate definition in namespaces field: "${name}"`;
      report('DuplicateDefinition', `spec.serviceAllocation.namespaces[${index}]`, message);
    }
    names.add(name);
  }
  for (const { name, labels } of existing) {
    if (byLabels.some((matches) => matches(labels))) names.add(name);
  }
  return {
    priority,
    // MetalLB takes selectors that match no namespace for no restriction at all, so that anybody may ask for an address
    // of a pool that is meant for a few. Here such a pool is nobody's until a namespace has the labels.
    namespaces: namespaces.length + namespaceSelectors.length > 0 ? names : undefined,
    serviceSelectors: readSelectors(
      serviceSelectors,
      'serviceAllocation.serviceSelectors',
      `invalid service label selector in ip pool "${pool}"`,
      report,
    ),
  };
};
