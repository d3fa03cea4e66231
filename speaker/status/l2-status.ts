import type { ObjectKey, ServiceCondition } from '../../src/domain/objects.ts';
import type { L2StatusView } from '../../src/domain/service/announced.ts';
import { announcedCondition } from '../../src/domain/service/desired-status.ts';
import { timestamp } from '../../src/k8s/timestamp.ts';
import type { WallTime } from '../../src/lib/time.ts';

/** What this node says of a service. */
export type L2StatusWish = {
  /** Of the service. */
  readonly namespace: string;
  readonly name: string;
  /** This node, if it announces the service; undefined: it says why none does. */
  readonly node: string | undefined;
  /** Names, sorted; undefined: all of the node. */
  readonly interfaces: readonly string[] | undefined;
  readonly status: ServiceCondition['status'];
  readonly reason: string;
  /** A sentence; `since` is when the status became what it is. */
  readonly message: (since: string) => string;
};

/**
 * Name of the object that speaks of a service: the same on every node, so that there is one, whoever is the owner. A
 * namespace has no dot, so that no two services have one name.
 */
export const l2StatusName = (service: ObjectKey): string => `l2-${service.replace('/', '.')}`;

/** Whether the object says already what it should. */
export const says = (
  { node, interfaces, condition }: Pick<L2StatusView, 'node' | 'interfaces' | 'condition'>,
  wish: L2StatusWish,
): boolean =>
  condition !== undefined &&
  node === wish.node &&
  (interfaces ?? []).join() === (wish.interfaces ?? []).join() &&
  condition.status === wish.status &&
  condition.reason === wish.reason &&
  condition.message === wish.message(condition.since);

/** The status of the object, for a merge patch. The time stays as long as node and status do. */
export const l2StatusBody = (
  standing: Pick<L2StatusView, 'node' | 'condition'>,
  wish: L2StatusWish,
  now: WallTime,
): object => {
  const { node, interfaces, name: serviceName, namespace: serviceNamespace, status, reason, message } = wish;
  const isSame = standing.condition?.status === status && standing.node === node;
  const lastTransitionTime = (isSame && standing.condition?.since) || timestamp(now);
  return {
    node: node ?? null,
    serviceName,
    serviceNamespace,
    interfaces: interfaces?.map((each) => ({ name: each })) ?? null,
    conditions: [
      { type: announcedCondition, status, reason, message: message(lastTransitionTime), lastTransitionTime },
    ],
  };
};
