import { expect, test } from 'vitest';
import { type Ip, ipFromNumber } from '../src/lib/ip.ts';
import type { Mac } from '../src/lib/mac.ts';
import { millis } from '../src/lib/time.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { failoverMetrics } from './failover-metrics.ts';

const ip = '192.0.2.1' as Ip;
const mac = 0x02_00_00_00_00_99 as Mac;

const rig = () => {
  const metrics = createMetrics();
  return {
    ...failoverMetrics(metrics, () => 2),
    /** The samples that are not 0, without the buckets. */
    samples: async (): Promise<readonly string[]> =>
      (await metrics.registry.metrics())
        .split('\n')
        .filter((line) => line.startsWith('metallb') && !line.includes('_bucket') && !line.endsWith(' 0')),
  };
};

test('every series that can be is there from the start, at zero', async () => {
  const metrics = createMetrics();
  failoverMetrics(metrics, () => 0);
  const text = await metrics.registry.metrics();
  for (const how of ['first', 'crash', 'planned', 'orphaned']) {
    expect(text).toContain(`metallb_layer2_takeovers_total{how="${how}"} 0\n`);
  }
  for (const outcome of ['alive', 'dead', 'patience']) {
    expect(text).toContain(`metallb_layer2_suspicions_total{outcome="${outcome}"} 0\n`);
  }
});

test('what the responder reports is counted', async () => {
  const { count, countUnknownKey, samples } = rig();
  count({ type: 'owning', key: ip, how: 'crash', took: millis(200) });
  count({ type: 'owning', key: ip, how: 'first', took: undefined });
  count({ type: 'suspicion', node: 'n2', outcome: 'patience' });
  count({ type: 'beaconsLost', node: 'n2', count: 3 });
  count({ type: 'ended' });
  countUnknownKey();
  expect(await samples()).toEqual([
    'metallb_layer2_takeovers_total{how="first"} 1',
    'metallb_layer2_takeovers_total{how="crash"} 1',
    'metallb_layer2_takeover_duration_seconds_sum 0.2',
    'metallb_layer2_takeover_duration_seconds_count 1',
    'metallb_layer2_suspicions_total{outcome="patience"} 1',
    'metallb_layer2_beacons_lost_total{node="n2"} 3',
    'metallb_layer2_unknown_key_total 1',
    'metallb_layer2_unheard_members 2',
  ]);
});

test('a conflict has a series with the MAC of the other host while it lasts, and there are never too many', async () => {
  const { count, samples } = rig();
  const conflict = (address: Ip, other: Mac | undefined) =>
    count({ type: 'conflict', key: address, ip: address, interface: 2, mac: other, isDefended: true });
  const shown = async () => (await samples()).filter((line) => line.includes('conflict'));
  conflict(ip, mac);
  expect(await shown()).toEqual(['metallb_layer2_address_conflict{ip="192.0.2.1",mac="02:00:00:00:00:99"} 1']);
  conflict(ip, (mac + 1) as Mac);
  expect(await shown()).toEqual(['metallb_layer2_address_conflict{ip="192.0.2.1",mac="02:00:00:00:00:9a"} 1']);
  conflict(ip, undefined);
  expect(await shown()).toEqual([]);
  for (let i = 0n; i < 1000n; i++) conflict(ipFromNumber('IPv4', 0x0a00_0000n + i), mac);
  expect(await shown()).toHaveLength(256);
});
