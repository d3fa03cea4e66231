import { givesSameAddresses } from '../allocator/allocator.ts';
import type { Pool, ServiceAllocation } from '../config/configuration.ts';

/** A pool before and after a change of the configuration; undefined: it did not exist, or does no more. */
export type PoolEdit = { readonly before: Pool | undefined; readonly after: Pool | undefined };

/** Whether an edit concerns services that have an address of the pool. */
export const touchesHolders = ({ before, after }: PoolEdit): boolean =>
  before === undefined ||
  after === undefined ||
  !givesSameAddresses(before, after) ||
  isAnnounced(before) !== isAnnounced(after);

/** Whether an edit may help services that lack an address. */
export const touchesSeekers = ({ before, after }: PoolEdit): boolean => {
  if (before === undefined || after === undefined) return true;
  if (before === after) return false;
  if (!givesSameAddresses(before, after) || before.autoAssign !== after.autoAssign) return true;
  return !isForSameServices({ before, after });
};

/** Whether the pool is pinned as before. Selectors cannot be compared, so equal ones count as changed. */
export const isForSameServices = ({ before, after }: PoolEdit): boolean => {
  const [a, b] = [before?.serviceAllocation, after?.serviceAllocation];
  if (a === undefined || b === undefined) return a === b;
  return a.priority === b.priority && hasSameNamespaces(a, b) && hasSameSelectors(a, b);
};

const isAnnounced = ({ l2Advertisements, bgpAdvertisements }: Pool): boolean =>
  l2Advertisements.length + bgpAdvertisements.length > 0;

const hasSameNamespaces = ({ namespaces: a }: ServiceAllocation, { namespaces: b }: ServiceAllocation): boolean =>
  a?.size === b?.size && [...(a ?? [])].every((name) => b?.has(name));

const hasSameSelectors = (
  { serviceSelectors: a }: ServiceAllocation,
  { serviceSelectors: b }: ServiceAllocation,
): boolean => a.length === b.length && a.every((selector, i) => selector === b[i]);
