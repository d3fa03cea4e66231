import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  projectConfigMap,
  projectEndpointSlice,
  projectNamespace,
  projectNode,
  projectService,
  projectSpeakerPod,
} from './projections.ts';

/** A Service as kube-apiserver 1.34 gives it. */
const service = {
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: '593c83fe-4cad-448b-a7ae-6b92c97e69aa',
    resourceVersion: '323',
    creationTimestamp: '2026-11-21T10:11:21Z',
    labels: { app: 'web' },
    annotations: {
      'metallb.io/address-pool': 'lan',
      'metallb.universe.tf/loadBalancerIPs': '10.0.0.1',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
    },
    managedFields: [{ manager: 'kubectl' }],
  },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.96.0.7',
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'PreferDualStack',
    loadBalancerIP: '192.0.2.1',
    loadBalancerClass: 'metallb.io/metallb',
    externalTrafficPolicy: 'Local',
    selector: { tier: 'a', app: 'web' },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 'http', nodePort: 31000 }],
  },
  status: {
    loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP', ports: [] }, { hostname: 'x.example' }] },
    conditions: [
      { type: 'metallb.io/Allocated', status: 'True', reason: 'A', message: 'm', lastTransitionTime: 't' },
      { type: 'example.com/Else', status: 'True', reason: 'B', message: '' },
    ],
  },
};

test('of a Service, what we read is kept and nothing else', () => {
  expect(projectService(service)).toEqual({
    key: 'shop/web',
    namespace: 'shop',
    name: 'web',
    uid: '593c83fe-4cad-448b-a7ae-6b92c97e69aa',
    resourceVersion: '323',
    createdAt: '2026-11-21T10:11:21Z',
    labels: { app: 'web' },
    annotations: { 'metallb.io/address-pool': 'lan', 'metallb.universe.tf/loadBalancerIPs': '10.0.0.1' },
    type: 'LoadBalancer',
    loadBalancerClass: 'metallb.io/metallb',
    clusterIPs: ['10.96.0.7', 'fd00::7'],
    loadBalancerIP: '192.0.2.1',
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'PreferDualStack',
    externalTrafficPolicy: 'Local',
    selector: 'app=web,tier=a',
    ports: ['TCP/80'],
    ingress: [{ ip: '192.0.2.1' }, { hostname: 'x.example' }],
    conditions: [{ type: 'metallb.io/Allocated', status: 'True', reason: 'A', message: 'm' }],
  });
});

test('a Service of which only the name is known has the defaults of the API', () => {
  expect(projectService({ metadata: { name: 'a', namespace: 'b' } })).toEqual({
    key: 'b/a',
    namespace: 'b',
    name: 'a',
    uid: '',
    resourceVersion: '',
    createdAt: '',
    labels: {},
    annotations: {},
    type: 'ClusterIP',
    loadBalancerClass: undefined,
    clusterIPs: [],
    loadBalancerIP: undefined,
    ipFamilies: [],
    ipFamilyPolicy: 'SingleStack',
    externalTrafficPolicy: 'Cluster',
    selector: '',
    ports: [],
    ingress: [],
    conditions: [],
  });
});

test.each([
  ['only clusterIP', { clusterIP: '10.96.0.7' }, ['10.96.0.7']],
  ['a headless service', { clusterIP: 'None', clusterIPs: ['None'] }, ['None']],
  ['empty texts', { clusterIP: '', clusterIPs: [''] }, []],
])('cluster addresses: %s', (_, spec, wanted) => {
  expect(projectService({ ...service, spec })?.clusterIPs).toEqual(wanted);
});

test('an empty loadBalancerIP or class counts as absent', () => {
  const view = projectService({ ...service, spec: { loadBalancerIP: '', loadBalancerClass: '' } });
  expect([view?.loadBalancerIP, view?.loadBalancerClass]).toEqual([undefined, undefined]);
});

test('the annotation __proto__ is a name like any other', () => {
  const raw: unknown = JSON.parse('{"metadata":{"name":"a","namespace":"b","labels":{"__proto__":"x"}}}');
  expect(Object.entries(projectService(raw)?.labels ?? {})).toEqual([['__proto__', 'x']]);
});

test.each([
  ['nothing said', {}, true, true],
  ['no conditions', undefined, true, true],
  ['ready', { ready: true }, true, true],
  ['ready not known', { ready: null }, true, true],
  ['not ready', { ready: false }, false, false],
  ['not ready, serving while it ends', { ready: false, serving: true, terminating: true }, true, false],
  ['not ready, not serving', { ready: false, serving: false }, false, false],
])('an endpoint can serve: %s', (_, conditions, usable, ready) => {
  const slice = projectEndpointSlice({
    metadata: {
      name: 'web-x',
      namespace: 'shop',
      resourceVersion: '17',
      labels: { 'kubernetes.io/service-name': 'web' },
    },
    endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'n1', conditions }],
  });
  expect(slice).toEqual({
    key: 'shop/web-x',
    resourceVersion: '17',
    serviceKey: 'shop/web',
    endpoints: [{ nodeName: 'n1', usable, ready }],
  });
});

test('a slice without the label belongs to no service, and may have no endpoints', () => {
  expect(projectEndpointSlice({ metadata: { name: 'a', namespace: 'b' }, endpoints: null })).toEqual({
    key: 'b/a',
    resourceVersion: '',
    serviceKey: undefined,
    endpoints: [],
  });
});

test('a Node gives its labels, its addresses, and whether it is ready and has its network', () => {
  const node = (...conditions: readonly object[]) =>
    projectNode({
      metadata: { name: 'n1', labels: { zone: 'a' } },
      status: {
        conditions,
        addresses: [
          { type: 'InternalIP', address: '192.0.2.7' },
          { type: 'Hostname', address: 'n1' },
          { type: 'ExternalIP', address: '2001:db8::7' },
        ],
      },
    });
  expect(node()).toEqual({
    name: 'n1',
    labels: { zone: 'a' },
    ready: true,
    networkUnavailable: false,
    addresses: ['192.0.2.7', '2001:db8::7'],
  });
  const network = (status: string) => node({ type: 'NetworkUnavailable', status })?.networkUnavailable;
  expect(['False', 'True', 'Unknown'].map(network)).toEqual([false, true, false]);
  const ready = (status: string) => node({ type: 'MemoryPressure', status: 'True' }, { type: 'Ready', status })?.ready;
  expect(['True', 'False', 'Unknown'].map(ready)).toEqual([true, false, false]);
});

test('a speaker pod is ready by its condition, and no longer once it is being deleted', () => {
  const pod = (metadata: object): object => ({
    metadata: { name: 'speaker-x', namespace: 'metallb-system', ...metadata },
    spec: { nodeName: 'n1' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const base = { key: 'metallb-system/speaker-x', nodeName: 'n1', ips: [] };
  expect(projectSpeakerPod(pod({}))).toEqual({ ...base, ready: true });
  expect(projectSpeakerPod(pod({ deletionTimestamp: '2026-11-21T10:11:21Z' }))).toEqual({ ...base, ready: false });
});

test.each([
  [
    'all its addresses',
    { podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }] },
    ['10.0.0.1', 'fd00::1'],
  ],
  ['the only one', { podIP: '10.0.0.1' }, ['10.0.0.1']],
  ['none yet', { podIP: '' }, []],
])('a speaker pod has %s', (_, status, ips) => {
  expect(projectSpeakerPod({ metadata: { name: 'a', namespace: 'b' }, status })?.ips).toEqual(ips);
});

test('a Namespace gives its labels', () => {
  expect(projectNamespace({ metadata: { name: 'a', labels: { team: 'x' } } })).toEqual({
    name: 'a',
    labels: { team: 'x' },
  });
});

test('the old ConfigMap gives its text and whether it is marked', () => {
  const raw = {
    metadata: { name: 'config', namespace: 'metallb-system', uid: 'u', resourceVersion: '7' },
    data: { config: 'address-pools: []', other: 'x' },
  };
  const view = { name: 'config', namespace: 'metallb-system', uid: 'u', resourceVersion: '7' };
  expect(projectConfigMap(raw)).toEqual({ ...view, isInUse: false, config: 'address-pools: []' });
  const annotated = (value: string) => ({
    metadata: { ...raw.metadata, annotations: { 'metallb.io/in-use': value } },
    data: { config: ' \n' },
  });
  expect(projectConfigMap(annotated('true'))).toEqual({ ...view, isInUse: true, config: undefined });
  expect(projectConfigMap(annotated('yes'))?.isInUse).toBe(false);
});

const projections = [
  projectService,
  projectEndpointSlice,
  projectNode,
  projectSpeakerPod,
  projectNamespace,
  projectConfigMap,
];

test('whatever comes, a projection does not throw', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.record({ metadata: fc.jsonValue(), spec: fc.jsonValue(), status: fc.jsonValue() }),
    fc.record({
      metadata: fc.record({ name: fc.string(), namespace: fc.jsonValue(), labels: fc.jsonValue() }),
      spec: fc.record({ clusterIP: fc.jsonValue(), clusterIPs: fc.jsonValue(), type: fc.jsonValue() }),
      endpoints: fc.jsonValue(),
    }),
  );
  fc.assert(
    fc.property(odd, (raw) => {
      for (const project of projections) expect(() => project(raw)).not.toThrow();
    }),
  );
});

test('an object without a name gives nothing', () => {
  for (const project of projections) expect(project({ metadata: { namespace: 'a' } })).toBeUndefined();
});
