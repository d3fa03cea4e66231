import { expect, test } from 'vitest';
import { controllerMetrics } from './metrics.ts';

test('pools are counted when asked, and the series of a pool go with it', async () => {
  let pools = ['a', 'b'];
  const usage = { IPv4: { assigned: 2n, capacity: 6n }, IPv6: { assigned: 1n, capacity: 4n } };
  const routes = controllerMetrics().routes(() => pools, { usageOf: () => usage });
  const series = async (): Promise<string[]> =>
    (await routes['/metrics']!()).body.split('\n').filter((line) => line.startsWith('metallb_allocator_'));
  expect(await series()).toEqual(
    expect.arrayContaining([
      'metallb_allocator_addresses_total{pool="a"} 10',
      'metallb_allocator_addresses_in_use_total{pool="a"} 3',
      'metallb_allocator_ipv4_addresses_in_use_total{pool="b"} 2',
    ]),
  );
  pools = ['a'];
  expect((await series()).filter((line) => line.includes('"b"'))).toEqual([]);
});
