import { expect, test } from 'vitest';
import { gatewaysIn } from './proc-net.ts';

const routes = [
  'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT',
  'eth0\t00000000\t010012C6\t0003\t0\t0\t0\t00000000\t0\t0\t0',
  'eth0\t000012C6\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0',
  'eth0\t0000000A\t010012C6\t0003\t0\t0\t0\t000000FF\t0\t0\t0',
  'eth0\t0000000B\tFE0012C6\t0007\t0\t0\t0\t000000FF\t0\t0\t0',
  'eth0\t0000000C\tFD0012C6\t0002\t0\t0\t0\t000000FF\t0\t0\t0',
  'eth1\t00000000\t010113C6\t0003\t0\t0\t100\t00000000\t0\t0\t0',
  '',
].join('\n');

test('the routers of an interface are those of its routes that are usable, each once', () => {
  expect(gatewaysIn(routes, 'eth0')).toEqual(['198.18.0.1', '198.18.0.254']);
  expect(gatewaysIn(routes, 'eth1')).toEqual(['198.19.1.1']);
  expect(gatewaysIn('', 'eth1')).toEqual([]);
});
