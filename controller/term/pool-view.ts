import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import { projectCustomResource } from '../../src/k8s/custom-resource.ts';
import { object } from '../../src/lib/json.ts';
import type { WrittenCounters } from './pool-status-writer.ts';

/** What we keep of an `IPAddressPool`: the object, and the counters that stand in its status. */
export type PoolView = { readonly resource: CustomResource; readonly counters: WrittenCounters | undefined };

/** From a raw `IPAddressPool`. */
export const projectPool = (raw: unknown): PoolView | undefined => {
  const resource = projectCustomResource(raw);
  return resource && { resource, counters: projectCounters(object(raw)['status']) };
};

const projectCounters = (status: unknown): WrittenCounters | undefined => {
  const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = object(status);
  return typeof assignedIPv4 === 'number' &&
    typeof assignedIPv6 === 'number' &&
    typeof availableIPv4 === 'number' &&
    typeof availableIPv6 === 'number'
    ? { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 }
    : undefined;
};
