import { expect, test } from 'vitest';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import { millis, seconds } from '../lib/time.ts';
import { type Api, ApiError, type ApiRequest } from './client/api.ts';
import { createMetricsAccess } from './metrics-access.ts';

type Spec = { readonly token: string; readonly user: string };

/** An API server that knows two tokens, of which one belongs to somebody with the right. */
const rig = () => {
  const clock = fakeClock();
  const calls: ApiRequest[] = [];
  const warnings: unknown[] = [];
  let failure: Error | undefined;
  let gate: Promise<void> | undefined;
  const answer = (path: string, { token, user }: Spec): object => {
    if (path === '/apis/authorization.k8s.io/v1/subjectaccessreviews') {
      return { allowed: user === 'system:serviceaccount:monitoring:prometheus', denied: false };
    }
    expect(path).toBe('/apis/authentication.k8s.io/v1/tokenreviews');
    const name = { good: 'prometheus', weak: 'default' }[token];
    if (name === undefined) return { user: {}, error: '[invalid bearer token]' };
    const groups = ['system:serviceaccounts'];
    const extra = { 'authentication.kubernetes.io/pod-name': ['p-0'] };
    return {
      authenticated: true,
      user: { username: `system:serviceaccount:monitoring:${name}`, uid: 'u', groups, extra },
    };
  };
  const api: Api = {
    request: async (call) => {
      calls.push(call);
      await gate;
      if (failure !== undefined) throw failure;
      return { status: answer(call.path, (call.body as { readonly spec: Spec }).spec) };
    },
    stream: () => Promise.reject(new Error('not used')),
    close: () => {},
  };
  const log = { ...silentLog, warn: (_: string, fields: unknown) => warnings.push(fields) };
  return {
    access: createMetricsAccess({ api, clock, log }),
    clock,
    calls,
    warnings,
    fail: (error: Error | undefined) => (failure = error),
    hold: (until: Promise<void>): void => {
      gate = until;
    },
  };
};

test('a token is reviewed, then what its owner may', async () => {
  const { access, calls } = rig();
  expect(await access('Bearer good')).toBeUndefined();
  expect(calls).toMatchObject([
    {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'good' } },
    },
    {
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: 'system:serviceaccount:monitoring:prometheus',
          uid: 'u',
          groups: ['system:serviceaccounts'],
          extra: { 'authentication.kubernetes.io/pod-name': ['p-0'] },
          nonResourceAttributes: { path: '/metrics', verb: 'get' },
        },
      },
    },
  ]);
});

test.each([undefined, '', 'good', 'Basic Z29vZDo=', 'Bearer', 'Bearer ', 'Bearer a b', 'Bearer a\nb'])(
  '%j is refused without asking anybody',
  async (authorization) => {
    const { access, calls } = rig();
    expect(await access(authorization)).toEqual({ status: 401, message: 'a bearer token is needed' });
    expect(calls).toEqual([]);
  },
);

test('a bad token is 401; a good one whose owner has no right is 403 and names the owner', async () => {
  const { access, calls } = rig();
  expect(await access('bearer bad')).toEqual({ status: 401, message: 'the token is not valid' });
  expect(calls).toHaveLength(1);
  expect(await access('Bearer weak')).toEqual({
    status: 403,
    message: '"system:serviceaccount:monitoring:default" is not allowed to get /metrics',
  });
});

test.each([
  ['good', 60],
  ['bad', 10],
  ['weak', 10],
])('what was said of the token %j holds for %d s', async (token, lifetime) => {
  const { access, calls, clock } = rig();
  const first = await access(`Bearer ${token}`);
  const asked = calls.length;
  clock.advance(millis(seconds(lifetime) - 1));
  expect(await access(`Bearer ${token}`)).toEqual(first);
  expect(calls).toHaveLength(asked);
  clock.advance(millis(1));
  expect(await access(`Bearer ${token}`)).toEqual(first);
  expect(calls).toHaveLength(2 * asked);
});

test('an API server that cannot be asked is 503, told, and asked again soon', async () => {
  const { access, calls, clock, fail, warnings } = rig();
  const error = new ApiError(403, 'Forbidden', 'tokenreviews is forbidden');
  fail(error);
  const refusal = { status: 503, message: 'the API server cannot be asked who may read this' };
  expect(await access('Bearer good')).toEqual(refusal);
  expect(warnings).toEqual([{ error }]);
  fail(undefined);
  expect(await access('Bearer good')).toEqual(refusal);
  expect(calls).toHaveLength(1);
  clock.advance(seconds(2));
  expect(await access('Bearer good')).toBeUndefined();
});

test('requests that come together share one review', async () => {
  const { access, calls } = rig();
  expect(await Promise.all([access('Bearer good'), access('Bearer good')])).toEqual([undefined, undefined]);
  expect(calls).toHaveLength(2);
});

test('invented tokens neither flood the API server nor push out a good one', async () => {
  const { access, calls, hold } = rig();
  expect(await access('Bearer good')).toBeUndefined();
  for (let turn = 0; turn < 300; turn++) expect((await access(`Bearer invented-${turn}`))?.status).toBe(401);
  calls.length = 0;
  expect(await access('Bearer good')).toBeUndefined();
  expect(calls).toEqual([]);

  const { promise, resolve } = Promise.withResolvers<void>();
  hold(promise);
  const flood = Array.from({ length: 20 }, (_, turn) => access(`Bearer at-once-${turn}`));
  expect(await flood[19]).toEqual({ status: 503, message: 'too many tokens are under review' });
  resolve();
  expect((await Promise.all(flood)).filter((refusal) => refusal?.status === 401)).toHaveLength(8);
  expect(calls).toHaveLength(8);
});
