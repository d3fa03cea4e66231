import { expect, test } from 'vitest';
import type { Ip } from '../src/lib/ip.ts';
import { createMetrics } from '../src/observe/metrics.ts';
import { speakerMetrics } from './metrics.ts';

const ip = '192.0.2.1' as Ip;
const rig = () => {
  const metrics = createMetrics();
  return {
    ...speakerMetrics(metrics, 'n1'),
    samples: async (): Promise<readonly string[]> =>
      (await metrics.registry.metrics()).split('\n').filter((line) => line.startsWith('metallb')),
  };
};

test('an announced address has one series, until it falls silent', async () => {
  const { announced, samples } = rig();
  announced.set('default/web', ip);
  announced.set('default/web', ip);
  expect(await samples()).toEqual([
    'metallb_speaker_announced{service="default/web",protocol="layer2",node="n1",ip="192.0.2.1"} 1',
  ]);
  announced.remove('default/web', ip);
  expect(await samples()).toEqual([]);
});

test('what the responder counts adds up by address', async () => {
  const { announced, count, samples } = rig();
  announced.set('default/web', ip);
  count([{ ip, requests: 3, responses: 2, gratuitous: 0 }]);
  count([{ ip, requests: 1, responses: 1, gratuitous: 2 }]);
  expect(await samples()).toEqual([
    'metallb_speaker_announced{service="default/web",protocol="layer2",node="n1",ip="192.0.2.1"} 1',
    'metallb_layer2_requests_received{ip="192.0.2.1"} 4',
    'metallb_layer2_responses_sent{ip="192.0.2.1"} 3',
    'metallb_layer2_gratuitous_sent{ip="192.0.2.1"} 2',
  ]);
});

test('an address given up by its last service leaves no series behind, though the last counts come later', async () => {
  const { announced, count, samples } = rig();
  const counts = { ip, requests: 1, responses: 1, gratuitous: 1 };
  for (const service of ['default/web', 'default/mail']) announced.set(service, ip);
  count([counts]);
  announced.remove('default/web', ip);
  count([counts]);
  expect((await samples()).filter((line) => line.endsWith(' 2'))).toHaveLength(3);
  announced.remove('default/mail', ip);
  count([counts]);
  expect(await samples()).toEqual([]);
});
