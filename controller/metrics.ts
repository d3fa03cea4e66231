import type { AllocationView } from '../src/domain/allocator/allocator.ts';
import { type HttpRoutes, metricsRoutes } from '../src/observe/http/http-server.ts';
import {
  type Counter,
  createMetrics,
  type Gauge,
  type Histogram,
  type KubernetesClientMetrics,
  kubernetesClientMetrics,
  processMetrics,
} from '../src/observe/metrics.ts';

export type ControllerMetrics = KubernetesClientMetrics & {
  /** How long a piece of work of a queue took, the calls to the API server included; seconds. */
  readonly reconcileDuration: Histogram;
  /** From the first sight of a service without an address until one stands in its status; seconds. */
  readonly addressDuration: Histogram;
  readonly apiWrites: Counter<'resource' | 'code'>;
  /** Read when somebody asks: keys that want work, and whether this replica leads. */
  readonly read: (sources: { readonly queueDepth: () => number; readonly isLeader: () => boolean }) => void;
  /** `/metrics`; the pools are counted when somebody asks. */
  readonly routes: (pools: () => Iterable<string>, allocations: Pick<AllocationView, 'usageOf'>) => HttpRoutes;
};

const millisecondsToMinutes = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** All metrics of the controller: MetalLB's under their names, ours beside them. */
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
    reconcileDuration: metrics.histogram(
      'metallb_controller_reconcile_duration_seconds',
      'Time one piece of work took, with its calls to the API server.',
      millisecondsToMinutes,
    ),
    addressDuration: metrics.histogram(
      'metallb_controller_address_duration_seconds',
      'Time from the first sight of a service without an address until its status has one.',
      millisecondsToMinutes,
    ),
    apiWrites: metrics.counter(
      'metallb_controller_api_writes_total',
      'Calls that wrote to the API server, by resource and HTTP status (none: no answer).',
      ['resource', 'code'] as const,
    ),
    read: ({ queueDepth, isLeader }) => {
      metrics.reading(
        'metallb_controller_queue_depth',
        'Number of objects that wait to be written or are being written.',
        queueDepth,
      );
      metrics.reading('metallb_controller_leader_bool', '1 if this replica is the one that works.', () =>
        isLeader() ? 1 : 0,
      );
    },
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
