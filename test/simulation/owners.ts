import { createHash } from 'node:crypto';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { type ClusterState, interfacesOf } from './speakers.ts';

/** Who must answer for each address of a state of the cluster, found the plain way; an address may be nobody's. */
export const ownersIn = (state: ClusterState): ReadonlyMap<Ip, string | undefined> => {
  const owners = new Map<Ip, string | undefined>();
  for (const service of state.services.values()) {
    const ip = service.ingress[0]?.ip as Ip | undefined;
    if (ip !== undefined) owners.set(ip, ownerOf(service, ip, state));
  }
  return owners;
};

const ownerOf = (service: ServiceView, ip: Ip, state: ClusterState): string | undefined => {
  if (service.type !== 'LoadBalancer' || service.loadBalancerClass !== undefined) return undefined;
  const endpoints = [...state.slices.values()]
    .filter(({ serviceKey }) => serviceKey === service.key)
    .flatMap((slice) => slice.endpoints)
    .filter(({ usable }) => usable);
  if (endpoints.length === 0) return undefined;
  const candidates = candidateNodes(state).filter(
    (node) => service.externalTrafficPolicy === 'Cluster' || endpoints.some(({ nodeName }) => nodeName === node),
  );
  const [owner] = candidates.sort((a, b) => (digest(a, ip) < digest(b, ip) ? -1 : 1));
  const interfaces = announcedOn(service, ip, state);
  return owner !== undefined && interfaces.some((name) => name === '*' || interfacesOf(owner).includes(name))
    ? owner
    : undefined;
};

const candidateNodes = ({ pods, nodes }: ClusterState): readonly string[] => {
  const homes = new Set(Array.from(pods.values(), ({ nodeName }) => nodeName!));
  const ready = [...pods.values()].filter((pod) => pod.ready).map(({ nodeName }) => nodeName!);
  // Where there is one speaker only, it need not wait until it is ready.
  return [...(homes.size === 1 ? homes : ready)].filter((name) => {
    const node = nodes.get(name);
    return (
      node === undefined ||
      !(node.networkUnavailable || 'node.kubernetes.io/exclude-from-external-load-balancers' in node.labels)
    );
  });
};

/** Names of interfaces, `*` for all; none if nothing announces the address. */
const announcedOn = (
  { annotations }: ServiceView,
  ip: Ip,
  { pools, advertisements }: ClusterState,
): readonly string[] => {
  const specOf = ({ spec }: CustomResource): Readonly<Record<string, readonly string[] | undefined>> =>
    spec as Readonly<Record<string, readonly string[] | undefined>>;
  // Each pool is one /24.
  const home = [...pools.values()].find((pool) => specOf(pool)['addresses']![0]!.startsWith(ip.replace(/\d+$/, '')));
  const pool = home?.metadata.name ?? annotations['metallb.io/ip-allocated-from-pool'];
  // An advertisement may name a pool that is gone.
  if (pool === undefined) return [];
  return [...advertisements.values()]
    .map(specOf)
    .filter(({ ipAddressPools }) => ipAddressPools === undefined || ipAddressPools.includes(pool))
    .flatMap(({ interfaces }) => interfaces ?? ['*']);
};

const digests = new Map<string, string>();

const digest = (node: string, ip: Ip): string => {
  const text = `${node}#${ip}`;
  let known = digests.get(text);
  if (known === undefined) digests.set(text, (known = createHash('sha256').update(text).digest('hex')));
  return known;
};
