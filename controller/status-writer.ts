import { annotationKeys, type ObjectKey, type ServiceView } from '../src/domain/objects.ts';
import type { DesiredStatus } from '../src/domain/service/plan.ts';
import { type Api, type ApiRequest, isConflict, isNotFound } from '../src/k8s/api.ts';
import { projectService } from '../src/k8s/projections.ts';
import { objectPath, resources } from '../src/k8s/resources.ts';
import type { WorkOutcome } from '../src/k8s/work-queue.ts';
import { seconds } from '../src/lib/time.ts';
import type { ServiceReconciler } from './service-reconciler.ts';

/** What somebody who keeps changing our status back is let do before we write again. */
const quarrelDelay = seconds(5);

/**
 * The work of the status queue: writes what the reconciler wants to stand in one service. Rejects with what the API
 * server said, to be tried again; a service that is gone needs no status.
 */
export const statusWriter =
  (api: Pick<Api, 'request'>, reconciler: Pick<ServiceReconciler, 'pendingWrite' | 'confirm'>) =>
  async (service: ObjectKey): Promise<WorkOutcome> => {
    for (let round = 0; round < 3; round++) {
      const pending = reconciler.pendingWrite(service);
      if (pending === undefined) return { type: 'done' };
      try {
        const answer = projectService(await api.request(statusPatch(pending.service, pending.status)));
        if (answer !== undefined) reconciler.confirm(answer);
      } catch (error) {
        if (isNotFound(error)) return { type: 'done' };
        // The newer state is here already: write again from that.
        if (isConflict(error) && reconciler.pendingWrite(service)?.service !== pending.service) continue;
        throw error;
      }
    }
    return { type: 'retryAfter', delay: quarrelDelay };
  };

/** One call for status and annotation: the status subresource takes both. */
export const statusPatch = (service: ServiceView, status: DesiredStatus): ApiRequest => {
  const [allocatedFromKey] = annotationKeys.allocatedFromPool;
  return {
    method: 'PATCH',
    path: objectPath(resources.services, service.namespace, service.name, 'status'),
    body: {
      metadata: {
        uid: service.uid,
        resourceVersion: service.resourceVersion,
        annotations: { [allocatedFromKey]: status.allocatedFrom ?? null },
      },
      status: {
        loadBalancer: { ingress: status.ingress.length === 0 ? null : status.ingress.map((ip) => ({ ip })) },
      },
    },
  };
};
