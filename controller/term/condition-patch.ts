import type { ServiceCondition, ServiceView } from '../../src/domain/objects.ts';
import { conditionOf } from '../../src/domain/service/desired-status.ts';
import { timestamp } from '../../src/k8s/timestamp.ts';
import type { WallTime } from '../../src/lib/time.ts';

/**
 * An entry of `status.conditions` for a strategic merge patch, which leaves the conditions of other types alone. The time
 * is left out, and so kept, unless the status changes.
 */
export const conditionPatch = (service: ServiceView, condition: ServiceCondition, wallTime: WallTime): object =>
  conditionOf(service, condition.type)?.status === condition.status
    ? condition
    : { ...condition, lastTransitionTime: timestamp(wallTime) };
