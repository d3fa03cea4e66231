import type { Ip } from '../../lib/ip.ts';
import type { Allocation } from '../allocator/allocator.ts';
import type { ServiceCondition } from '../objects.ts';
import { allocatedCondition } from './desired-status.ts';
import { describeOutside } from './events.ts';
import type { PlanContext } from './plan-context.ts';
import type { Refusal } from './pool-choice.ts';
import { quote, quoteList } from './text.ts';
import type { Unclear } from './wish.ts';

/** What stands in the way of a service that has not all it asks for. */
export type Obstacle = Unclear | Refusal;

/** The reasons of the condition `metallb.io/Allocated`; docs/conditions.md says what to do about each. */
export type AllocatedReason =
  | 'Allocated'
  | 'AllocatedOutsidePools'
  | 'AllocatedPartly'
  | Unclear['reason']
  | Refusal['reason'];

/**
 * The condition of a service: True if it has an address. It says nothing that changes by itself, such as how many
 * addresses are left, so that it is written anew only when something is to be told.
 */
export const allocated = (
  allocation: Allocation | undefined,
  obstacle: Obstacle | undefined,
  context: PlanContext,
): ServiceCondition => {
  const why = obstacle === undefined ? [] : ['lasting' in obstacle ? obstacle.lasting : obstacle.message];
  if (allocation === undefined) return condition('False', obstacle?.reason ?? 'AllocationFailed', why);
  const { ips, pool } = allocation;
  const outside = ips.filter((ip) => context.allocations.poolOf(ip) === undefined);
  return condition('True', reasonOf(outside, obstacle), [
    `IP ${quoteList(ips)}${pool === undefined ? '' : ` from pool ${quote(pool)}`}`,
    ...outside.map((ip) => describeOutside(ip, pool)),
    ...why,
  ]);
};

const reasonOf = (outside: readonly Ip[], obstacle: Obstacle | undefined): AllocatedReason => {
  if (obstacle !== undefined) return 'lasting' in obstacle ? 'AllocatedPartly' : obstacle.reason;
  return outside.length > 0 ? 'AllocatedOutsidePools' : 'Allocated';
};

const condition = (
  status: ServiceCondition['status'],
  reason: AllocatedReason,
  sentences: readonly string[],
): ServiceCondition => ({ type: allocatedCondition, status, reason, message: sentences.join('; ') });
