import type { Configuration, L2Advertisement } from './configuration.ts';

/**
 * The advertisements of the pool of that name. Of a pool that is gone the labels are not known: then they are those
 * that name it, or cover every pool.
 */
export const advertisementsOf = (
  { pools, l2Advertisements }: Pick<Configuration, 'pools' | 'l2Advertisements'>,
  poolName: string,
): readonly L2Advertisement[] =>
  pools.find(({ name }) => name === poolName)?.l2Advertisements ??
  l2Advertisements
    .filter(({ poolNames }) => poolNames?.has(poolName) ?? true)
    .map(({ advertisement }) => advertisement);
