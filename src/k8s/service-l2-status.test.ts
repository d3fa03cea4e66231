import { expect, test } from 'vitest';
import { projectL2Status } from './service-l2-status.ts';

const labels = {
  'metallb.io/node': 'n1',
  'metallb.io/service-name': 'web',
  'metallb.io/service-namespace': 'default',
};
const metadata = {
  name: 'l2-default.web',
  namespace: 'metallb-system',
  uid: 'u',
  resourceVersion: '7',
  labels,
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'speaker-1', uid: 'pod' }],
};

test('what is read of an object', () =>
  expect(
    projectL2Status({
      metadata,
      status: {
        node: 'n1',
        serviceName: 'web',
        serviceNamespace: 'default',
        interfaces: [{ name: 'eth1' }, { name: 'eth0' }],
        conditions: [
          { type: 'Other', status: 'True' },
          { type: 'metallb.io/Announced', status: 'True', reason: 'R', message: 'M', lastTransitionTime: 'T' },
        ],
      },
    }),
  ).toEqual({
    name: 'l2-default.web',
    uid: 'u',
    resourceVersion: '7',
    service: 'default/web',
    writer: 'n1',
    owners: ['pod'],
    node: 'n1',
    interfaces: ['eth0', 'eth1'],
    condition: { type: 'metallb.io/Announced', status: 'True', reason: 'R', message: 'M', since: 'T' },
  }));

test('an object that has no status yet says nothing', () =>
  expect(projectL2Status({ metadata })).toMatchObject({
    service: 'default/web',
    node: undefined,
    interfaces: undefined,
    condition: undefined,
  }));

test.each(Object.keys(labels))('without the label %s it is none of ours', (label) => {
  const { [label as keyof typeof labels]: _, ...others } = labels;
  expect(projectL2Status({ metadata: { ...metadata, labels: others } })).toBeUndefined();
});
