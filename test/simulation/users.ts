import type { ApiServer, RawObject } from './api-server.ts';
import { metallbNamespace } from './expectations.ts';
import type { Random } from './random.ts';

const names = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7'] as const;
const poolNames = ['p0', 'p1', 'p2', 'p3'] as const;
/** Ranges that overlap, so that addresses change pools; the second with octets that `avoidBuggyIPs` leaves out. */
const ranges = [
  '192.0.2.1-192.0.2.3',
  '192.0.2.254-192.0.3.1',
  '192.0.2.3-192.0.2.6',
  '192.0.2.0/30',
  '192.0.2.8/31',
  '2001:db8::/127',
] as const;
const addresses = [
  '192.0.2.1',
  '192.0.2.2',
  '192.0.2.4',
  '192.0.3.0',
  '192.0.2.9',
  '203.0.113.1',
  '2001:db8::1',
] as const;
const prefixes = ['metallb.io', 'metallb.universe.tf'] as const;
const allocatedFromKey = 'metallb.io/ip-allocated-from-pool';

/** One thing that users, or programs other than the controller, do to the cluster; says what it was. */
export const act = (server: ApiServer, random: Random): string => {
  const kind = random.below(100);
  if (kind < 25) return createOrDelete(server, random);
  if (kind < 70) return editService(server, random);
  if (kind < 92) return editPool(server, random);
  return kind < 96 ? editAdvertisement(server, random) : relabelNamespace(server, random);
};

const serviceSpec = (random: Random): Record<string, unknown> => ({
  type: random.chance(0.9) ? 'LoadBalancer' : 'ClusterIP',
  clusterIPs: [random.chance(0.85) ? '10.96.0.10' : 'fd00::10'],
});

const createOrDelete = (server: ApiServer, random: Random): string => {
  const name = random.pick(names);
  const old = server.all('services').find(({ metadata }) => metadata.name === name);
  if (old !== undefined) server.remove('services', old);
  if (old !== undefined && random.chance(0.6)) return `delete ${name}`;
  const spec = serviceSpec(random);
  const isOther = spec['type'] === 'LoadBalancer' && random.chance(0.1);
  server.create('services', {
    metadata: {
      name,
      namespace: Number(name.slice(1)) % 3 === 0 ? 'team' : 'default',
      labels: random.chance(0.3) ? { tier: 'gold' } : {},
      annotations: random.chance(0.3) ? wish(random, {}) : {},
    },
    spec: isOther ? { ...spec, loadBalancerClass: 'other' } : spec,
    status: { loadBalancer: {} },
  });
  return `${old === undefined ? 'create' : 're-create'} ${name}`;
};

/** Annotations with another wish in them. */
const wish = (random: Random, annotations: Readonly<Record<string, string>>): Record<string, string> => {
  const suffix = random.pick(['address-pool', 'loadBalancerIPs']);
  const key = `${random.pick(prefixes)}/${suffix}`;
  const { [key]: old, ...rest } = annotations;
  if (old !== undefined && random.chance(0.5)) return rest;
  if (suffix === 'address-pool') return { ...rest, [key]: random.chance(0.9) ? random.pick(poolNames) : 'none' };
  const list = random.chance(0.1) ? '192.0.2.1,2001:db8::1' : random.chance(0.1) ? 'nonsense' : random.pick(addresses);
  return { ...rest, [key]: list };
};

const editService = (server: ApiServer, random: Random): string => {
  const raw = random.anyOf(server.all('services'));
  if (raw === undefined) return createOrDelete(server, random);
  const { name, annotations = {}, labels = {} } = raw.metadata;
  const put = (metadata: Partial<RawObject['metadata']>, spec: Record<string, unknown>, status = raw.status): void =>
    server.replace('services', {
      ...raw,
      metadata: { ...raw.metadata, ...metadata },
      spec: { ...raw.spec, ...spec },
      ...(status === undefined ? {} : { status }),
    });
  const kind = random.below(10);
  if (kind < 2) {
    const type = raw.spec?.['type'] === 'LoadBalancer' ? 'ClusterIP' : 'LoadBalancer';
    const loadBalancerClass = type === 'LoadBalancer' && random.chance(0.1) ? 'other' : undefined;
    // The server empties the status of a service that is no LoadBalancer.
    const loadBalancer = type === 'LoadBalancer' ? statusOf(raw) : {};
    put({}, { type, loadBalancerClass }, { ...raw.status, loadBalancer });
    return `${name} becomes ${type} ${loadBalancerClass ?? ''}`;
  }
  if (kind < 6) {
    const wanted = wish(random, annotations);
    put({ annotations: wanted }, {});
    return `${name} is annotated ${JSON.stringify(wanted)}`;
  }
  if (kind < 7) {
    const loadBalancerIP = random.chance(0.6) ? undefined : random.pick(addresses);
    put({}, { loadBalancerIP });
    return `${name} has loadBalancerIP ${loadBalancerIP ?? 'no more'}`;
  }
  if (kind < 8) {
    put({ labels: labels['tier'] === undefined ? { tier: 'gold' } : {} }, {});
    return `${name} is relabelled`;
  }
  if (kind < 9 && random.chance(0.4)) {
    // What `kubectl replace` with the user's own file does.
    const { [allocatedFromKey]: _, ...rest } = annotations;
    put({ annotations: rest }, {});
    return `${name} loses our annotation`;
  }
  put({}, { externalTrafficPolicy: random.pick(['Cluster', 'Local']) });
  return `${name} gets a traffic policy`;
};

const statusOf = ({ status }: RawObject): unknown => status?.['loadBalancer'] ?? {};

const poolSpec = (random: Random): Record<string, unknown> => ({
  addresses: Array.from({ length: 1 + random.below(2) }, () => random.pick(ranges)),
  autoAssign: random.chance(0.8),
  avoidBuggyIPs: random.chance(0.3),
  ...(random.chance(0.3)
    ? {
        serviceAllocation: {
          priority: random.below(3),
          ...(random.chance(0.4) ? { namespaces: ['team'] } : {}),
          ...(random.chance(0.3) ? { namespaceSelectors: [{ matchLabels: { rich: 'yes' } }] } : {}),
          ...(random.chance(0.4) ? { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] } : {}),
        },
      }
    : {}),
});

const editPool = (server: ApiServer, random: Random): string => {
  const name = random.pick(poolNames);
  const old = server.all('ipaddresspools').find(({ metadata }) => metadata.name === name);
  if (old !== undefined && random.chance(0.3)) {
    server.remove('ipaddresspools', old);
    return `remove pool ${name}`;
  }
  const fresh = poolSpec(random);
  const key = random.pick(['addresses', 'autoAssign', 'avoidBuggyIPs', 'serviceAllocation']);
  const spec = old === undefined || random.chance(0.3) ? fresh : { ...old.spec, [key]: fresh[key] };
  if (old === undefined) server.create('ipaddresspools', { metadata: { name, namespace: metallbNamespace }, spec });
  else server.replace('ipaddresspools', { ...old, spec });
  return `pool ${name} is ${JSON.stringify(spec)}`;
};

const editAdvertisement = (server: ApiServer, random: Random): string => {
  const [old] = server.all('l2advertisements');
  if (old !== undefined) server.remove('l2advertisements', old);
  else {
    const spec = random.chance(0.5) ? {} : { ipAddressPools: [random.pick(poolNames)] };
    server.create('l2advertisements', { metadata: { name: 'l2', namespace: metallbNamespace }, spec });
  }
  return `${old === undefined ? 'create' : 'remove'} the advertisement`;
};

const relabelNamespace = (server: ApiServer, random: Random): string => {
  const raw = random.anyOf(server.all('namespaces'));
  if (raw === undefined) return 'no namespace';
  const labels = raw.metadata.labels?.['rich'] === undefined ? { rich: 'yes' } : {};
  server.replace('namespaces', { ...raw, metadata: { ...raw.metadata, labels } });
  return `namespace ${raw.metadata.name} has labels ${JSON.stringify(labels)}`;
};
