import type { ObjectKey, ServiceCondition, ServiceView } from '../../src/domain/objects.ts';
import { announced, type L2StatusView, noSpeaker } from '../../src/domain/service/announced.ts';
import { allocatedCondition, announcedCondition, conditionOf } from '../../src/domain/service/desired-status.ts';
import { type Api, isConflict, isNotFound } from '../../src/k8s/client/api.ts';
import { projectService } from '../../src/k8s/projections.ts';
import { objectPath, resources } from '../../src/k8s/resources.ts';
import type { WorkOutcome } from '../../src/k8s/work-queue.ts';
import { type Clock, millis, type Millis, seconds, type WallTime } from '../../src/lib/time.ts';
import { conditionPatch } from './condition-patch.ts';
import type { ServiceReconciler } from './service-reconciler.ts';

export type AnnouncedWriterOptions = {
  readonly api: Pick<Api, 'request'>;
  readonly clock: Pick<Clock, 'now'>;
  /** For the time of a condition. */
  readonly wallTime: () => WallTime;
  readonly reconciler: Pick<ServiceReconciler, 'viewOf' | 'confirm'>;
  /** What speakers say of a service; undefined before it is known. */
  readonly statusesOf: (service: ObjectKey) => Iterable<L2StatusView> | undefined;
};

/** Keeps the condition `metallb.io/Announced` of services in step with what the speakers say. */
export type AnnouncedWriter = {
  /** The work of a queue: writes the condition of one service if it differs. */
  readonly work: (service: ObjectKey) => Promise<WorkOutcome>;
  /** The service is gone. */
  readonly forget: (service: ObjectKey) => void;
};

/**
 * A new owner is elected, probes, and replaces what the one before it said: in between nobody says anything, which is to
 * be told only when it lasts.
 */
const silencePatience = seconds(10);

/** Between two writes of one and the same text: somebody else may keep changing it back. */
const leastPause = seconds(5);

/** What is written for a service: undefined stands for no condition. */
type Wish = { readonly condition: ServiceCondition | undefined };

/** Makes the writer. A service without an address of ours has no such condition. */
export const announcedWriter = ({
  api,
  clock,
  wallTime,
  reconciler,
  statusesOf,
}: AnnouncedWriterOptions): AnnouncedWriter => {
  /** Since when no speaker has said anything of a service that has an address. */
  const silentSince = new Map<ObjectKey, Millis>();
  const written = new Map<ObjectKey, { readonly text: string; readonly at: Millis }>();

  const wishFor = (service: ServiceView): Wish | { readonly wait: Millis } => {
    const isAllocated = conditionOf(service, allocatedCondition)?.status === 'True' && service.ingress.length > 0;
    const statuses = statusesOf(service.key);
    const condition = isAllocated && statuses !== undefined ? announced(statuses) : undefined;
    if (!isAllocated || condition !== undefined) {
      silentSince.delete(service.key);
      return { condition };
    }
    if (statuses === undefined) return { condition: conditionOf(service, announcedCondition) };
    const since = silentSince.get(service.key) ?? clock.now();
    silentSince.set(service.key, since);
    const rest = since + silencePatience - clock.now();
    return rest > 0 ? { wait: millis(rest) } : { condition: noSpeaker };
  };

  /** How long the same text must still wait. */
  const holdBack = (service: ObjectKey, text: string): number => {
    const last = written.get(service);
    const wait = last?.text === text ? last.at + leastPause - clock.now() : 0;
    if (wait <= 0) written.set(service, { text, at: clock.now() });
    return wait;
  };

  const write = async (service: ServiceView, { condition }: Wish): Promise<void> => {
    const { uid, resourceVersion, namespace, name } = service;
    const answer = await api.request({
      method: 'PATCH',
      path: objectPath(resources.services, namespace, name, 'status'),
      contentType: 'application/strategic-merge-patch+json',
      body: {
        metadata: { uid, resourceVersion },
        status: {
          conditions: [
            condition === undefined
              ? { $patch: 'delete', type: announcedCondition }
              : conditionPatch(service, condition, wallTime()),
          ],
        },
      },
    });
    const view = projectService(answer);
    if (view !== undefined) reconciler.confirm(view);
  };

  return {
    work: async (key) => {
      const service = reconciler.viewOf(key);
      if (service === undefined) return { type: 'done' };
      const wish = wishFor(service);
      if ('wait' in wish) return { type: 'retryAfter', delay: wish.wait };
      const before = conditionOf(service, announcedCondition);
      if (isSame(before, wish.condition)) return { type: 'done' };
      const wait = holdBack(key, JSON.stringify(wish));
      if (wait > 0) return { type: 'retryAfter', delay: millis(wait) };
      try {
        await write(service, wish);
      } catch (error) {
        written.delete(key);
        if (isNotFound(error)) return { type: 'done' };
        // The newer state is here already: look again.
        if (isConflict(error) && reconciler.viewOf(key) !== service) return { type: 'retryAfter', delay: millis(0) };
        throw error;
      }
      return { type: 'done' };
    },
    forget: (service) => {
      silentSince.delete(service);
      written.delete(service);
    },
  };
};

const isSame = (a: ServiceCondition | undefined, b: ServiceCondition | undefined): boolean =>
  a?.status === b?.status && a?.reason === b?.reason && a?.message === b?.message;
