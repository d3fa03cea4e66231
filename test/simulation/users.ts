import type { ApiServer, RawObject } from './api-server.ts';
import { metallbNamespace } from './model.ts';
import type { Random } from './random.ts';
import { createOrDelete, editService, poolNames } from './service-users.ts';

/** Ranges that overlap, so that addresses change pools; the second with octets that `avoidBuggyIPs` leaves out. */
const ranges = [
  '192.0.2.1-192.0.2.3',
  '192.0.2.254-192.0.3.1',
  '192.0.2.3-192.0.2.6',
  '192.0.2.0/30',
  '192.0.2.8/31',
  '2001:db8::/127',
  '2001:db8::1-2001:db8::4',
] as const;

/** One thing that users, or programs other than the controller, do to the cluster; says what it was. */
export const act = (server: ApiServer, random: Random): string => {
  const kind = random.below(100);
  if (kind < 70) return actOnServices(server, random);
  if (kind < 92) return editPool(server, random);
  return kind < 96 ? editAdvertisement(server, random) : relabelNamespace(server, random);
};

const actOnServices = (server: ApiServer, random: Random): string =>
  random.chance(0.35) ? createOrDelete(server, random) : editService(server, random);

/** As `act`, but no address leaves its pool. */
export const actGently = (server: ApiServer, random: Random): string => {
  const pool = random.anyOf(server.all('ipaddresspools'));
  if (pool === undefined || random.chance(0.75)) return actOnServices(server, random);
  const { addresses: _, avoidBuggyIPs: __, serviceAllocation, ...terms } = poolSpec(random);
  const spec = { ...pool.spec, ...terms, serviceAllocation };
  server.replace('ipaddresspools', { ...pool, spec });
  return `pool ${pool.metadata.name} is ${JSON.stringify(spec)}`;
};

/** What a cluster has before anything happens. */
export const furnish = (server: ApiServer, random: Random): void => {
  for (const name of poolNames) if (random.chance(0.6)) createPool(server, name, random);
};

const createPool = (server: ApiServer, name: string, random: Random): void =>
  void server.create('ipaddresspools', { metadata: { name, namespace: metallbNamespace }, spec: poolSpec(random) });

const poolSpec = (random: Random): Record<string, unknown> => ({
  addresses: Array.from({ length: 1 + random.below(3) }, () => random.pick(ranges)),
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
  if (old === undefined) {
    createPool(server, name, random);
    return `create pool ${name}`;
  }
  if (random.chance(0.3)) {
    server.remove('ipaddresspools', old);
    return `remove pool ${name}`;
  }
  if (random.chance(0.05)) {
    server.replace('ipaddresspools', { ...old, status: { assignedIPv4: random.below(9) } });
    return `pool ${name} has other counters`;
  }
  const fresh = poolSpec(random);
  const key = random.pick(['addresses', 'autoAssign', 'avoidBuggyIPs', 'serviceAllocation']);
  const spec = random.chance(0.3) ? fresh : { ...old.spec, [key]: fresh[key] };
  server.replace('ipaddresspools', { ...old, spec });
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
  const raw: RawObject | undefined = random.anyOf(server.all('namespaces'));
  if (raw === undefined) return 'no namespace';
  const labels = raw.metadata.labels?.['rich'] === undefined ? { rich: 'yes' } : {};
  server.replace('namespaces', { ...raw, metadata: { ...raw.metadata, labels } });
  return `namespace ${raw.metadata.name} has labels ${JSON.stringify(labels)}`;
};
