import { expect, test } from 'vitest';
import { ApiError } from './client/api.ts';
import { ownPod } from './own-pod.ts';

test('the pod is asked for once', async () => {
  const paths: string[] = [];
  const request = async ({ path }: { readonly path: string }): Promise<unknown> => {
    paths.push(path);
    return { metadata: { uid: 'u' } };
  };
  const pod = ownPod({ request }, 'm', 'speaker-1');
  expect(await pod()).toEqual({ apiVersion: 'v1', kind: 'Pod', name: 'speaker-1', uid: 'u' });
  await pod();
  expect(paths).toEqual(['/api/v1/namespaces/m/pods/speaker-1']);
});

test('outside a pod there is none, and a failure is one', async () => {
  const failing = (status: number) => ({
    request: async (): Promise<unknown> => {
      throw new ApiError(status, '', '');
    },
  });
  expect(await ownPod(failing(500), 'm', '')()).toBeUndefined();
  expect(await ownPod(failing(404), 'm', 'laptop')()).toBeUndefined();
  await expect(ownPod(failing(500), 'm', 'speaker-1')()).rejects.toThrow(ApiError);
});
