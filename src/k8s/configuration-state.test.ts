import { expect, test } from 'vitest';
import type { ConfigurationProblem } from '../domain/config/configuration.ts';
import { type Api, ApiError, type ApiRequest } from './client/api.ts';
import { NotLeader } from './leadership/fenced-api.ts';
import { millis, seconds } from '../lib/time.ts';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { fakeLeadership } from '../../test/support/leadership.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import {
  configurationStatus,
  createConfigurationState,
  stateOfController,
  stateOfSpeaker,
} from './configuration-state.ts';

const problem = (name: string, more: Partial<ConfigurationProblem> = {}): ConfigurationProblem => ({
  kind: 'IPAddressPool',
  namespace: 'metallb-system',
  name,
  uid: `uid-${name}`,
  field: 'spec.addresses[0]',
  message: 'invalid CIDR',
  reason: 'InvalidAddresses',
  severity: 'error',
  cause: '',
  ...more,
});

test('without errors the configuration is valid, whatever else is odd about it', () => {
  expect(configurationStatus([problem('a', { severity: 'warning' })], 'poolReconcilerValid')).toEqual({
    result: 'Valid',
    errorSummary: '',
    condition: { type: 'poolReconcilerValid', status: 'True', reason: 'Reconciled', message: '' },
  });
});

test('each error stands on a line of its own, with its object and field', () => {
  const text =
    'configuration error: IPAddressPool metallb-system/a: spec.addresses[0]: invalid CIDR\n' +
    'IPAddressPool metallb-system/b: spec.addresses[0]: invalid CIDR';
  expect(configurationStatus([problem('a'), problem('b')], 'poolReconcilerValid')).toEqual({
    result: 'Invalid',
    errorSummary: text,
    condition: { type: 'poolReconcilerValid', status: 'False', reason: 'ConfigurationError', message: text },
  });
});

test('however many errors there are, the text fits into a condition', () => {
  const many = Array.from({ length: 300 }, (_, i) => problem(`p${i}`, { message: 'x'.repeat(2000) }));
  const { errorSummary } = configurationStatus(many, 'poolReconcilerValid');
  expect(errorSummary.length).toBeLessThan(32_768);
  expect(errorSummary).toMatch(/and 250 more$/);
});

type RawState = { metadata: Record<string, unknown>; status?: unknown };

type RigOptions = {
  /** What is there at first. */
  readonly stored?: RawState;
  /** The list is answered when this has settled. */
  readonly listable?: Promise<void>;
  /** Told of each write before it is answered. */
  readonly onWrite?: (method: string) => Promise<void>;
};

/** An API server that keeps the one object, and a pod that owns it. */
const rig = async ({ stored, listable = Promise.resolve(), onWrite = async () => {} }: RigOptions = {}) => {
  const clock = fakeClock();
  const leadership = fakeLeadership();
  const written: string[] = [];
  let state = stored;
  let version = 1;
  let told: (line: string) => void = () => {};
  const stamp = (): void => {
    version++;
    state!.metadata = { ...state!.metadata, name: 'controller', namespace: 'm', resourceVersion: `${version}` };
    told(`${JSON.stringify({ type: 'MODIFIED', object: state })}\n`);
  };
  const request = async ({ method = 'GET', path, body }: ApiRequest): Promise<unknown> => {
    if (!leadership.isLeader()) throw new NotLeader('no');
    written.push(`${method} ${path.split('/').slice(6).join('/')}`);
    await onWrite(method);
    if (method === 'PATCH' && state === undefined) throw new ApiError(404, 'NotFound', '');
    if (method === 'POST' && state !== undefined) throw new ApiError(409, 'AlreadyExists', '');
    const { metadata, status } = body as { metadata?: Record<string, unknown>; status?: unknown };
    state = {
      metadata: { ...state?.metadata, ...metadata },
      ...(status === undefined ? { status: state?.status } : { status }),
    };
    stamp();
    return state;
  };
  const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
  async function* watch(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    const lines: string[] = [];
    let wake = (): void => {};
    told = (line) => {
      lines.push(line);
      wake();
    };
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    for (;;) {
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) yield encode(line);
      await Promise.race([aborted, new Promise<void>((resolve) => (wake = resolve))]);
      if (signal?.aborted === true) return;
    }
  }
  async function* list(): AsyncGenerator<Uint8Array> {
    const items = state === undefined ? [] : [state];
    yield await Promise.resolve(encode(JSON.stringify({ metadata: { resourceVersion: `${version}` }, items })));
  }
  const api: Api = {
    request,
    stream: async ({ query, signal }) => {
      if (query?.['watch'] === 'true') return watch(signal);
      await listable;
      return list();
    },
    close: () => {},
  };
  const ending = new AbortController();
  const writer = createConfigurationState({
    api,
    leadership,
    clock,
    log: silentLog,
    wallTime: () => Date.UTC(2026, 0, 1) + clock.now(),
    metallbNamespace: 'm',
    process: stateOfController,
    owner: async () => ({ apiVersion: 'v1', kind: 'Pod', name: 'c-1', uid: 'pod-uid' }),
    onError: (error) => {
      throw error;
    },
  });
  const running = writer.run(ending.signal);
  const settle = async (): Promise<void> => clock.advanceAsync(millis(0));
  await settle();
  return {
    writer,
    clock,
    settle,
    state: () => state,
    taken: () => written.splice(0),
    leadership,
    put: (raw: RawState) => {
      state = raw;
      stamp();
    },
    end: async () => {
      ending.abort();
      await running;
    },
  };
};

test('the object is made with its labels and its owner, and written again only when something changes', async () => {
  const { writer, clock, settle, state, taken, end } = await rig();
  writer.report([]);
  await settle();
  await clock.advanceAsync(seconds(1));
  expect(taken()).toEqual(['POST configurationstates', 'PATCH configurationstates/controller/status']);
  expect(state()).toMatchObject({
    metadata: {
      labels: { 'metallb.io/component-type': 'controller' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'c-1', uid: 'pod-uid' }],
    },
    status: { result: 'Valid', conditions: [{ status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
  });
  writer.report([]);
  await settle();
  expect(taken()).toEqual([]);
  writer.report([problem('a')]);
  await settle();
  expect(taken()).toEqual(['PATCH configurationstates/controller/status']);
  writer.report([problem('b')]);
  await settle();
  expect(taken(), 'at most one write a second').toEqual([]);
  await clock.advanceAsync(seconds(1));
  expect(taken()).toEqual(['PATCH configurationstates/controller/status']);
  expect(state()?.status).toMatchObject({
    result: 'Invalid',
    errorSummary: expect.stringContaining('metallb-system/b') as unknown,
    conditions: [{ status: 'False', reason: 'ConfigurationError', lastTransitionTime: '2026-01-01T00:00:01Z' }],
  });
  await end();
});

test('a replica that does not lead writes when it does', async () => {
  const { writer, settle, taken, leadership, end } = await rig();
  leadership.set(false);
  writer.report([]);
  await settle();
  expect(taken()).toEqual([]);
  leadership.set(true);
  await settle();
  expect(taken()).toHaveLength(2);
  await end();
});

/** As this pod has written it before. */
const valid = (): RawState => ({
  metadata: {
    name: 'controller',
    namespace: 'm',
    resourceVersion: '1',
    labels: { 'metallb.io/component-type': 'controller' },
    ownerReferences: [{ uid: 'pod-uid' }],
  },
  status: {
    result: 'Valid',
    conditions: [
      { type: 'poolReconcilerValid', status: 'True', reason: 'Reconciled', lastTransitionTime: '2020-01-01T00:00:00Z' },
    ],
  },
});

test('nothing is written before it is known what stands there, and then nothing that stands there', async () => {
  const listable = Promise.withResolvers<void>();
  const { writer, clock, state, taken, end } = await rig({ stored: valid(), listable: listable.promise });
  writer.report([]);
  await clock.advanceAsync(seconds(5));
  expect(taken()).toEqual([]);
  listable.resolve();
  await clock.advanceAsync(seconds(5));
  expect(taken()).toEqual([]);
  expect(state()?.status).toEqual(valid().status);
  await end();
});

test('one that somebody else makes meanwhile keeps the time of its condition', async () => {
  const { writer, clock, state, taken, put, end } = await rig({
    onWrite: async (method) => {
      if (method === 'POST') put(valid());
      return Promise.resolve();
    },
  });
  writer.report([]);
  await clock.advanceAsync(seconds(5));
  expect(taken()).toEqual(['POST configurationstates']);
  expect(state()?.status).toEqual(valid().status);
  await end();
});

test('an API server that does not answer does not keep us from ending', async () => {
  const { writer, clock, settle, end } = await rig({ onWrite: async () => new Promise(() => {}) });
  writer.report([]);
  await settle();
  let hasEnded = false;
  void end().then(() => (hasEnded = true));
  await clock.advanceAsync(millis(1999));
  expect(hasEnded).toBe(false);
  await clock.advanceAsync(millis(1));
  expect(hasEnded).toBe(true);
});

test("the speaker of a node has an object of its own, with MetalLB's name, labels and condition", () =>
  expect(stateOfSpeaker('n1')).toEqual({
    name: 'speaker-n1',
    labels: { 'metallb.io/component-type': 'speaker', 'metallb.io/node-name': 'n1' },
    conditionType: 'configReconcilerValid',
  }));
