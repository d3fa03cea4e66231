import { expect, test } from 'vitest';
import { collections, kindOf } from '../domain/config/collections.ts';
import { collectionPath, configurationResources, objectPath, resources } from './resources.ts';

test('core kinds are under /api, all others under /apis', () => {
  expect(collectionPath(resources.services)).toBe('/api/v1/services');
  expect(collectionPath(resources.endpointSlices)).toBe('/apis/discovery.k8s.io/v1/endpointslices');
});

test('a namespace narrows a collection', () => {
  expect(collectionPath(resources.pods, 'metallb-system')).toBe('/api/v1/namespaces/metallb-system/pods');
  expect(collectionPath(resources.nodes, 'ignored')).toBe('/api/v1/nodes');
});

test('objects and their subresources', () => {
  expect(objectPath(resources.services, 'default', 'web', 'status')).toBe(
    '/api/v1/namespaces/default/services/web/status',
  );
  expect(objectPath(resources.nodes, undefined, 'n1')).toBe('/api/v1/nodes/n1');
  expect(objectPath(resources.ipAddressPools, 'metallb-system', 'p')).toBe(
    '/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/p',
  );
});

test('each collection of a configuration is found under its own kind', () => {
  for (const collection of collections) expect(configurationResources[collection].kind).toBe(kindOf[collection]);
});

test('a name cannot leave its place in the path', () => {
  expect(objectPath(resources.nodes, undefined, '../secrets?x=')).toBe('/api/v1/nodes/..%2Fsecrets%3Fx%3D');
});

test('a namespaced object without a namespace is a fault of the caller', () => {
  expect(() => objectPath(resources.secrets, undefined, 'a')).toThrow('Secret a needs a namespace');
});
