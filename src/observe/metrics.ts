import { readdirSync } from 'node:fs';
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import PromCounter from 'prom-client/lib/counter.js';
import PromGauge from 'prom-client/lib/gauge.js';
import PromHistogram from 'prom-client/lib/histogram.js';
import PromRegistry from 'prom-client/lib/registry.js';

export type { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Makes metrics that one registry serves. A name may be used once. */
export type Metrics = {
  readonly registry: Registry;
  /** A counter without labels is served as 0 from the start. */
  readonly counter: <Label extends string = never>(
    name: string,
    help: string,
    labels?: readonly Label[],
  ) => Counter<Label>;
  readonly gauge: <Label extends string = never>(name: string, help: string, labels?: readonly Label[]) => Gauge<Label>;
  /** `buckets`: upper bounds, in the unit the name says. */
  readonly histogram: (name: string, help: string, buckets: readonly number[]) => Histogram;
  /** A gauge that is read when somebody asks. */
  readonly reading: (name: string, help: string, read: () => number) => void;
};

/** Makes metrics in an empty registry of their own, not in the one that prom-client keeps for the process. */
export const createMetrics = (): Metrics => {
  const registry = new PromRegistry();
  const registers = [registry];
  return {
    registry,
    counter: (name, help, labels = []) => new PromCounter({ name, help, labelNames: labels, registers }),
    gauge: (name, help, labels = []) => new PromGauge({ name, help, labelNames: labels, registers }),
    histogram: (name, help, buckets) => new PromHistogram({ name, help, buckets: [...buckets], registers }),
    reading: (name, help, read) => {
      // prom-client calls `collect` on each scrape.
      const metric: Gauge = new PromGauge({ name, help, registers, collect: () => metric.set(read()) });
    },
  };
};

/** What both programs tell about their talk with Kubernetes, under MetalLB's names. */
export type KubernetesClientMetrics = {
  readonly updates: Counter;
  readonly updateErrors: Counter;
  readonly configLoaded: Gauge;
  readonly configStale: Gauge;
};

/** Makes those metrics in the registry; once for each, since names may not repeat. */
export const kubernetesClientMetrics = ({ counter, gauge }: Metrics): KubernetesClientMetrics => ({
  updates: counter('metallb_k8s_client_updates_total', 'Number of k8s object updates that have been processed.'),
  updateErrors: counter('metallb_k8s_client_update_errors_total', 'Number of k8s object updates that failed.'),
  configLoaded: gauge(
    'metallb_k8s_client_config_loaded_bool',
    '1 if the MetalLB configuration was successfully loaded at least once.',
  ),
  configStale: gauge(
    'metallb_k8s_client_config_stale_bool',
    '1 if running on a stale configuration, because the latest config failed to load.',
  ),
});

/** The process metrics that every Prometheus client serves; read when they are asked for, nothing runs in between. */
export const processMetrics = ({ registry, reading: read }: Metrics): void => {
  const startedAt = Date.now() / 1000 - process.uptime();
  let counted = 0;
  const cpu: Counter = new PromCounter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers: [registry],
    collect: () => {
      const { user, system } = process.cpuUsage();
      const total = (user + system) / 1e6;
      cpu.inc(total - counted);
      counted = total;
    },
  });
  read('process_start_time_seconds', 'Start time of the process since unix epoch in seconds.', () => startedAt);
  read('process_resident_memory_bytes', 'Resident memory size in bytes.', () => process.memoryUsage.rss());
  read('process_open_fds', 'Number of open file descriptors.', () => readdirSync('/proc/self/fd').length);
};
