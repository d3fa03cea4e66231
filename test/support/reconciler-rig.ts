import { Allocator } from '../../src/domain/allocator/allocator.ts';
import type { Configuration, Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { withStatus } from '../../src/domain/service/desired-status.ts';
import { ServiceReconciler } from '../../controller/term/service-reconciler.ts';
import { configurationOf, serviceView } from './builders.ts';
import { fakeClock } from './fake-clock.ts';
import { everyPool } from './plan-rig.ts';

/** Pools that are all announced. */
export const configuration = (...pools: readonly Pool[]): Configuration => configurationOf(pools, [everyPool]);

/** A reconciler and an API server that keeps services; writes happen when the test says so. */
export const reconcilerRig = ({ reassignOnPoolChange = false, lbClass = '' } = {}) => {
  const clock = fakeClock();
  const server = new Map<string, ServiceView>();
  const requested = new Set<string>();
  const told: string[] = [];
  const planned: string[] = [];
  let version = 100;
  let writes = 0;
  const start = (pools: Configuration): ServiceReconciler => {
    const reconciler = new ServiceReconciler(
      {
        clock,
        requestWrite: (service) => requested.add(service),
        tell: ({ name }, { reason }) => told.push(`${name} ${reason}`),
        onPlanned: ({ name }) => planned.push(name),
        onUsageChanged: () => {},
      },
      new Allocator(),
      { lbClass, metallbNamespace: 'metallb-system', reassignOnPoolChange },
    );
    reconciler.start(server.values(), pools);
    return reconciler;
  };
  const store = (view: ServiceView): ServiceView => {
    const stored = { ...view, resourceVersion: `${++version}` };
    server.set(view.key, stored);
    return stored;
  };
  return {
    clock,
    server,
    told,
    planned,
    start,
    store,
    writes: () => writes,
    create: (name: string, more: Partial<ServiceView> = {}): ServiceView =>
      store(
        serviceView({
          name,
          uid: `uid-${++version}`,
          createdAt: `2026-01-01T00:00:${String(version % 60).padStart(2, '0')}Z`,
          ...more,
        }),
      ),
    /** Performs what was asked to be written; the answers come at once unless `answer` is false. */
    write: (reconciler: ServiceReconciler, answer = true): void => {
      for (const key of requested) {
        requested.delete(key);
        const pending = reconciler.pendingWrite(key);
        const current = server.get(key);
        if (pending === undefined || current?.resourceVersion !== pending.service.resourceVersion) continue;
        writes++;
        const stored = store(withStatus(current, pending.status));
        if (answer) reconciler.confirm(stored);
      }
    },
    /** Status and reason of the condition. */
    condition: (name: string): string | undefined => {
      const [found] = server.get(`default/${name}`)?.conditions ?? [];
      return found && `${found.status} ${found.reason}`;
    },
    address: (name: string): string | undefined => server.get(`default/${name}`)?.ingress[0]?.ip,
  };
};
