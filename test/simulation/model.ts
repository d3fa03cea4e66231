/** What a service asks for and what a pool gives, read the plain way. */
import { assembleConfiguration, nothingConfigured } from '../../src/domain/config/assemble.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { familyOf, type Ip, type IpFamily, ipFromNumber, parseIp } from '../../src/lib/ip.ts';
import { projectNamespace, projectService } from '../../src/k8s/projections.ts';
import type { RawObject } from './api-server.ts';

export const metallbNamespace = 'metallb-system';

/** What the user wants of a service. */
export type Wish =
  /** Cannot be understood: what it has stays. */
  | { readonly type: 'unclear'; readonly reason: string }
  | {
      readonly type: 'clear';
      readonly families: readonly IpFamily[];
      readonly needsAll: boolean;
      readonly requested: readonly Ip[];
      readonly pool: string | undefined;
    };
type ClearWish = Extract<Wish, { type: 'clear' }>;

export const viewOf = (raw: RawObject): ServiceView => {
  const view = projectService(raw);
  if (view === undefined) throw new Error('no service');
  return view;
};

export const shownBy = ({ ingress }: ServiceView): readonly Ip[] => ingress.map(({ ip }) => ip as Ip);

export const serves = ({ type, loadBalancerClass }: ServiceView): boolean =>
  type === 'LoadBalancer' && loadBalancerClass === undefined;

export const allocatedFrom = ({ annotations }: ServiceView): string | undefined =>
  annotations['metallb.io/ip-allocated-from-pool'];

const read = ({ annotations }: ServiceView, name: string): string =>
  annotations[`metallb.io/${name}`] ?? annotations[`metallb.universe.tf/${name}`] ?? '';

export const wishOf = (view: ServiceView): Wish => {
  const families = [...new Set(view.clusterIPs.filter((text) => text !== 'None').map((text) => familyOf(text as Ip)))];
  if (families.length === 0) return { type: 'unclear', reason: 'NoClusterIP' };
  const needsAll = view.ipFamilyPolicy === 'RequireDualStack';
  if (needsAll && families.length === 1) return { type: 'unclear', reason: 'NotEnoughClusterIPs' };
  const list = read(view, 'loadBalancerIPs');
  const field = view.loadBalancerIP ?? '';
  const texts = [...(list === '' ? [] : list.split(',')), ...(field === '' ? [] : [field])];
  const requested = texts.map((text) => parseIp(text.trim())).flatMap((ip) => (ip.ok ? [ip.value] : []));
  const isUnclear =
    (list !== '' && field !== '') ||
    requested.length < texts.length ||
    new Set(requested.map(familyOf)).size < requested.length;
  if (isUnclear) return { type: 'unclear', reason: 'InvalidRequest' };
  return {
    type: 'clear',
    families: view.ipFamilyPolicy === 'SingleStack' ? families.slice(0, 1) : families,
    needsAll,
    requested,
    pool: read(view, 'address-pool') || undefined,
  };
};

/**
 * Whether the addresses that a service asks for allow it to have this one: it is one of them, or of a family that is
 * not named while all that are named are there.
 */
export const isAskedFor = (ip: Ip, view: ServiceView, { requested, families }: ClearWish): boolean =>
  requested.length === 0 ||
  requested.includes(ip) ||
  requested.every(
    (other) => familyOf(other) !== familyOf(ip) && families.includes(familyOf(other)) && shownBy(view).includes(other),
  );

/** What decides with whom a service may share an address. */
export type Terms = { readonly key: string; readonly backend: string; readonly ports: readonly string[] };

export const termsOf = (view: ServiceView): Terms => ({
  key: read(view, 'allow-shared-ip'),
  backend: view.externalTrafficPolicy === 'Local' ? view.selector : 'any',
  ports: view.ports,
});

export const mayShare = (a: Terms, b: Terms): boolean =>
  a.key !== '' && a.key === b.key && a.backend === b.backend && !a.ports.some((port) => b.ports.includes(port));

/** What pools are assembled from. */
export const configuring = ['ipaddresspools', 'l2advertisements', 'namespaces'] as const;

export const assemblePools = (
  all: (collection: (typeof configuring)[number]) => readonly RawObject[],
): readonly Pool[] =>
  assembleConfiguration({
    ...nothingConfigured,
    pools: all('ipaddresspools') as readonly CustomResource[],
    l2Advertisements: all('l2advertisements') as readonly CustomResource[],
    namespaces: all('namespaces').map((raw) => projectNamespace(raw)!),
    metallbNamespace,
  }).configuration.pools;

/** Every address a pool gives; the pools of a simulation are small. */
export const addressesOf = ({ ranges, avoidBuggyIPs }: Pool): ReadonlySet<Ip> => {
  const ips = new Set<Ip>();
  for (const { family, first, last } of ranges) {
    for (let value = first; value <= last; value++) {
      const ip = ipFromNumber(family, value);
      if (!(avoidBuggyIPs && /^\d+\.\d+\.\d+\.(0|255)$/.test(ip))) ips.add(ip);
    }
  }
  return ips;
};

export const poolWith = (pools: readonly Pool[], ip: Ip): Pool | undefined =>
  pools.find((pool) => addressesOf(pool).has(ip));

/** The first pool that has one of the addresses. */
export const homeOf = (pools: readonly Pool[], ips: readonly Ip[]): Pool | undefined =>
  ips.map((ip) => poolWith(pools, ip)).find((pool) => pool !== undefined);

export const admits = ({ serviceAllocation }: Pool, { namespace, labels }: ServiceView): boolean =>
  serviceAllocation === undefined ||
  ((serviceAllocation.namespaces?.has(namespace) ?? true) &&
    (serviceAllocation.serviceSelectors.length === 0 ||
      serviceAllocation.serviceSelectors.some((matches) => matches(labels))));

/** All services and pools at one time. */
export type Picture = { readonly services: readonly ServiceView[]; readonly pools: readonly Pool[] };

/** Whether nobody who shows the address is in the service's way. */
export const isAvailable = (ip: Ip, view: ServiceView, { services }: Picture): boolean =>
  services.every(
    (other) => other.uid === view.uid || !shownBy(other).includes(ip) || mayShare(termsOf(view), termsOf(other)),
  );

/** Whether the very addresses that it asks for could be had. */
const couldHaveRequested = (view: ServiceView, { families, requested, pool }: ClearWish, picture: Picture): boolean => {
  const home = poolWith(picture.pools, requested[0]!);
  return (
    home !== undefined &&
    admits(home, view) &&
    (pool === undefined || pool === home.name) &&
    requested.length === families.length &&
    requested.every((ip) => families.includes(familyOf(ip))) &&
    requested.every((ip) => poolWith(picture.pools, ip) === home && isAvailable(ip, view, picture))
  );
};

const hasFor = (pool: Pool, family: IpFamily, view: ServiceView, picture: Picture): boolean =>
  [...addressesOf(pool)].some((ip) => familyOf(ip) === family && isAvailable(ip, view, picture));

/** Whether a service without an address could have one. */
export const couldHave = (view: ServiceView, wish: ClearWish, picture: Picture): boolean => {
  if (wish.requested.length > 0) return couldHaveRequested(view, wish, picture);
  return picture.pools.some((pool) => {
    const isOpen = wish.pool === undefined ? pool.autoAssign : wish.pool === pool.name;
    if (!isOpen || !admits(pool, view)) return false;
    const has = (family: IpFamily): boolean => hasFor(pool, family, view, picture);
    return wish.needsAll ? wish.families.every(has) : wish.families.some(has);
  });
};

/** Whether a service that has an address could have one of the other family as well. */
export const couldAdd = (view: ServiceView, family: IpFamily, wish: ClearWish, picture: Picture): boolean => {
  if (wish.requested.some((ip) => familyOf(ip) === family)) return couldHaveRequested(view, wish, picture);
  const name = wish.pool ?? homeOf(picture.pools, shownBy(view))?.name ?? allocatedFrom(view);
  const pool = picture.pools.find((candidate) => candidate.name === name);
  return pool !== undefined && admits(pool, view) && hasFor(pool, family, view, picture);
};
