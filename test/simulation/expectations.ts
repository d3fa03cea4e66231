import { assembleConfiguration, nothingConfigured } from '../../src/domain/config/assemble.ts';
import type { CustomResource } from '../../src/domain/config/custom-resource.ts';
import type { Pool } from '../../src/domain/config/configuration.ts';
import type { ServiceView } from '../../src/domain/objects.ts';
import { type Ip, ipFromNumber, parseIp } from '../../src/lib/ip.ts';
import { projectNamespace, projectService } from '../../src/k8s/projections.ts';
import type { ApiServer, RawObject } from './api-server.ts';

/** What the user wants of a service, read the plain way. */
type Wish =
  | { readonly type: 'any'; readonly pool: string | undefined }
  | { readonly type: 'one'; readonly ip: Ip; readonly pool: string | undefined }
  | { readonly type: 'impossible' }
  /** Cannot be understood: what it has stays. */
  | { readonly type: 'invalid' };

export const metallbNamespace = 'metallb-system';

const allocatedFrom = ({ annotations }: ServiceView): string | undefined =>
  annotations['metallb.io/ip-allocated-from-pool'];

export const viewOf = (raw: RawObject): ServiceView => {
  const view = projectService(raw);
  if (view === undefined) throw new Error('no service');
  return view;
};

const shownBy = (view: ServiceView): Ip | undefined => view.ingress[0]?.ip as Ip | undefined;

const serves = ({ type, loadBalancerClass }: ServiceView): boolean =>
  type === 'LoadBalancer' && loadBalancerClass === undefined;

const wishOf = ({ annotations, loadBalancerIP, clusterIPs }: ServiceView): Wish => {
  const read = (name: string): string | undefined =>
    annotations[`metallb.io/${name}`] ?? annotations[`metallb.universe.tf/${name}`];
  const pool = read('address-pool') || undefined;
  const list = read('loadBalancerIPs') ?? '';
  if (list !== '' && loadBalancerIP !== undefined) return { type: 'invalid' };
  const text = list || loadBalancerIP;
  if (text === undefined) return { type: 'any', pool };
  const ips = text.split(',').map((part) => parseIp(part.trim()));
  const [first, second] = ips;
  if (first?.ok !== true || second?.ok === false || ips.length > 2) return { type: 'invalid' };
  if (second !== undefined)
    return first.value.includes(':') === second.value.includes(':') ? { type: 'invalid' } : { type: 'impossible' };
  const isSameFamily = first.value.includes(':') === clusterIPs[0]?.includes(':');
  return isSameFamily ? { type: 'one', ip: first.value, pool } : { type: 'impossible' };
};

/** Every address a pool gives; the pools of a simulation are small. */
const addressesOf = ({ ranges, avoidBuggyIPs }: Pool): ReadonlySet<Ip> => {
  const ips = new Set<Ip>();
  for (const { family, first, last } of ranges) {
    for (let value = first; value <= last; value++) {
      const ip = ipFromNumber(family, value);
      if (!(avoidBuggyIPs && /^\d+\.\d+\.\d+\.(0|255)$/.test(ip))) ips.add(ip);
    }
  }
  return ips;
};

export const assemblePools = (
  resources: Readonly<Record<'pools' | 'advertisements' | 'namespaces', readonly RawObject[]>>,
): readonly Pool[] =>
  assembleConfiguration({
    ...nothingConfigured,
    pools: resources.pools as readonly CustomResource[],
    l2Advertisements: resources.advertisements as readonly CustomResource[],
    namespaces: resources.namespaces.map((raw) => projectNamespace(raw)!),
    metallbNamespace,
  }).configuration.pools;

const poolWith = (pools: readonly Pool[], ip: Ip): Pool | undefined => pools.find((pool) => addressesOf(pool).has(ip));

const admits = ({ serviceAllocation }: Pool, { namespace, labels }: ServiceView): boolean =>
  serviceAllocation === undefined ||
  ((serviceAllocation.namespaces?.has(namespace) ?? true) &&
    (serviceAllocation.serviceSelectors.length === 0 ||
      serviceAllocation.serviceSelectors.some((matches) => matches(labels))));

/** Whether some address is free that the service may have. */
const couldHave = (view: ServiceView, pools: readonly Pool[], shown: ReadonlySet<Ip>): boolean => {
  const wish = wishOf(view);
  if (wish.type === 'invalid' || wish.type === 'impossible') return false;
  const isIPv6 = view.clusterIPs[0]?.includes(':') === true;
  return pools.some(
    (pool) =>
      admits(pool, view) &&
      (wish.pool === undefined ? wish.type === 'one' || pool.autoAssign : wish.pool === pool.name) &&
      [...addressesOf(pool)].some(
        (ip) => ip.includes(':') === isIPv6 && !shown.has(ip) && (wish.type === 'any' || wish.ip === ip),
      ),
  );
};

/** Throws if two services show one address. */
export const expectNoSharedAddress = (services: readonly RawObject[]): void => {
  const owners = new Map<string, string>();
  for (const { metadata, status } of services) {
    const { ingress } = (status?.['loadBalancer'] ?? {}) as { readonly ingress?: readonly { readonly ip: string }[] };
    for (const { ip } of ingress ?? []) {
      const other = owners.get(ip);
      if (other !== undefined) throw new Error(`${other} and ${metadata.name} both show ${ip}`);
      owners.set(ip, metadata.name);
    }
  }
};

/** Throws if a status takes away or replaces an address without a reason; `pools` are those that the writer knows. */
export const expectReasonToChange = (before: ServiceView, after: ServiceView, pools: readonly Pool[]): void => {
  const ip = shownBy(before);
  if (ip === undefined || shownBy(after) === ip || before.type !== 'LoadBalancer') return;
  if (before.ingress.length > 1 || after.ingress.length > 1) throw new Error(`${before.name} shows several addresses`);
  const wish = wishOf(before);
  const home = poolWith(pools, ip)?.name;
  const from = allocatedFrom(before);
  const isForeign = from === undefined && home === undefined;
  const wantsOther = wish.type === 'impossible' || (wish.type === 'one' && wish.ip !== ip);
  const wantsPool =
    (wish.type === 'any' || wish.type === 'one') && wish.pool !== undefined && wish.pool !== home && wish.pool !== from;
  if (!isForeign && !wantsOther && !wantsPool)
    throw new Error(`${before.name} lost ${ip} (${from}, now in ${home}) for ${shownBy(after)} without asking`);
};

/** Throws unless everything is as it must be once all is quiet. */
export const expectRest = (server: ApiServer): void => {
  const pools = assemblePools({
    pools: server.all('ipaddresspools'),
    advertisements: server.all('l2advertisements'),
    namespaces: server.all('namespaces'),
  });
  const services = server.all('services').map(viewOf);
  const shown = new Set(services.flatMap((view) => shownBy(view) ?? []));
  for (const view of services) {
    const ip = shownBy(view);
    const from = allocatedFrom(view);
    if (!serves(view)) {
      if (ip !== undefined) throw new Error(`${view.name} shows ${ip}, which nobody gives it`);
      if (view.type !== 'LoadBalancer' && from !== undefined) throw new Error(`${view.name} keeps our annotation`);
      continue;
    }
    const home = ip && poolWith(pools, ip)?.name;
    if (ip === undefined || (from === undefined && home === undefined)) {
      if (couldHave(view, pools, shown)) throw new Error(`${view.name} could have an address and has ${ip}`);
      if (from !== undefined && ip === undefined && wishOf(view).type !== 'invalid')
        throw new Error(`${view.name} has no address and our annotation`);
      continue;
    }
    if (from === undefined) throw new Error(`${view.name} has ${ip} without our annotation`);
    const wish = wishOf(view);
    // What cannot be understood changes nothing; who asked for the pool an address came from has that noted.
    const isFixed = wish.type === 'invalid' || (wish.type !== 'impossible' && wish.pool === from);
    if (home !== undefined && from !== home && !isFixed)
      throw new Error(`${view.name} has ${ip} of ${home}, noted as of ${from}`);
    if (wish.type === 'impossible' || (wish.type === 'one' && wish.ip !== ip))
      throw new Error(`${view.name} has ${ip} and wants ${JSON.stringify(wish)}`);
    if (wish.type !== 'invalid' && wish.pool !== undefined && wish.pool !== home && wish.pool !== from)
      throw new Error(`${view.name} has ${ip} of ${home} and wants ${wish.pool}`);
  }
  for (const pool of pools) expectCounters(pool, server.all('ipaddresspools'), shown);
};

const expectCounters = (pool: Pool, raws: readonly RawObject[], shown: ReadonlySet<Ip>): void => {
  const ips = [...addressesOf(pool)];
  const count = (isIPv6: boolean): readonly [number, number] => {
    const family = ips.filter((ip) => ip.includes(':') === isIPv6);
    const assigned = family.filter((ip) => shown.has(ip)).length;
    return [assigned, family.length - assigned];
  };
  const [assignedIPv4, availableIPv4] = count(false);
  const [assignedIPv6, availableIPv6] = count(true);
  const expected = JSON.stringify({ assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 });
  const { status } = raws.find(({ metadata }) => metadata.name === pool.name)!;
  if (JSON.stringify(status) !== expected)
    throw new Error(`the status of pool ${pool.name} is ${JSON.stringify(status)}, not ${expected}`);
};
