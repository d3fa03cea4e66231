import { expect, test } from 'vitest';
import { ApiError, type ApiRequest } from '../src/k8s/api.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';

const notFound = new ApiError(404, 'NotFound', 'not found');
const secretPath = '/api/v1/namespaces/metallb-system/secrets';
const deploymentPath = '/apis/apps/v1/namespaces/metallb-system/deployments/controller';

const ensure = async (answers: Readonly<Record<string, unknown>>) => {
  const calls: ApiRequest[] = [];
  const outcome = await ensureMemberlistSecret({
    api: {
      request: async (call) => {
        calls.push(call);
        const answer = answers[`${call.method ?? 'GET'} ${call.path}`];
        if (answer instanceof Error) throw answer;
        return answer;
      },
    },
    namespace: 'metallb-system',
    name: 'memberlist',
    deployment: 'controller',
    signal: new AbortController().signal,
  });
  return { outcome, calls };
};

test('a missing Secret is made with a key of 22 characters, owned by our Deployment', async () => {
  const { outcome, calls } = await ensure({
    [`GET ${secretPath}/memberlist`]: notFound,
    [`GET ${deploymentPath}`]: { metadata: { uid: 'd1' } },
  });
  expect(outcome).toBe('created');
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

test('one that is there is used untouched', async () => {
  const { outcome, calls } = await ensure({ [`GET ${secretPath}/memberlist`]: {} });
  expect(outcome).toBe('existed');
  expect(calls).toHaveLength(1);
});

test('two replicas make one', async () => {
  const { outcome } = await ensure({
    [`GET ${secretPath}/memberlist`]: notFound,
    [`GET ${deploymentPath}`]: { metadata: { uid: 'd1' } },
    [`POST ${secretPath}`]: new ApiError(409, 'AlreadyExists', 'already exists'),
  });
  expect(outcome).toBe('existed');
});

test('without the Deployment that would own it, it is not made', async () => {
  const answers = { [`GET ${secretPath}/memberlist`]: notFound, [`GET ${deploymentPath}`]: notFound };
  await expect(ensure(answers)).rejects.toBe(notFound);
});
