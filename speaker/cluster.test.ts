import { afterEach, expect, test } from 'vitest';
import { fakeClock } from '../test/support/fake-clock.ts';
import type { ApiRequest } from '../src/k8s/client/api.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { watchCluster } from './cluster.ts';

const namespace = 'metallb-system';
const pools = `/apis/metallb.io/v1beta1/namespaces/${namespace}/ipaddresspools`;

const pool = (index: number, text = `10.0.${index}.0/24`): object => ({
  metadata: { name: `p${index}`, namespace, uid: `u${index}`, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { addresses: [text] },
});

const ending = new AbortController();
afterEach(() => ending.abort());

/** The cluster of a speaker, with pools alone, and a function that sends changes of pools in one piece. */
const rig = (items: readonly object[]) => {
  const encode = (values: readonly object[]): Uint8Array =>
    new TextEncoder().encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
  let next = Promise.withResolvers<Uint8Array>();
  async function* listed(found: readonly object[]): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(encode([{ metadata: { resourceVersion: '1' }, items: found }]));
  }
  async function* watched(isOfPools: boolean, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    for (;;) {
      yield await Promise.race([aborted, ...(isOfPools ? [next.promise] : [])]);
      next = Promise.withResolvers();
    }
  }
  const stream = ({ path, query, signal = ending.signal }: ApiRequest): Promise<AsyncIterable<Uint8Array>> =>
    Promise.resolve(
      query?.['watch'] === 'true' ? watched(path === pools, signal) : listed(path === pools ? items : []),
    );
  /** How many pools there were at each change of the configuration. */
  const seen: number[] = [];
  const stale: number[] = [];
  const problemCounts: number[] = [];
  const cluster = watchCluster({
    api: { request: () => Promise.reject(new Error('nothing is written here')), stream, close: () => {} },
    clock: fakeClock(),
    log: silentLog,
    namespace,
    podSelector: 'a=b',
    legacyName: '',
    metrics: { updateErrors: { inc: () => {} }, configStale: { set: (value) => stale.push(value) } },
    onProblems: (problems) => problemCounts.push(problems.length),
    onUpdate: () => {},
    speaker: () => ({
      onService: () => {},
      onSlice: () => {},
      onNode: () => {},
      onPod: () => {},
      onConfiguration: () => seen.push(cluster.mirrors.configuration().pools.length),
    }),
  });
  void cluster.run(ending.signal);
  const send = (objects: readonly object[]): void =>
    next.resolve(encode(objects.map((object) => ({ type: 'ADDED', object }))));
  return { cluster, seen, stale, problemCounts, send };
};

test('the configuration is there once all is listed, and assembled once for changes that come together', async () => {
  const { cluster, seen, stale, problemCounts, send } = rig([pool(0), pool(1, 'nonsense')]);
  expect(() => cluster.mirrors.configuration()).toThrow('before all is listed');
  await cluster.synced;
  expect(seen).toEqual([2]);
  expect(stale).toEqual([1]);
  send(Array.from({ length: 50 }, (_, index) => pool(index + 1)));
  await expect.poll(() => seen).toEqual([2, 51]);
  expect(stale).toEqual([1, 0]);
  expect(problemCounts).toEqual([1, 0]);
  expect(cluster.isCurrent()).toBe(true);
});
