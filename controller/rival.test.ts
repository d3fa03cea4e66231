import { expect, test } from 'vitest';
import { fakeClock } from '../test/support/fake-clock.ts';
import type { Api, ApiRequest } from '../src/k8s/client/api.ts';
import type { Leadership, LeadershipChange } from '../src/k8s/leadership/leader-election.ts';
import type { Log } from '../src/lib/log.ts';
import { millis } from '../src/lib/time.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { createRivalWatch, withoutRivals } from './rival.ts';

const chartSelector =
  'app.kubernetes.io/name=metallb,app.kubernetes.io/component=controller,metallb.io/implementation!=metallb-ts';
const manifestSelector = 'app=metallb,component=controller,metallb.io/implementation!=metallb-ts';

const pod = (name: string): object => ({ metadata: { namespace: 'metallb-system', name, resourceVersion: '1' } });

/** A rival watch before an API server that lists these pods by selector, and lets the test send watch events. */
const rig = (listed: Readonly<Record<string, readonly object[]>> = {}) => {
  const clock = fakeClock();
  const lists: ApiRequest[] = [];
  const watches = new Map<string, (line: string) => void>();
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  const api: Api = {
    request: () => Promise.reject(new Error('not here')),
    stream: (request) => {
      const selector = String(request.query?.['labelSelector']);
      if (request.query?.['watch'] === undefined) {
        lists.push(request);
        const page = { metadata: { resourceVersion: '10' }, items: listed[selector] ?? [] };
        return Promise.resolve(
          (async function* () {
            yield await Promise.resolve(encode(JSON.stringify(page)));
          })(),
        );
      }
      return Promise.resolve(
        new ReadableStream<Uint8Array>({
          start: (controller) => {
            watches.set(selector, (line) => controller.enqueue(encode(line)));
            request.signal?.addEventListener('abort', () => controller.error(request.signal?.reason));
          },
        }),
      );
    },
    close: () => {},
  };
  const lines: unknown[][] = [];
  const log: Log = {
    ...silentLog,
    info: (message) => lines.push([message]),
    warn: (message, fields) => lines.push([message, fields]),
    child: () => log,
  };
  const rivals = createRivalWatch({ api, clock, log, namespace: 'metallb-system' });
  const ending = new AbortController();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const send = async (selector: string, type: string, object: object): Promise<void> => {
    watches.get(selector)?.(`${JSON.stringify({ type, object })}\n`);
    await settle();
  };
  const start = async () => {
    const running = rivals.run(ending.signal);
    await settle();
    return async () => {
      ending.abort();
      await running;
    };
  };
  return { rivals, lists, lines, send, start };
};

test('pods of the manifests and of the chart are asked for, without ours and without those that have ended', async () => {
  const { rivals, lists, start } = rig({
    [manifestSelector]: [pod('controller-b')],
    [chartSelector]: [pod('metallb-controller-a'), pod('controller-b')],
  });
  expect(rivals.isAlone()).toBe(false);
  const stop = await start();
  await rivals.synced;
  expect(lists.map(({ path, query }) => [path, query?.['labelSelector'], query?.['fieldSelector']])).toEqual(
    [manifestSelector, chartSelector].map((selector) => [
      '/api/v1/namespaces/metallb-system/pods',
      selector,
      'status.phase!=Succeeded,status.phase!=Failed',
    ]),
  );
  expect(rivals.rivals()).toEqual(['controller-b', 'metallb-controller-a']);
  expect(rivals.isAlone()).toBe(false);
  await stop();
});

test('a rival is told when it comes and when it is gone', async () => {
  const { rivals, lines, send, start } = rig();
  let changes = 0;
  rivals.onChange(() => changes++);
  const stop = await start();
  await rivals.synced;
  expect(rivals.isAlone()).toBe(true);
  expect(changes).toBe(1);
  expect(lines).toEqual([]);
  await send(manifestSelector, 'ADDED', pod('controller-x'));
  expect(rivals.isAlone()).toBe(false);
  // On its way out it may still write.
  await send(manifestSelector, 'MODIFIED', pod('controller-x'));
  expect(rivals.rivals()).toEqual(['controller-x']);
  await send(manifestSelector, 'DELETED', pod('controller-x'));
  expect(rivals.isAlone()).toBe(true);
  expect(changes).toBe(3);
  expect(lines).toEqual([
    ['a controller of the original MetalLB runs: nothing is written', { pods: ['controller-x'] }],
    ['the controller of the original MetalLB is gone'],
  ]);
  await stop();
});

/** A leadership and rivals that the test sets. */
const settable = (isLeading: boolean, isAlone: boolean) => {
  const state = { isLeading, isAlone, rivals: isAlone ? [] : ['controller-x'] };
  let tellLeadership: (change: LeadershipChange) => void = () => {};
  let tellRivals = (): void => {};
  const inner: Leadership = {
    validFor: () => millis(state.isLeading ? 3000 : 0),
    isLeader: () => state.isLeading,
    onChange: (listener) => {
      tellLeadership = listener;
      return () => {};
    },
  };
  const leadership = withoutRivals(inner, {
    isAlone: () => state.isAlone,
    rivals: () => state.rivals,
    onChange: (listener) => {
      tellRivals = listener;
      return () => {};
    },
  });
  const told: LeadershipChange[] = [];
  const stop = leadership.onChange((change) => told.push(change));
  return {
    leadership,
    told,
    stop,
    lead: (change: LeadershipChange): void => {
      state.isLeading = change.isLeader;
      tellLeadership(change);
    },
    /** Tells changes that are over when they are told. */
    tell: (...changes: readonly LeadershipChange[]): void => changes.forEach((change) => tellLeadership(change)),
    meet: (rivals: readonly string[]): void => {
      Object.assign(state, { isAlone: rivals.length === 0, rivals });
      tellRivals();
    },
  };
};

test('beside a rival nobody leads; without it the leadership is as it was', () => {
  const { leadership, told, meet } = settable(true, false);
  expect([leadership.isLeader(), leadership.validFor()]).toEqual([false, 0]);
  meet([]);
  expect([leadership.isLeader(), leadership.validFor()]).toEqual([true, 3000]);
  meet(['controller-y']);
  expect([leadership.isLeader(), leadership.validFor()]).toEqual([false, 0]);
  meet(['controller-y', 'controller-z']);
  meet([]);
  expect(told).toEqual([
    { isLeader: true, othersHeldIt: true },
    { isLeader: false, othersHeldIt: false },
    { isLeader: true, othersHeldIt: true },
  ]);
});

test('who led in between is not forgotten while a rival runs', () => {
  const { told, lead, meet, stop } = settable(true, true);
  lead({ isLeader: false, othersHeldIt: false });
  lead({ isLeader: true, othersHeldIt: false });
  lead({ isLeader: false, othersHeldIt: false });
  meet(['controller-x']);
  lead({ isLeader: true, othersHeldIt: true });
  meet([]);
  expect(told).toEqual([
    { isLeader: false, othersHeldIt: false },
    { isLeader: true, othersHeldIt: false },
    { isLeader: false, othersHeldIt: false },
    { isLeader: true, othersHeldIt: true },
  ]);
  stop();
  lead({ isLeader: false, othersHeldIt: false });
  expect(told).toHaveLength(4);
});

test('a leadership that ended and began again before anybody could look has ended', () => {
  const { told, tell } = settable(true, true);
  const changes = [
    { isLeader: false, othersHeldIt: false },
    { isLeader: true, othersHeldIt: true },
  ];
  tell(...changes);
  expect(told).toEqual(changes);
});
