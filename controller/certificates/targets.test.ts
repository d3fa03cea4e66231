import { expect, test } from 'vitest';
import { targetFacts, targets } from './targets.ts';

const [webhooks, conversion] = targets;
const wanted = { namespace: 'metallb-system', failurePolicy: 'Ignore' } as const;
const metadata = { name: 'x', resourceVersion: '7' };
const clientConfig = { caBundle: 'QQ==', service: { name: 'hook', namespace: 'metallb-system' } };

test('the time of the last injection and the newest time of the API server are read', () => {
  const view = webhooks!.project({
    metadata: {
      ...metadata,
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: { 'metallb.io/ca-injected-at': '2026-01-02T00:00:00.500Z' },
      managedFields: [{ time: '2026-01-04T00:00:00Z' }, { time: '2026-01-03T00:00:00Z' }, {}],
    },
    webhooks: [{ name: 'a', clientConfig, failurePolicy: 'Fail' }],
  });
  expect(view).toEqual({
    resourceVersion: '7',
    injectedAt: Date.parse('2026-01-02T00:00:00.500Z'),
    stampedAt: Date.parse('2026-01-04T00:00:00Z'),
    hooks: [{ name: 'a', caBundle: 'QQ==', namespace: 'metallb-system', failurePolicy: 'Fail' }],
  });
});

test('a time that is none counts as absent', () => {
  const annotations = { 'metallb.io/ca-injected-at': 'yesterday' };
  expect(webhooks!.project({ metadata: { ...metadata, annotations } })).toMatchObject({
    injectedAt: undefined,
    stampedAt: undefined,
    hooks: [],
  });
});

test('a definition that converts nothing calls nobody', () => {
  const spec = { conversion: { strategy: 'None' } };
  expect(conversion!.project({ metadata, spec })).toMatchObject({ hooks: [] });
  expect(conversion!.project({ metadata, spec: {} })).toMatchObject({ hooks: [] });
});

test('only what is meant is patched in the definition', () => {
  const spec = { conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } } };
  const view = conversion!.project({ metadata, spec })!;
  expect(conversion!.patch(view, { bundle: 'B', ...wanted }, 0)).toEqual({
    method: 'PATCH',
    path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.metallb.io',
    query: { fieldManager: 'MetalLB' },
    contentType: 'application/merge-patch+json',
    body: {
      metadata: { resourceVersion: '7', annotations: { 'metallb.io/ca-injected-at': '1970-01-01T00:00:00.000Z' } },
      spec: { conversion: { webhook: { clientConfig: { caBundle: 'Qg==' } } } },
    },
  });
});

test('a webhook that is called by URL has no Service to follow the namespace', () => {
  const raw = { metadata, webhooks: [{ name: 'a', clientConfig: { url: 'https://x' }, failurePolicy: 'Ignore' }] };
  const view = webhooks!.project(raw)!;
  expect(webhooks!.patch(view, { bundle: 'B', ...wanted, namespace: 'other' }, 0).body).toMatchObject({
    webhooks: [{ name: 'a', clientConfig: { caBundle: 'Qg==' } }],
  });
  expect(targetFacts('x', view, wanted)).toMatchObject({ authorities: [] });
});

test.each([
  ['bundles differ', { caBundle: 'Qg==' }, 'Ignore'],
  ['one goes elsewhere', { service: { name: 'hook', namespace: 'other' } }, 'Ignore'],
  ['one has another policy', {}, 'Fail'],
])('what the webhooks trust is unknown if %s', (_, change, failurePolicy) => {
  const second = { name: 'b', clientConfig: { ...clientConfig, ...change }, failurePolicy };
  const view = webhooks!.project({
    metadata,
    webhooks: [{ name: 'a', clientConfig, failurePolicy: 'Ignore' }, second],
  });
  expect(targetFacts('x', view!, wanted)).toEqual({ name: 'x', authorities: undefined, injectedAt: undefined });
});
