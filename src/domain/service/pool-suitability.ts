import { formatRange } from '../../lib/address-range.ts';
import type { Pool, ServiceAllocation } from '../config/configuration.ts';
import type { ServiceView } from '../objects.ts';
import { joinBounded, quote } from './text.ts';

/** Why a pool is not for a service. */
export type Mismatch = 'otherNamespace' | 'otherServices' | 'autoAssignOff';

/** Why the pool may give the service nothing, whoever asks for it. */
export const mismatch = (service: ServiceView, { serviceAllocation }: Pool): Mismatch | undefined => {
  if (serviceAllocation === undefined) return undefined;
  const { namespaces, serviceSelectors } = serviceAllocation;
  if (namespaces !== undefined && !namespaces.has(service.namespace)) return 'otherNamespace';
  const isSelected = serviceSelectors.length === 0 || serviceSelectors.some((matches) => matches(service.labels));
  return isSelected ? undefined : 'otherServices';
};

/** Why the pool gives the service nothing unasked. */
export const automaticMismatch = (service: ServiceView, pool: Pool): Mismatch | undefined =>
  mismatch(service, pool) ?? (pool.autoAssign ? undefined : 'autoAssignOff');

/** Follows the name of the pool in a sentence. */
export const explain = (mismatch: Mismatch, service: ServiceView): string =>
  ({
    otherNamespace: `is not for namespace ${quote(service.namespace)}`,
    otherServices: 'is not for services with these labels',
    autoAssignOff: 'has autoAssign off',
  })[mismatch];

/** MetalLB's words for a pool that is not for the service. */
export const notCompatible = (pool: Pool, mismatch: Mismatch, service: ServiceView): string =>
  `pool ${pool.name} not compatible for ip assignment: it ${explain(mismatch, service)}`;

/**
 * The pools that may serve a service unasked, in the order in which they are tried: first the pinned ones by priority,
 * then the others; equals by name.
 */
export const candidates = (service: ServiceView, pools: readonly Pool[]): readonly (readonly Pool[])[] => {
  const open = pools.filter((pool) => automaticMismatch(service, pool) === undefined);
  const rank = ({ priority }: ServiceAllocation): number => (priority === 0 ? Number.POSITIVE_INFINITY : priority);
  const pinned = open.flatMap((pool) =>
    pool.serviceAllocation === undefined ? [] : [{ pool, rank: rank(pool.serviceAllocation) }],
  );
  return [
    pinned.sort((a, b) => (a.rank === b.rank ? 0 : a.rank - b.rank)).map(({ pool }) => pool),
    open.filter((pool) => pool.serviceAllocation === undefined),
  ];
};

/** The pools there are, with some of their ranges. */
export const describePools = (pools: readonly Pool[]): string => {
  if (pools.length === 0) return 'there is no valid IPAddressPool';
  const described = pools.map(
    ({ name, ranges }) => `${quote(name)} (${joinBounded(ranges.slice(0, 4).map(formatRange), ', ')})`,
  );
  return `the pools are ${joinBounded(described, ', ')}`;
};
