import { list, object, text } from '../../src/lib/json.ts';
import type { ApiServer, RawObject } from './api-server.ts';
import type { Random } from './random.ts';

export const poolNames = ['p0', 'p1', 'p2', 'p3'] as const;
const names = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7'] as const;
const addresses = [
  '192.0.2.1',
  '192.0.2.2',
  '192.0.2.4',
  '192.0.3.0',
  '192.0.2.9',
  '203.0.113.1',
  '2001:db8::1',
] as const;
const pairs = ['192.0.2.1,2001:db8::1', '2001:db8::2, 192.0.2.4', '192.0.2.1,192.0.2.2', 'nonsense'] as const;
const prefixes = ['metallb.io', 'metallb.universe.tf'] as const;
const allocatedFromKey = 'metallb.io/ip-allocated-from-pool';

type Annotations = Readonly<Record<string, string>>;
type Spec = Readonly<Record<string, unknown>>;

/** Cluster IPs and families; of a service that exists the first family stays. */
const families = (random: Random, primary = random.chance(0.8) ? '10.96.0.10' : 'fd00::10'): Spec => {
  const other = primary.includes(':') ? '10.96.0.10' : 'fd00::10';
  const ipFamilyPolicy = random.pick(['SingleStack', 'SingleStack', 'PreferDualStack', 'RequireDualStack']);
  // Some clusters give one family only.
  const isDual = ipFamilyPolicy !== 'SingleStack' && random.chance(0.85);
  return { ipFamilyPolicy, clusterIPs: isDual ? [primary, other] : [primary] };
};

const ports = (random: Random): Spec => ({
  ports: random.pick([[80], [80], [443], [80, 443], [53]]).map((port) => ({ protocol: 'TCP', port })),
});
const traffic = (random: Random): Spec => ({ externalTrafficPolicy: random.chance(0.7) ? 'Cluster' : 'Local' });
const selector = (random: Random): Spec => ({ selector: { app: random.pick(['a', 'b']) } });

export const createOrDelete = (server: ApiServer, random: Random): string => {
  const name = random.pick(names);
  const old = server.all('services').find(({ metadata }) => metadata.name === name);
  if (old !== undefined) server.remove('services', old);
  if (old !== undefined && random.chance(0.6)) return `delete ${name}`;
  return create(server, name, random);
};

/** Services that come at once, in any order, where there was none of their name. */
export const createMany = (server: ApiServer, random: Random): string => {
  const present = server.all('services').map(({ metadata }) => metadata.name);
  const absent = names.filter((name) => !present.includes(name));
  const order = absent.map((name) => ({ name, rank: random.next() })).sort((a, b) => a.rank - b.rank);
  return order.map(({ name }) => create(server, name, random)).join('; ');
};

const create = (server: ApiServer, name: string, random: Random): string => {
  const type = random.chance(0.9) ? 'LoadBalancer' : 'ClusterIP';
  const annotations = {
    ...(random.chance(0.3) ? annotate(random, {}) : {}),
    ...(random.chance(0.4) ? share(random, {}) : {}),
  };
  const spec = {
    type,
    ...families(random),
    ...ports(random),
    ...traffic(random),
    ...selector(random),
    ...(random.chance(0.03) ? { clusterIPs: ['None'] } : {}),
    ...(type === 'LoadBalancer' && random.chance(0.08) ? { loadBalancerClass: 'other' } : {}),
  };
  server.create('services', {
    metadata: {
      name,
      namespace: Number(name.slice(1)) % 3 === 0 ? 'team' : 'default',
      labels: random.chance(0.3) ? { tier: 'gold' } : {},
      annotations,
    },
    spec,
    status: { loadBalancer: {} },
  });
  return `create ${name}: ${JSON.stringify({ annotations, spec })}`;
};

/** Annotations with a value under a key, or without it where it was. */
const put = (random: Random, annotations: Annotations, suffix: string, value: string): Annotations => {
  const key = `${random.pick(prefixes)}/${suffix}`;
  const { [key]: old, ...rest } = annotations;
  return old !== undefined && random.chance(0.5) ? rest : { ...rest, [key]: value };
};

const share = (random: Random, annotations: Annotations): Annotations =>
  put(random, annotations, 'allow-shared-ip', random.pick(['red', 'red', 'blue', '']));

/** Annotations with another wish in them. */
const annotate = (random: Random, annotations: Annotations): Annotations => {
  const kind = random.below(3);
  if (kind === 0) return share(random, annotations);
  if (kind === 1) return put(random, annotations, 'address-pool', random.chance(0.9) ? random.pick(poolNames) : 'none');
  return put(random, annotations, 'loadBalancerIPs', random.chance(0.3) ? random.pick(pairs) : random.pick(addresses));
};

/** What the API server makes of an edit: a service that is no LoadBalancer has no addresses and no class. */
const replace = (server: ApiServer, raw: RawObject, metadata: Partial<RawObject['metadata']>, spec: Spec): void => {
  const edited = { ...raw.spec, ...spec };
  server.replace('services', {
    ...raw,
    metadata: { ...raw.metadata, ...metadata },
    spec: edited,
    status: { ...raw.status, ...(edited['type'] === 'LoadBalancer' ? {} : { loadBalancer: {} }) },
  });
};

export const editService = (server: ApiServer, random: Random): string => {
  const raw = random.anyOf(server.all('services'));
  if (raw === undefined) return createOrDelete(server, random);
  const { name, annotations = {}, labels = {} } = raw.metadata;
  const edit = (spec: Spec): string => {
    replace(server, raw, {}, spec);
    return `${name} has ${JSON.stringify(spec)}`;
  };
  const annotated = (wanted: Annotations): string => {
    replace(server, raw, { annotations: wanted }, {});
    return `${name} is annotated ${JSON.stringify(wanted)}`;
  };
  const kind = random.below(20);
  if (kind < 3) return changeType(raw, edit, random);
  if (kind < 9) return annotated(annotate(random, annotations));
  if (kind < 10) return edit({ loadBalancerIP: random.chance(0.6) ? undefined : random.pick(addresses) });
  if (kind < 12) return edit(families(random, primaryOf(raw)));
  if (kind < 14) return edit(ports(random));
  if (kind < 16) return edit(random.chance(0.5) ? traffic(random) : selector(random));
  if (kind < 18) {
    replace(server, raw, { labels: labels['tier'] === undefined ? { tier: 'gold' } : {} }, {});
    return `${name} is relabelled`;
  }
  if (kind < 19) {
    // What `kubectl replace` with the user's own file does.
    const { [allocatedFromKey]: _, ...rest } = annotations;
    return annotated(rest);
  }
  return tamper(server, raw, random);
};

const primaryOf = ({ spec }: RawObject): string => {
  const first = text(list(spec?.['clusterIPs'])[0]);
  return first === undefined || first === 'None' ? '10.96.0.10' : first;
};

const changeType = ({ spec }: RawObject, edit: (spec: Spec) => string, random: Random): string => {
  if (spec?.['type'] === 'LoadBalancer') return edit({ type: 'ClusterIP', loadBalancerClass: undefined });
  return edit({ type: 'LoadBalancer', loadBalancerClass: random.chance(0.1) ? 'other' : undefined });
};

/** Another program writes conditions: one of its own, or it takes away all there are. */
const tamper = (server: ApiServer, raw: RawObject, random: Random): string => {
  const time = '2026-01-01T00:00:00Z';
  const own = { type: 'example.com/Checked', status: 'True', reason: 'Checked', message: '', lastTransitionTime: time };
  const others = list(raw.status?.['conditions']).filter((condition) => object(condition)['type'] !== own.type);
  const conditions = random.chance(0.5) ? [] : [own, ...others];
  server.replace('services', { ...raw, status: { ...raw.status, conditions } });
  return `${raw.metadata.name} has ${conditions.length} conditions`;
};
