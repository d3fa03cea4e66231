import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { createWebhook } from '../controller/webhook/webhook.ts';
import type { Api } from '../src/k8s/client/api.ts';
import { silentLog } from '../test/support/silent-log.ts';

const folder = import.meta.dirname;

type Rule = {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
};

type PodSpec = Record<string, unknown> & { readonly containers: readonly Record<string, unknown>[] };

type Manifest = {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly spec?: { readonly template: { readonly metadata: object; readonly spec: PodSpec } };
};

const objects = parseAllDocuments(readFileSync(join(folder, 'metallb.yaml'), 'utf8')).map(
  (document) => document.toJS() as Manifest,
);

const named = (kind: string, name: string): Manifest =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)!;

const podSpec = (kind: string, name: string): PodSpec => named(kind, name).spec!.template.spec;

test('the generated files are as they would be generated now', () => {
  const check = spawnSync(process.execPath, [join(folder, 'generate.ts'), '--check'], { encoding: 'utf8' });
  expect(check.stderr).toBe('');
  expect(check.status).toBe(0);
});

test('the kustomization lists every part', () => {
  const { resources } = parse(readFileSync(join(folder, 'Kustomization'), 'utf8')) as { resources: string[] };
  const parts = ['base', 'crds'].flatMap((sub) => readdirSync(join(folder, sub)).map((file) => `${sub}/${file}`));
  expect(resources.toSorted()).toEqual(parts.sort());
});

test('kubectl apply -f finds metallb.yaml alone in the folder', () => {
  const read = readdirSync(folder).filter((file) => /\.(ya?ml|json)$/.test(file));
  expect(read).toEqual(['metallb.yaml']);
});

test('the namespace and the definitions come before what needs them', () => {
  const kinds = [...new Set(objects.map(({ kind }) => kind))];
  expect(kinds.slice(0, 3)).toEqual(['Namespace', 'CustomResourceDefinition', 'ServiceAccount']);
  expect(kinds.slice(-3)).toEqual(['Deployment', 'PodDisruptionBudget', 'DaemonSet']);
});

test('kubectl can note the whole of every object in an annotation', () => {
  // `kubectl apply` keeps what it applied in an annotation, and all annotations together have 256 KiB.
  const sizes = objects.map((object) => JSON.stringify(object).length);
  expect(Math.max(...sizes)).toBeLessThan(200_000);
});

test('what a user of MetalLB knows has the same name', () => {
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
    'Namespace metallb-system',
    'CustomResourceDefinition ipaddresspools.metallb.io',
    'CustomResourceDefinition l2advertisements.metallb.io',
    'CustomResourceDefinition bgpadvertisements.metallb.io',
    'CustomResourceDefinition bgppeers.metallb.io',
    'CustomResourceDefinition bfdprofiles.metallb.io',
    'CustomResourceDefinition communities.metallb.io',
    'CustomResourceDefinition configurationstates.metallb.io',
    'CustomResourceDefinition servicel2statuses.metallb.io',
    'CustomResourceDefinition servicebgpstatuses.metallb.io',
    'ServiceAccount controller',
    'ServiceAccount speaker',
    'ClusterRole metallb-system:controller',
    'ClusterRoleBinding metallb-system:controller',
    'ClusterRole metallb-system:speaker',
    'ClusterRoleBinding metallb-system:speaker',
    'Role controller',
    'RoleBinding controller',
    'Role pod-lister',
    'RoleBinding pod-lister',
    'ConfigMap metallb-excludel2',
    'Service metallb-webhook-service',
    'Secret metallb-webhook-cert',
    'ValidatingWebhookConfiguration metallb-webhook-configuration',
    'Deployment controller',
    'PodDisruptionBudget controller',
    'DaemonSet speaker',
  ]);
});

test('Secrets are touched in one role only: two by their names, and creation', () => {
  const touching = objects.flatMap(({ kind, metadata, rules = [] }) =>
    rules
      .filter(({ resources }) => resources.includes('secrets') || resources.includes('*'))
      .map(({ resourceNames, verbs }) => ({ role: `${kind} ${metadata.name}`, resourceNames, verbs })),
  );
  expect(touching).toEqual([
    { role: 'Role controller', resourceNames: ['memberlist'], verbs: ['get'] },
    { role: 'Role controller', resourceNames: ['metallb-webhook-cert'], verbs: ['list', 'watch', 'patch'] },
    { role: 'Role controller', resourceNames: undefined, verbs: ['create'] },
  ]);
});

test('a collection is read only, a status patched; what is made is an event, a state or a question', () => {
  const rules = objects.flatMap((object) => object.rules ?? []).filter((rule) => rule.resourceNames === undefined);
  expect(new Set(rules.map(({ verbs }) => verbs.join(' ')))).toEqual(
    new Set([
      'list watch',
      'get list watch',
      'list watch create patch',
      'get list watch create patch delete', // what speakers say of services, in the place of a dead node's
      'patch',
      'create patch',
      'create',
    ]),
  );
});

test('no role has a wildcard, and speakers change nothing but what they say themselves', () => {
  const rules = objects.flatMap((object) => object.rules ?? []);
  expect(rules.flatMap(({ apiGroups, resources, verbs }) => [...apiGroups, ...resources, ...verbs])).not.toContain('*');
  const speakerRules = ['ClusterRole metallb-system:speaker', 'Role pod-lister'].flatMap((role) => {
    const [kind, name] = role.split(' ') as [string, string];
    return named(kind, name).rules!;
  });
  const writing = speakerRules.filter(({ verbs }) => verbs.some((verb) => !['get', 'list', 'watch'].includes(verb)));
  expect(writing.flatMap(({ resources }) => resources)).toEqual([
    'events',
    'tokenreviews',
    'subjectaccessreviews',
    'servicel2statuses',
    'configurationstates',
    'servicel2statuses/status',
    'configurationstates/status',
  ]);
});

test.each([
  ['Deployment', 'controller', undefined],
  ['DaemonSet', 'speaker', ['NET_RAW']],
])('the container of %s %s may do what it must, and no more', (kind, name, capabilities) => {
  expect(podSpec(kind, name).containers.map(({ securityContext }) => securityContext)).toEqual([
    {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], ...(capabilities && { add: capabilities }) },
    },
  ]);
});

test('the speaker is uid 0 on the host network, the controller nobody', () => {
  const seccompProfile = { type: 'RuntimeDefault' };
  expect(podSpec('DaemonSet', 'speaker')).toMatchObject({
    hostNetwork: true,
    terminationGracePeriodSeconds: 10,
    priorityClassName: 'system-node-critical',
    securityContext: { runAsUser: 0, seccompProfile },
  });
  expect(podSpec('Deployment', 'controller')).toMatchObject({
    priorityClassName: 'system-cluster-critical',
    securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile },
  });
  expect(podSpec('Deployment', 'controller')['hostNetwork']).toBeUndefined();
});

test.each([
  ['Deployment', 'controller'],
  ['DaemonSet', 'speaker'],
])('%s %s asks for CPU, is not limited, and is ready soon', (kind, name) => {
  const [container] = podSpec(kind, name).containers;
  expect(container?.['resources']).toEqual({ requests: { cpu: '100m', memory: '128Mi' } });
  expect(container?.['readinessProbe']).toMatchObject({ initialDelaySeconds: 1, periodSeconds: 2 });
});

type Webhook = {
  readonly name: string;
  readonly clientConfig: { readonly service: object };
  readonly rules: readonly { readonly operations: readonly string[]; readonly resources: readonly string[] }[];
};

test('every webhook of MetalLB is called, does no harm while nobody answers, and is answered', () => {
  const { webhooks } = named('ValidatingWebhookConfiguration', 'metallb-webhook-configuration') as unknown as {
    readonly webhooks: readonly Webhook[];
  };
  const service = { name: 'metallb-webhook-service', namespace: 'metallb-system' };
  const answered = Object.keys(
    createWebhook({
      api: { request: () => Promise.reject(new Error('not asked')) } as unknown as Api,
      log: silentLog,
      metallbNamespace: 'metallb-system',
      bgpType: 'native',
      watched: () => {
        throw new Error('not asked');
      },
    }),
  );
  expect(webhooks.map(({ clientConfig }) => clientConfig.service).concat({ ...service, path: '/convert' })).toEqual(
    expect.arrayContaining(answered.map((path) => ({ ...service, path }))),
  );
  expect(answered).toHaveLength(webhooks.length + 1);
  expect(webhooks.map(({ name }) => name)).toEqual(
    ['bgppeers', 'bfdprofile', 'bgpadvertisement', 'community', 'ipaddresspool', 'l2advertisement'].map(
      (kind) => `${kind}validationwebhook.metallb.io`,
    ),
  );
  for (const webhook of webhooks) {
    expect(webhook).toMatchObject({
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Ignore',
      matchPolicy: 'Equivalent',
      sideEffects: 'None',
      timeoutSeconds: 3,
    });
  }
  const operations = webhooks.flatMap(({ rules }) => rules.map((rule) => [...rule.resources, ...rule.operations]));
  expect(operations).toEqual([
    ['bgppeers', 'CREATE', 'UPDATE'],
    ['bfdprofiles', 'CREATE', 'DELETE'],
    ['bgpadvertisements', 'CREATE', 'UPDATE'],
    ['communities', 'CREATE', 'UPDATE'],
    ['ipaddresspools', 'CREATE', 'UPDATE', 'DELETE'],
    ['l2advertisements', 'CREATE', 'UPDATE'],
  ]);
});

test('the service of the webhooks leads to the controller, and their Secret names nothing that applying would wipe', () => {
  const { selector, ports } = named('Service', 'metallb-webhook-service').spec as unknown as Record<string, unknown>;
  expect(named('Deployment', 'controller').spec?.template.metadata).toMatchObject({ labels: selector });
  expect(ports).toEqual([{ name: 'webhook', port: 443, targetPort: 9443 }]);
  expect(Object.keys(named('Secret', 'metallb-webhook-cert')).sort()).toEqual(['apiVersion', 'kind', 'metadata']);
});
