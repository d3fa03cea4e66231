import type { Ip } from '../../src/lib/ip.ts';
import type { Random } from './random.ts';
import type { Kind, SpeakerCluster } from './speakers.ts';

const namespace = 'metallb-system';
const serviceNames = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9'] as const;
const poolNames = ['p0', 'p1', 'p2'] as const;
const excludeLabel = 'node.kubernetes.io/exclude-from-external-load-balancers';

export const podKey = (node: string): string => `${namespace}/speaker-${node}`;

/** Puts up what a cluster has before anything happens to it. */
export const furnish = (cluster: SpeakerCluster, nodes: readonly string[], random: Random): void => {
  for (const name of nodes) {
    cluster.put('nodes', name, { name, labels: {}, networkUnavailable: false });
    cluster.put('pods', podKey(name), { key: podKey(name), nodeName: name, ready: false });
  }
  for (const name of poolNames) putPool(cluster, name);
  cluster.put('advertisements', 'l2', { metadata: { name: 'l2', namespace, uid: 'l2' }, spec: {} });
  for (const name of serviceNames) {
    putService(cluster, name, random);
    putSlice(cluster, name, nodes, random);
  }
};

const putPool = (cluster: SpeakerCluster, name: string): void =>
  cluster.put('pools', name, {
    metadata: { name, namespace, uid: name },
    spec: { addresses: [`10.0.${name.slice(1)}.0/24`] },
  });

const putService = (cluster: SpeakerCluster, name: string, random: Random): void => {
  const key = `default/${name}`;
  const { services } = cluster.state();
  const taken = [...services.values()].filter((other) => other.key !== key).flatMap(({ ingress }) => ingress);
  const free = [0, 1, 2, 3]
    .flatMap((pool) => [1, 2, 3, 4].map((host) => `10.0.${pool}.${host}` as Ip))
    .filter((ip) => !taken.some((entry) => entry.ip === ip));
  // Some kinds of edit keep the address.
  const old = services.get(key)?.ingress[0]?.ip;
  const ip = old !== undefined && random.chance(0.5) ? old : random.chance(0.9) ? random.anyOf(free) : undefined;
  cluster.put('services', key, {
    key,
    namespace: 'default',
    name,
    uid: name,
    resourceVersion: `${random.below(1000)}`,
    createdAt: '2026-01-01T00:00:00Z',
    labels: {},
    annotations: random.chance(0.5) ? { 'metallb.io/ip-allocated-from-pool': random.pick(poolNames) } : {},
    type: random.chance(0.9) ? 'LoadBalancer' : 'ClusterIP',
    loadBalancerClass: random.chance(0.05) ? 'other' : undefined,
    clusterIPs: ['10.96.0.10'],
    loadBalancerIP: undefined,
    ipFamilies: [],
    ipFamilyPolicy: 'SingleStack',
    externalTrafficPolicy: random.chance(0.7) ? 'Cluster' : 'Local',
    selector: '',
    ports: ['TCP/80'],
    conditions: [],
    ingress: ip === undefined ? [] : [{ ip }],
  });
};

const putSlice = (cluster: SpeakerCluster, name: string, nodes: readonly string[], random: Random): void => {
  const serviceKey = `default/${name}`;
  // A service may have several slices, and a slice may lose its service.
  const key = `${serviceKey}-${random.below(2)}`;
  cluster.put('slices', key, {
    key,
    serviceKey: random.chance(0.95) ? serviceKey : undefined,
    endpoints: Array.from({ length: random.below(4) }, () => ({
      nodeName: random.anyOf(nodes),
      usable: random.chance(0.7),
    })),
  });
};

/** Any node; more often one that has an address than chance would have it. */
export const pickNode = (cluster: SpeakerCluster, nodes: readonly string[], random: Random): string => {
  const ip = random.chance(0.6) ? random.anyOf(cluster.announced()) : undefined;
  return (ip && random.anyOf([...cluster.announcers(ip)])) ?? random.anyOf(nodes)!;
};

/** Something happens to an object of that kind. Speaker pods change only in what their nodes report here. */
export const disturbKind = (cluster: SpeakerCluster, kind: Kind, nodes: readonly string[], random: Random): void => {
  const state = cluster.state();
  switch (kind) {
    case 'services': {
      const name = random.pick(serviceNames);
      if (random.chance(0.15)) cluster.put('services', `default/${name}`, undefined);
      else putService(cluster, name, random);
      return;
    }
    case 'slices': {
      const old = random.anyOf([...state.slices.keys()]);
      if (old !== undefined && random.chance(0.2)) cluster.put('slices', old, undefined);
      else putSlice(cluster, random.pick(serviceNames), nodes, random);
      return;
    }
    case 'nodes': {
      const name = pickNode(cluster, nodes, random);
      cluster.put('nodes', name, {
        name,
        labels: random.chance(0.2) ? { [excludeLabel]: '' } : { zone: random.pick(['a', 'b']) },
        networkUnavailable: random.chance(0.1),
      });
      return;
    }
    case 'pods': {
      const node = pickNode(cluster, nodes, random);
      cluster.put('pods', podKey(node), { key: podKey(node), nodeName: node, ready: random.chance(0.6) });
      return;
    }
    case 'pools': {
      const name = random.pick(poolNames);
      if (state.pools.has(name) && random.chance(0.5)) cluster.put('pools', name, undefined);
      else putPool(cluster, name);
      return;
    }
    case 'advertisements': {
      const name = random.pick(['l2', 'some']);
      if (state.advertisements.has(name) && random.chance(0.4)) return cluster.put('advertisements', name, undefined);
      const interfaces = random.pick([undefined, undefined, ['eth0'], ['eth1']]);
      const ipAddressPools = random.chance(0.5) ? [random.pick(poolNames)] : undefined;
      const metadata = { name, namespace, uid: name };
      return cluster.put('advertisements', name, { metadata, spec: dropUndefined({ interfaces, ipAddressPools }) });
    }
  }
};

const dropUndefined = (fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
