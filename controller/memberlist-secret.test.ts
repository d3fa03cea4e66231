import { expect, test } from 'vitest';
import { ApiError, type ApiRequest, ApiUnreachable } from '../src/k8s/client/api.ts';
import { NotLeader } from '../src/k8s/leadership/fenced-api.ts';
import type { Log, LogFields } from '../src/lib/log.ts';
import { millis, seconds } from '../src/lib/time.ts';
import { fakeClock } from '../test/support/fake-clock.ts';
import { fakeLeadership } from '../test/support/leadership.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';

const notFound = new ApiError(404, 'NotFound', 'not found');
const secretPath = '/api/v1/namespaces/metallb-system/secrets';
const deploymentPath = '/apis/apps/v1/namespaces/metallb-system/deployments/controller';

/** A start beside an API server that answers as `answers` says, which the test may change. */
const rig = (answers: Record<string, unknown>, { isLeader = true, name = 'memberlist' } = {}) => {
  const clock = fakeClock();
  const leadership = fakeLeadership(isLeader);
  const calls: ApiRequest[] = [];
  const outcomes: unknown[] = [];
  const warnings: string[] = [];
  const log: Log = {
    ...silentLog,
    child: () => log,
    info: (_, fields?: LogFields) => outcomes.push(fields?.['outcome']),
    warn: (message) => warnings.push(message),
  };
  const ending = new AbortController();
  const running = ensureMemberlistSecret(
    {
      api: {
        request: async (call) => {
          calls.push(call);
          if (call.method === 'POST' && !leadership.isLeader()) throw new NotLeader('no');
          const answer = answers[`${call.method ?? 'GET'} ${call.path}`];
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
      leadership,
      clock,
      log,
      namespace: 'metallb-system',
      name,
      deployment: 'controller',
    },
    ending.signal,
  );
  running.catch(() => {});
  return { answers, clock, leadership, calls, outcomes, warnings, running, end: () => ending.abort() };
};

const missing = () => ({
  [`GET ${secretPath}/memberlist`]: notFound,
  [`GET ${deploymentPath}`]: { metadata: { uid: 'd1' } },
});

test('a missing Secret is made with a key of 22 characters, owned by our Deployment', async () => {
  const { outcomes, calls, running } = rig(missing());
  await running;
  expect(outcomes).toEqual(['created']);
  expect(calls[2]).toMatchObject({
    method: 'POST',
    path: secretPath,
    body: {
      metadata: {
        name: 'memberlist',
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'controller', uid: 'd1' }],
      },
      stringData: { secretkey: expect.stringMatching(/^[A-Za-z0-9+/]{22}$/) as unknown },
    },
  });
});

test('one that is there is used untouched; without a name nothing is asked', async () => {
  const { outcomes, calls, running } = rig({ [`GET ${secretPath}/memberlist`]: {} });
  await running;
  expect(outcomes).toEqual(['existed']);
  expect(calls).toHaveLength(1);
  const unnamed = rig({}, { name: '' });
  await unnamed.running;
  expect(unnamed.calls).toEqual([]);
});

test('two replicas make one', async () => {
  const { outcomes, running } = rig({
    ...missing(),
    [`POST ${secretPath}`]: new ApiError(409, 'AlreadyExists', 'already exists'),
  });
  await running;
  expect(outcomes).toEqual(['existed']);
});

test('a replica that does not lead makes it at once when it does, and asks for nothing meanwhile', async () => {
  const { clock, leadership, outcomes, calls, warnings, running } = rig(missing(), { isLeader: false });
  await clock.advanceAsync(seconds(60));
  expect(calls).toHaveLength(3);
  leadership.set(true);
  await running;
  expect(outcomes).toEqual(['created']);
  expect(warnings).toEqual([]);
});

test('while the API server cannot be reached it is tried again', async () => {
  const { answers, clock, outcomes, warnings, running } = rig({
    [`GET ${secretPath}/memberlist`]: new ApiUnreachable('refused', undefined),
  });
  await clock.advanceAsync(millis(0));
  expect(warnings).toEqual(['memberlist secret not made']);
  answers[`GET ${secretPath}/memberlist`] = {};
  await clock.advanceAsync(seconds(1));
  await running;
  expect(outcomes).toEqual(['existed']);
});

test('without the Deployment that would own it, it is not made', async () => {
  const { running } = rig({ ...missing(), [`GET ${deploymentPath}`]: notFound });
  await expect(running).rejects.toMatchObject({
    message: 'cannot make the Secret metallb-system/memberlist',
    cause: notFound,
  });
});

test('it ends with the program', async () => {
  const { clock, running, end } = rig(missing(), { isLeader: false });
  await clock.advanceAsync(millis(0));
  end();
  await running;
  expect(clock.pending()).toBe(0);
});
