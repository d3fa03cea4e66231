import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  containerEnvironment,
  environmentReferences,
  expandReferences,
  fieldValue,
  kubernetesServiceVariables,
} from './environment.ts';
import { containerOf, podOf } from './fixtures.ts';
import type { Container, Secret } from './types.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secret: Secret = { metadata: { name: 's', namespace: 'shop', uid: 's1' }, data: { user: base64('admin') } };
const addresses = { nodeName: 'n1', hostIps: ['192.0.2.1', '2001:db8::1'], podIps: ['10.244.1.2', 'fd00::2'] };

const environmentOf = (container: Partial<Container>) =>
  containerEnvironment({
    pod: podOf({ serviceAccountName: 'speaker' }, { labels: { app: 'web' } }),
    container: containerOf(container),
    addresses,
    base: new Map([
      ['PATH', '/bin'],
      ['HOME', '/'],
    ]),
    services: new Map([['KUBERNETES_SERVICE_HOST', '10.96.0.1']]),
    sources: { secrets: new Map([['s', secret]]), configMaps: new Map() },
  });

describe('expandReferences', () => {
  const variables = new Map([
    ['A', 'one'],
    ['B', '$(A)'],
  ]);
  test.each([
    ['$(A)/$(A)', 'one/one'],
    ['$(B)', '$(A)'], // a value is not expanded again
    ['$(MISSING)', '$(MISSING)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$one'],
    ['$A ${A} $', '$A ${A} $'],
    ['$(A', '$(A'],
  ])('%j becomes %j', (text, expanded) => expect(expandReferences(text, variables)).toBe(expanded));

  test('text without a dollar sign stays as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = text.replaceAll('$', '');
        expect(expandReferences(plain, variables)).toBe(plain);
      }),
    );
  });
});

test('later variables win and refer to earlier ones', () => {
  const result = environmentOf({
    env: [
      { name: 'PATH', value: '/opt' },
      { name: 'API', value: 'https://$(KUBERNETES_SERVICE_HOST)' },
      { name: 'LATE', value: '$(AFTER)' },
      { name: 'AFTER', value: 'x' },
      { name: 'USER', valueFrom: { secretKeyRef: { name: 's', key: 'user' } } },
    ],
  });
  expect(result).toEqual({
    ok: true,
    value: new Map([
      ['PATH', '/opt'],
      ['HOME', '/'],
      ['KUBERNETES_SERVICE_HOST', '10.96.0.1'],
      ['API', 'https://10.96.0.1'],
      ['LATE', '$(AFTER)'],
      ['AFTER', 'x'],
      ['USER', 'admin'],
    ]),
  });
});

test('envFrom takes all keys with the prefix, and env overrides them', () => {
  const result = environmentOf({
    envFrom: [{ prefix: 'DB_', secretRef: { name: 's' } }, { configMapRef: { name: 'none', optional: true } }],
    env: [{ name: 'WHO', value: '$(DB_user)' }],
  });
  expect(result.ok && result.value.get('WHO')).toBe('admin');
});

test.each<[Partial<Container>, string]>([
  [{ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'k' } } }] }, 'secret "x" not found'],
  [
    { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] },
    "couldn't find key k in Secret shop/s",
  ],
  [{ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'x', key: 'k' } } }] }, 'configmap "x" not found'],
  [{ envFrom: [{ secretRef: { name: 'x' } }] }, 'secret "x" not found'],
])('a missing reference is an error in the words of the kubelet', (container, error) =>
  expect(environmentOf(container)).toEqual({ ok: false, error }),
);

test('an optional reference that leads nowhere sets nothing', () => {
  const result = environmentOf({
    env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'x', key: 'k', optional: true } } }],
  });
  expect(result.ok && result.value.has('A')).toBe(false);
});

test.each([
  ['metadata.name', 'web'],
  ["metadata.labels['app']", 'web'],
  ["metadata.annotations['none']", ''],
  ['metadata.labels', 'app="web"'],
  ['spec.nodeName', 'n1'],
  ['spec.serviceAccountName', 'speaker'],
  ['status.hostIP', '192.0.2.1'],
  ['status.podIP', '10.244.1.2'],
  ['status.podIPs', '10.244.1.2,fd00::2'],
])('the field %s', (path, value) => {
  const pod = podOf({ serviceAccountName: 'speaker' }, { labels: { app: 'web' } });
  expect(fieldValue(pod, addresses, path)).toEqual({ ok: true, value });
});

test('a field that there is not is refused', () =>
  expect(fieldValue(podOf(), addresses, 'spec.hostname')).toEqual({
    ok: false,
    error: 'unsupported fieldPath: spec.hostname',
  }));

test('every Secret and ConfigMap of a container is named once', () =>
  expect(
    environmentReferences(
      containerOf({
        envFrom: [{ secretRef: { name: 'a' } }, { configMapRef: { name: 'c' } }],
        env: [
          { name: 'X', valueFrom: { secretKeyRef: { name: 'a', key: 'k' } } },
          { name: 'Y', valueFrom: { secretKeyRef: { name: 'b', key: 'k' } } },
        ],
      }),
    ),
  ).toEqual({ secrets: ['a', 'b'], configMaps: ['c'] }));

test('an IPv6 service address is bracketed in URLs only', () => {
  const variables = kubernetesServiceVariables('fd00:10:96::1', 443);
  expect(variables.get('KUBERNETES_SERVICE_HOST')).toBe('fd00:10:96::1');
  expect(variables.get('KUBERNETES_PORT')).toBe('tcp://[fd00:10:96::1]:443');
});
