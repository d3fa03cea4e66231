import type { AllocationView } from '../src/domain/allocator/allocator.ts';
import { type HttpRoutes, metricsRoutes } from '../src/observe/http-server.ts';
import {
  createMetrics,
  type Gauge,
  type KubernetesClientMetrics,
  kubernetesClientMetrics,
  processMetrics,
} from '../src/observe/metrics.ts';

export type ControllerMetrics = KubernetesClientMetrics & {
  /** `/metrics`; the pools are counted when somebody asks. */
  readonly routes: (pools: () => Iterable<string>, allocations: Pick<AllocationView, 'usageOf'>) => HttpRoutes;
};

/** All metrics of the controller, under MetalLB's names. */
export const controllerMetrics = (): ControllerMetrics => {
  const metrics = createMetrics();
  processMetrics(metrics);
  const client = kubernetesClientMetrics(metrics);
  const gauge = (name: string, help: string): Gauge<'pool'> =>
    metrics.gauge(`metallb_allocator_${name}`, help, ['pool'] as const);
  const gauges = {
    total: gauge('addresses_total', 'Number of usable IP addresses, per pool.'),
    inUse: gauge('addresses_in_use_total', 'Number of IP addresses in use, per pool.'),
    ipv4Total: gauge('ipv4_addresses_total', 'Number of usable IPv4 addresses, per pool.'),
    ipv4InUse: gauge('ipv4_addresses_in_use_total', 'Number of IPv4 addresses in use, per pool.'),
    ipv6Total: gauge('ipv6_addresses_total', 'Number of usable IPv6 addresses, per pool.'),
    ipv6InUse: gauge('ipv6_addresses_in_use_total', 'Number of IPv6 addresses in use, per pool.'),
  };
  const served = metricsRoutes(metrics.registry);
  return {
    ...client,
    routes: (pools, allocations) =>
      mapRoutes(served, () => {
        // The series of a pool that is gone go with it.
        for (const each of Object.values(gauges)) each.reset();
        for (const pool of pools()) {
          const usage = allocations.usageOf(pool);
          if (usage === undefined) continue;
          const { IPv4, IPv6 } = usage;
          gauges.total.set({ pool }, Number(IPv4.capacity + IPv6.capacity));
          gauges.inUse.set({ pool }, Number(IPv4.assigned + IPv6.assigned));
          gauges.ipv4Total.set({ pool }, Number(IPv4.capacity));
          gauges.ipv4InUse.set({ pool }, Number(IPv4.assigned));
          gauges.ipv6Total.set({ pool }, Number(IPv6.capacity));
          gauges.ipv6InUse.set({ pool }, Number(IPv6.assigned));
        }
      }),
  };
};

/** Does something before each answer. */
const mapRoutes = (routes: HttpRoutes, before: () => void): HttpRoutes =>
  Object.fromEntries(
    Object.entries(routes).map(([path, answer]) => [
      path,
      () => {
        before();
        return answer();
      },
    ]),
  );
