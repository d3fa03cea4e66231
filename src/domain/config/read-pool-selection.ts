import type { StringMap } from '../objects.ts';
import type { LabelSelector } from '../selector.ts';
import type { Report } from './custom-resource.ts';
import { readNames } from './read-names.ts';
import { readSelectors } from './read-selectors.ts';

/** The pools that an advertisement of either protocol is about. */
export type PoolSelection = {
  /** Those it names, which need not exist; undefined: every pool. */
  readonly poolNames: ReadonlySet<string> | undefined;
  readonly covers: (poolName: string, poolLabels: StringMap) => boolean;
};

/** Reads `spec.ipAddressPools` and `spec.ipAddressPoolSelectors`. */
export const readPoolSelection = (
  spec: {
    readonly ipAddressPools?: readonly string[] | undefined;
    readonly ipAddressPoolSelectors?: readonly LabelSelector[] | undefined;
  },
  report: Report,
): PoolSelection => {
  const { ipAddressPools = [], ipAddressPoolSelectors = [] } = spec;
  const names = readNames(ipAddressPools, 'ipAddressPools', report);
  const selectors = readSelectors(ipAddressPoolSelectors, 'ipAddressPoolSelectors', 'invalid label selector', report);
  const coversAll = ipAddressPools.length + ipAddressPoolSelectors.length === 0;
  return {
    poolNames: coversAll ? undefined : new Set(names.keys()),
    covers: (poolName, poolLabels) =>
      coversAll || names.has(poolName) || selectors.some((matches) => matches(poolLabels)),
  };
};
