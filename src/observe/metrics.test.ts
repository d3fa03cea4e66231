import { expect, test } from 'vitest';
import { createMetrics, kubernetesClientMetrics, processMetrics } from './metrics.ts';

test("what we tell about Kubernetes has MetalLB's names, and is there from the start", async () => {
  const metrics = createMetrics();
  const { updates, configLoaded } = kubernetesClientMetrics(metrics);
  updates.inc();
  configLoaded.set(1);
  const text = await metrics.registry.metrics();
  expect(text.split('\n').filter((line) => line.startsWith('metallb_'))).toEqual([
    'metallb_k8s_client_updates_total 1',
    'metallb_k8s_client_update_errors_total 0',
    'metallb_k8s_client_config_loaded_bool 1',
    'metallb_k8s_client_config_stale_bool 0',
  ]);
});

test('labels', async () => {
  const { registry, gauge } = createMetrics();
  gauge('a', 'help', ['pool']).set({ pool: 'lan' }, 3);
  const text = await registry.metrics();
  expect(text).toContain('a{pool="lan"} 3\n');
});

test('a name may be used once', () => {
  const { gauge } = createMetrics();
  gauge('a', 'help');
  expect(() => gauge('a', 'help')).toThrow('a');
});

test('the process tells of itself on each scrape', async () => {
  const metrics = createMetrics();
  processMetrics(metrics);
  const scrape = async (): Promise<Record<string, number>> =>
    Object.fromEntries(
      (await metrics.registry.metrics())
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]),
    ) as Record<string, number>;
  const first = await scrape();
  expect(Object.keys(first).sort()).toEqual([
    'process_cpu_seconds_total',
    'process_open_fds',
    'process_resident_memory_bytes',
    'process_start_time_seconds',
  ]);
  for (let i = 0, end = process.cpuUsage().user + 20_000; process.cpuUsage().user < end; i++) Math.sqrt(i);
  const second = await scrape();
  expect(second['process_cpu_seconds_total']).toBeGreaterThan(first['process_cpu_seconds_total'] ?? Infinity);
  const { user, system } = process.cpuUsage();
  expect(second['process_cpu_seconds_total']).toBeLessThanOrEqual((user + system) / 1e6);
  expect(second['process_start_time_seconds']).toBe(first['process_start_time_seconds']);
  expect(second['process_resident_memory_bytes']).toBeGreaterThan(2 ** 24);
});
