import { expect, test } from 'vitest';
import { projectCustomResource } from './custom-resource.ts';

test('a custom resource is kept with its spec and without the rest', () => {
  const raw = {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: {
      name: 'main',
      namespace: 'metallb-system',
      uid: 'u1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { zone: 'a' },
      resourceVersion: '7',
      managedFields: [{ manager: 'kubectl' }],
    },
    spec: { addresses: ['192.0.2.0/24'] },
    status: { assignedIPv4: 3 },
  };
  expect(projectCustomResource(raw)).toEqual({
    metadata: {
      name: 'main',
      namespace: 'metallb-system',
      uid: 'u1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: { zone: 'a' },
    },
    spec: { addresses: ['192.0.2.0/24'] },
    resourceVersion: '7',
  });
});

test.each([
  ['without a name', { metadata: { namespace: 'metallb-system' } }],
  ['without a namespace', { metadata: { name: 'main' } }],
  ['that is no object', 'main'],
])('one %s is left out', (_, raw) => {
  expect(projectCustomResource(raw)).toBeUndefined();
});
