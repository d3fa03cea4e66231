import { expect, test } from 'vitest';
import { type Api, ApiError, ApiUnreachable } from './api.ts';
import { countWrites, resourceOf } from './counted-api.ts';

test.each([
  ['/api/v1/namespaces/a/services/web/status', 'services/status'],
  ['/api/v1/namespaces/a/events', 'events'],
  ['/api/v1/namespaces/a', 'namespaces'],
  ['/apis/metallb.io/v1beta1/namespaces/m/ipaddresspools/p/status', 'ipaddresspools/status'],
  ['/apis/coordination.k8s.io/v1/namespaces/m/leases/x', 'leases'],
  ['/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.metallb.io', 'customresourcedefinitions'],
])('%s is of the resource %s', (path, resource) => expect(resourceOf(path)).toBe(resource));

test('writes are counted with their outcome, reads are not', async () => {
  const written: string[] = [];
  const outcomes: (Error | undefined)[] = [
    undefined,
    undefined,
    undefined,
    new ApiError(409, 'Conflict', ''),
    new ApiUnreachable('', 0),
  ];
  const api: Pick<Api, 'request'> = {
    request: async () => {
      const outcome = outcomes.shift();
      if (outcome !== undefined) throw outcome;
    },
  };
  const counted = countWrites(api as Api, (resource, code) => written.push(`${resource} ${code}`));
  await counted.request({ path: '/api/v1/services' });
  await counted.request({ method: 'POST', path: '/api/v1/namespaces/a/events' });
  const write = { method: 'PATCH', path: '/api/v1/namespaces/a/services/web/status' } as const;
  await counted.request(write);
  await expect(counted.request(write)).rejects.toBeInstanceOf(ApiError);
  await expect(counted.request(write)).rejects.toBeInstanceOf(ApiUnreachable);
  expect(written).toEqual(['events 201', 'services/status 200', 'services/status 409', 'services/status none']);
});
