import type * as z from 'zod/mini';
import { type AddressRange, parseAddressRange } from '../../lib/address-range.ts';
import type { StringMap } from '../objects.ts';
import { ipAddressPoolSpec } from '../resources/ip-address-pool.ts';
import type { Selector } from '../selector.ts';
import type { Pool } from './configuration.ts';
import { type CustomResource, parseSpec, type Report, revisionOf } from './custom-resource.ts';
import type { NamespaceSelector } from './namespace-index.ts';
import { readNames } from './read-names.ts';
import { readSelectors } from './read-selectors.ts';

/** What one `IPAddressPool` says by itself. */
export type PoolReading = Pick<Pool, 'name' | 'autoAssign' | 'avoidBuggyIPs' | 'revision'> & {
  readonly labels: StringMap;
  /** Those that can be read. */
  readonly entries: readonly AddressEntry[];
  readonly allocation: AllocationReading | undefined;
};

/** An entry of `spec.addresses`. */
export type AddressEntry = { readonly text: string; readonly field: string; readonly range: AddressRange };

/** `spec.serviceAllocation` before its selectors meet the namespaces there are. */
export type AllocationReading = {
  readonly priority: number;
  /** Neither names nor selectors are given. */
  readonly isForEveryNamespace: boolean;
  readonly names: ReadonlySet<string>;
  readonly namespaceSelectors: readonly NamespaceSelector[];
  readonly serviceSelectors: readonly Selector[];
};

/**
 * Reads one `IPAddressPool`. An entry of `addresses` that cannot be read is reported and left out. Undefined when the
 * spec as a whole cannot be read.
 */
export const readPool = (resource: CustomResource, report: Report): PoolReading | undefined => {
  const spec = parseSpec(ipAddressPoolSpec, resource, report);
  if (spec === undefined) return undefined;
  const { name, labels = {} } = resource.metadata;
  return {
    name,
    labels,
    entries: readAddresses(name, spec.addresses, report),
    autoAssign: spec.autoAssign,
    avoidBuggyIPs: spec.avoidBuggyIPs,
    allocation: readAllocation(name, spec.serviceAllocation, report),
    revision: revisionOf(resource),
  };
};

const readAddresses = (pool: string, texts: readonly string[], report: Report): readonly AddressEntry[] => {
  if (texts.length === 0) report('InvalidAddresses', 'spec.addresses', 'pool has no prefixes defined');
  return texts.flatMap((text, index) => {
    const field = `spec.addresses[${index}]`;
    const range = parseAddressRange(text);
    if (range.ok) return [{ text, field, range: range.value }];
    report('InvalidAddresses', field, `invalid CIDR "${text}" in pool "${pool}": ${range.error}`);
    return [];
  });
};

const readAllocation = (
  pool: string,
  spec: z.output<typeof ipAddressPoolSpec>['serviceAllocation'],
  report: Report,
): AllocationReading | undefined => {
  if (spec === undefined) return undefined;
  const { priority = 0, namespaces = [], namespaceSelectors = [], serviceSelectors = [] } = spec;
  const matchers = readSelectors(
    namespaceSelectors,
    'serviceAllocation.namespaceSelectors',
    `invalid namespace label selector in ip pool "${pool}"`,
    report,
  );
  return {
    priority,
    isForEveryNamespace: namespaces.length + namespaceSelectors.length === 0,
    names: new Set(
      readNames(
        namespaces,
        'serviceAllocation.namespaces',
        report,
        (name) => `duplicate definition in namespaces field: "${name}"`,
      ).keys(),
    ),
    namespaceSelectors: namespaceSelectors.map((source, index) => ({ source, matches: matchers[index]! })),
    serviceSelectors: readSelectors(
      serviceSelectors,
      'serviceAllocation.serviceSelectors',
      `invalid service label selector in ip pool "${pool}"`,
      report,
    ),
  };
};
