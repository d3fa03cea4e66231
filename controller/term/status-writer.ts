import { annotationKeys, type ObjectKey, type ServiceView } from '../../src/domain/objects.ts';
import {
  allocatedCondition,
  announcedCondition,
  conditionOf,
  type DesiredStatus,
  isAnnotationWritten,
  isConditionWritten,
  isIngressWritten,
} from '../../src/domain/service/desired-status.ts';
import { type Api, type ApiRequest, isConflict, isNotFound } from '../../src/k8s/client/api.ts';
import { projectService } from '../../src/k8s/projections.ts';
import { objectPath, resources } from '../../src/k8s/resources.ts';
import type { WorkOutcome } from '../../src/k8s/work-queue.ts';
import { type Clock, millis, type WallTime } from '../../src/lib/time.ts';
import { repetitionBrake } from '../repetition-brake.ts';
import { conditionPatch } from './condition-patch.ts';
import type { PendingWrite, ServiceReconciler } from './service-reconciler.ts';

export type StatusWriterOptions = {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'now'>;
  /** For the time of a condition. */
  readonly wallTime: () => WallTime;
  readonly reconciler: Pick<ServiceReconciler, 'pendingWrite' | 'confirm'>;
  /** Somebody else keeps changing this status back; told once, until there was peace for a while. */
  readonly onQuarrel: (service: ServiceView) => void;
};

/** A state that changes under each of our writes is let come to rest for this long. */
const unrestDelay = millis(100);

/**
 * The work of the status queue: writes what the reconciler wants to stand in one service. Rejects with what the API
 * server said, to be tried again; a service that is gone needs no status. A new wish is written at once, quarrel or not.
 */
export const statusWriter = ({
  api,
  clock,
  wallTime,
  reconciler,
  onQuarrel,
}: StatusWriterOptions): ((service: ObjectKey) => Promise<WorkOutcome>) => {
  const brake = repetitionBrake(clock);
  return async (service) => {
    for (let round = 0; round < 3; round++) {
      const pending = reconciler.pendingWrite(service);
      if (pending === undefined) return { type: 'done' };
      const write = { object: service, content: JSON.stringify([pending.service.uid, pending.status]) };
      const { wait, quarrels } = brake.begin([write]);
      if (quarrels.length > 0) onQuarrel(pending.service);
      if (wait > 0) return { type: 'retryAfter', delay: wait };
      try {
        const answer = projectService(await api.request(statusPatch(pending, wallTime())));
        brake.count([write]);
        if (answer !== undefined) reconciler.confirm(answer);
      } catch (error) {
        if (isNotFound(error)) return { type: 'done' };
        // The newer state is here already: write again from that.
        if (isConflict(error) && reconciler.pendingWrite(service)?.service !== pending.service) continue;
        throw error;
      }
    }
    return { type: 'retryAfter', delay: unrestDelay };
  };
};

/**
 * One call for status, condition and annotation: the status subresource takes all three. It names what differs, so that
 * the rest stays as others wrote it.
 */
export const statusPatch = ({ service, status }: PendingWrite, wallTime: WallTime): ApiRequest => {
  const { ingress, allocatedFrom } = status;
  const [allocatedFromKey] = annotationKeys.allocatedFromPool;
  return {
    method: 'PATCH',
    path: objectPath(resources.services, service.namespace, service.name, 'status'),
    contentType: 'application/strategic-merge-patch+json',
    body: {
      metadata: {
        uid: service.uid,
        resourceVersion: service.resourceVersion,
        ...(!isAnnotationWritten(service, status) && { annotations: { [allocatedFromKey]: allocatedFrom ?? null } }),
      },
      status: {
        ...(ingress !== undefined &&
          !isIngressWritten(service, status) && {
            loadBalancer: { ingress: ingress.length === 0 ? null : ingress.map((ip) => ({ ip })) },
          }),
        ...(!isConditionWritten(service, status) && { conditions: conditionsPatch(service, status, wallTime) }),
      },
    },
  };
};

const conditionsPatch = (service: ServiceView, { condition }: DesiredStatus, wallTime: WallTime): readonly object[] => {
  if (condition !== undefined) return [conditionPatch(service, condition, wallTime)];
  return [allocatedCondition, announcedCondition]
    .filter((type) => conditionOf(service, type) !== undefined)
    .map((type) => ({ $patch: 'delete', type }));
};
