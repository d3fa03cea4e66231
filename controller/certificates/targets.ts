import type { TargetFacts } from '../../src/domain/certificates/rotation.ts';
import type { ApiRequest } from '../../src/k8s/client/api.ts';
import { objectPath, type Resource, resources } from '../../src/k8s/resources.ts';
import { filled, list, object, text } from '../../src/lib/json.ts';
import type { WallTime } from '../../src/lib/time.ts';
import { readAuthorities } from './read-secret.ts';
import { stampedAt } from './stamps.ts';

/** What the API server does when it cannot reach a validating webhook. */
export type FailurePolicy = 'Ignore' | 'Fail';

/** One webhook that an object names. */
export type Hook = {
  /** Empty for the conversion. */
  readonly name: string;
  /** The bundle as it stands there, in base64; empty if there is none. */
  readonly caBundle: string;
  /** Namespace of the Service that is called; undefined if it is called by URL. */
  readonly namespace: string | undefined;
  /** Undefined for the conversion, which has none. */
  readonly failurePolicy: string | undefined;
};

/** What we keep of an object that tells the API server whom to call, and whom to trust there. */
export type TargetView = {
  readonly resourceVersion: string;
  readonly injectedAt: WallTime | undefined;
  readonly stampedAt: WallTime | undefined;
  /** None if the object calls no webhook. */
  readonly hooks: readonly Hook[];
};

/** What every webhook is to say. */
export type Injection = {
  /** PEM. */
  readonly bundle: string;
  readonly namespace: string;
  readonly failurePolicy: FailurePolicy;
};

/** One of the objects into which the authority is written. */
export type Target = {
  readonly name: string;
  readonly resource: Resource;
  readonly project: (raw: unknown) => TargetView | undefined;
  /** The write that makes `view` say what it should. */
  readonly patch: (view: TargetView, injection: Injection, now: WallTime) => ApiRequest;
};

/** When the bundle that stands in the object was written there; in the form of RFC 3339. */
const injectedAtKey = 'metallb.io/ca-injected-at';

const projectTarget =
  (projectHooks: (spec: Readonly<Record<string, unknown>>) => readonly Hook[]) =>
  (raw: unknown): TargetView | undefined => {
    const metadata = object(object(raw)['metadata']);
    const resourceVersion = filled(metadata['resourceVersion']);
    if (resourceVersion === undefined) return undefined;
    const injectedAt = Date.parse(filled(object(metadata['annotations'])[injectedAtKey]) ?? '');
    return {
      resourceVersion,
      injectedAt: Number.isNaN(injectedAt) ? undefined : injectedAt,
      stampedAt: stampedAt(metadata),
      hooks: projectHooks(object(raw)),
    };
  };

const projectHook = (name: string, clientConfig: unknown, failurePolicy: string | undefined): Hook => {
  const { caBundle, service } = object(clientConfig);
  return { name, caBundle: text(caBundle) ?? '', namespace: filled(object(service)['namespace']), failurePolicy };
};

/** With the version, so that a state that we have not seen is never overwritten. */
const metadataOf = ({ resourceVersion }: TargetView, now: WallTime) => ({
  resourceVersion,
  annotations: { [injectedAtKey]: new Date(now).toISOString() },
});

const clientConfigOf = (hook: Hook, { bundle, namespace }: Injection) => ({
  caBundle: Buffer.from(bundle).toString('base64'),
  // The manifests name the usual namespace, and whoever uses another one need not edit them here.
  ...(isElsewhere(hook, namespace) ? { service: { namespace } } : {}),
});

const isElsewhere = (hook: Hook, namespace: string): boolean =>
  hook.namespace !== undefined && hook.namespace !== namespace;

/** `kubectl apply` keeps what it does not name itself, so a merge of only these fields does not quarrel with it. */
const patchOf = (target: Resource, name: string): Pick<ApiRequest, 'method' | 'path' | 'query'> => ({
  method: 'PATCH',
  path: objectPath(target, undefined, name),
  query: { fieldManager: 'MetalLB' },
});

const webhooks: Target = {
  name: 'metallb-webhook-configuration',
  resource: resources.validatingWebhookConfigurations,
  project: projectTarget(({ webhooks: raw }) =>
    list(raw).map((item) => {
      const { name, clientConfig, failurePolicy } = object(item);
      return projectHook(text(name) ?? '', clientConfig, text(failurePolicy) ?? '');
    }),
  ),
  patch: (view, injection, now) => ({
    ...patchOf(webhooks.resource, webhooks.name),
    // Merges the list by the names of the webhooks.
    contentType: 'application/strategic-merge-patch+json',
    body: {
      metadata: metadataOf(view, now),
      webhooks: view.hooks.map((hook) => ({
        name: hook.name,
        failurePolicy: injection.failurePolicy,
        clientConfig: clientConfigOf(hook, injection),
      })),
    },
  }),
};

const conversion: Target = {
  name: 'bgppeers.metallb.io',
  resource: resources.customResourceDefinitions,
  project: projectTarget(({ spec }) => {
    const { strategy, webhook } = object(object(spec)['conversion']);
    return strategy === 'Webhook' ? [projectHook('', object(webhook)['clientConfig'], undefined)] : [];
  }),
  patch: (view, injection, now) => ({
    ...patchOf(conversion.resource, conversion.name),
    contentType: 'application/merge-patch+json',
    body: {
      metadata: metadataOf(view, now),
      spec: {
        conversion: {
          webhook: {
            clientConfig: Object.assign({}, ...view.hooks.map((hook) => clientConfigOf(hook, injection))) as object,
          },
        },
      },
    },
  }),
};

/** All objects that name the authority. */
export const targets: readonly Target[] = [webhooks, conversion];

/** What the plan needs to know of a target. */
export const targetFacts = (name: string, view: TargetView, wanted: Omit<Injection, 'bundle'>): TargetFacts => {
  const [first, ...others] = view.hooks;
  const isUniform = others.every(({ caBundle }) => caBundle === first?.caBundle);
  const isRight = view.hooks.every(
    (hook) =>
      !isElsewhere(hook, wanted.namespace) &&
      (hook.failurePolicy === undefined || hook.failurePolicy === wanted.failurePolicy),
  );
  return {
    name,
    authorities: first !== undefined && isUniform && isRight ? authoritiesOf(first) : undefined,
    injectedAt: view.injectedAt,
  };
};

/** Whether every webhook of a target trusts an authority. */
export const trusts = (view: TargetView, authority: string): boolean =>
  view.hooks.every((hook) => authoritiesOf(hook).includes(authority));

const authoritiesOf = ({ caBundle }: Hook): readonly string[] =>
  readAuthorities(Buffer.from(caBundle, 'base64').toString()).map(({ id }) => id);
