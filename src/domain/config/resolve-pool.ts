import type { RangeMap } from '../../lib/range-map.ts';
import type { ServiceAllocation } from './configuration.ts';
import type { Report } from './custom-resource.ts';
import type { NamespaceIndex } from './namespace-index.ts';
import type { AddressEntry, AllocationReading, PoolReading } from './read-pool.ts';

/** Whose a range is: the entry of `spec.addresses` and its pool. */
export type RangeOwner = { readonly pool: string; readonly entry: string };

/** The entries that the pool may have: one that overlaps with what is in `taken` is reported, the others are added to it. */
export const takeEntries = (
  { name, entries }: PoolReading,
  taken: RangeMap<RangeOwner>,
  report: Report,
): readonly AddressEntry[] =>
  entries.filter(({ text, field, range }) => {
    const owner = taken.add(range, { pool: name, entry: text });
    if (owner === undefined) return true;
    const other = `CIDR "${owner.entry}"${owner.pool === name ? '' : ` in pool "${owner.pool}"`}`;
    report(
      'OverlappingAddresses',
      field,
      `CIDR "${text}" in pool "${name}" overlaps with already defined ${other}`,
      'the entry is left out',
    );
    return false;
  });

/** Whom the pool is for, in the namespaces there are. */
export const resolveAllocation = (
  { priority, isForEveryNamespace, names, namespaceSelectors, serviceSelectors }: AllocationReading,
  namespaces: NamespaceIndex,
): ServiceAllocation => {
  const selected = namespaceSelectors.map((selector) => namespaces.select(selector));
  const [only] = selected;
  // Most pools have one selector and no names, and share its namespaces with all that have the same one.
  const isOnlyOne = only !== undefined && selected.length === 1 && names.size === 0;
  const chosen = isOnlyOne ? only : selected.reduce((all, more) => all.union(more), names);
  return {
    priority,
    // MetalLB takes selectors that match no namespace for no restriction at all, so that anybody may ask for an address
    // of a pool that is meant for a few. Here such a pool is nobody's until a namespace has the labels.
    namespaces: isForEveryNamespace ? undefined : chosen,
    serviceSelectors,
  };
};
