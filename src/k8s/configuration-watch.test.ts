import { expect, test } from 'vitest';
import { type ConfigurationInput, nothingConfigured } from '../domain/config/assemble.ts';
import { configurationWatch } from './configuration-watch.ts';
import { projectCustomResource } from './custom-resource.ts';

const rawPool = {
  metadata: { name: 'a', namespace: 'metallb-system', uid: 'p1', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { addresses: ['192.0.2.0/24'] },
};

test('nothing is assembled before the start, and changes of one turn are one configuration', async () => {
  const input: ConfigurationInput = { ...nothingConfigured, metallbNamespace: 'metallb-system' };
  let pools: ConfigurationInput['pools'] = [];
  const seen: number[] = [];
  const watch = configurationWatch({
    input: () => ({ ...input, pools }),
    onAssembly: ({ configuration }) => seen.push(configuration.pools.length),
  });
  watch.touch();
  await Promise.resolve();
  expect(seen).toEqual([]);
  expect(watch.current()).toBeUndefined();
  watch.start();
  pools = [projectCustomResource(rawPool)!];
  watch.touch();
  watch.touch();
  await Promise.resolve();
  expect(seen).toEqual([0, 1]);
  expect(watch.current()?.configuration.pools).toHaveLength(1);
});
