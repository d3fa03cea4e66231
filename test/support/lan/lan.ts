import { createNamespace, makeSwitch, Namespace, type NamespaceOptions, namespaceName, plugIn } from '../netns.ts';
import { clusterCidrs, type Host, type LanPlan, macFor, primaryAddress, type Segment } from './plan.ts';

/** The LAN as it stands: every host and every switch a namespace of its own. Its creator disposes of it. */
export type Lan = AsyncDisposable & {
  readonly plan: LanPlan;
  /** The namespace of a host; a name that the plan does not have throws. */
  readonly host: (name: string) => Namespace;
  /** Pulls the plugs of a host at the switches, or the one of a segment (0, 1): it loses the carrier of the interface. */
  readonly unplug: (name: string, segment?: number) => Promise<void>;
  /** Puts them back. */
  readonly plug: (name: string, segment?: number) => Promise<void>;
  /** Moves the plugs of these hosts to switches of their own: they keep the carrier, and hear each other alone. */
  readonly partition: (names: readonly string[]) => Promise<void>;
  /** Brings all plugs together again. */
  readonly heal: () => Promise<void>;
};

/** Builds the LAN; when anything fails, what was built is removed. The scope must be fixed for `attachLan` to find it. */
export const createLan = async (
  plan: LanPlan,
  options: NamespaceOptions & { readonly scope: string },
): Promise<Lan> => {
  const lan = attachLan(plan, options.scope);
  try {
    await Promise.all(
      [...plan.segments.map((_, index) => switchName(index)), ...plan.hosts.map(({ name }) => name)].map((label) =>
        createNamespace(label, options),
      ),
    );
    await Promise.all(plan.segments.map((_, index) => makeSwitch(switchOf(options.scope, index))));
    await Promise.all(plan.hosts.map((host) => setUpHost(plan, host, options.scope, lan.host(host.name))));
    return lan;
  } catch (error) {
    await lan[Symbol.asyncDispose]();
    throw error;
  }
};

/** The LAN that another process built with this plan and scope. */
export const attachLan = (plan: LanPlan, scope: string): Lan => {
  const host = (name: string): Namespace => {
    if (!plan.hosts.some((candidate) => candidate.name === name)) {
      throw new UnknownHostError(
        name,
        plan.hosts.map((candidate) => candidate.name),
      );
    }
    return new Namespace(namespaceName(scope, name));
  };
  const setPorts = async (state: 'up' | 'down', name: string, segment?: number): Promise<void> => {
    host(name);
    const segments = segment === undefined ? [...plan.segments.keys()] : [segment];
    await Promise.all(segments.map((index) => switchOf(scope, index).setLink(name, state)));
  };
  /** In one batch: a moment of half a partition is a case of its own. */
  const setBridges = async (names: readonly string[], bridge: 'br0' | 'br1'): Promise<void> => {
    for (const name of names) host(name);
    const lines = names.map((name) => `link set dev ${name} master ${bridge}`);
    await Promise.all(plan.segments.map((_, index) => switchOf(scope, index).ip(...lines)));
  };
  return {
    plan,
    host,
    unplug: (name, segment) => setPorts('down', name, segment),
    plug: (name, segment) => setPorts('up', name, segment),
    partition: (names) => setBridges(names, 'br1'),
    heal: () =>
      setBridges(
        plan.hosts.map(({ name }) => name),
        'br0',
      ),
    [Symbol.asyncDispose]: async () => {
      const all = [
        ...plan.hosts.map(({ name }) => host(name)),
        ...plan.segments.map((_, index) => switchOf(scope, index)),
      ];
      await Promise.all(all.map((namespace) => namespace[Symbol.asyncDispose]()));
    },
  };
};

/** A host was named that the LAN does not have. */
export class UnknownHostError extends Error {
  constructor(name: string, known: readonly string[]) {
    super(`there is no host "${name}"; the hosts are ${known.join(', ')}`);
    this.name = 'UnknownHostError';
  }
}

const switchName = (segment: number): string => `sw${segment + 1}`;

const switchOf = (scope: string, segment: number): Namespace =>
  new Namespace(namespaceName(scope, switchName(segment)));

const setUpHost = async (plan: LanPlan, host: Host, scope: string, namespace: Namespace): Promise<void> => {
  const forwards = host.role === 'node' || host.role === 'router' ? 1 : 0;
  await namespace.sysctl({
    'net.ipv4.ip_forward': forwards,
    'net.ipv6.conf.all.forwarding': forwards,
    // Addresses are ours alone, so that an IPv6 address, a link-local one too, need not be tried for a second first.
    'net.ipv6.conf.all.accept_dad': 0,
    'net.ipv6.conf.default.accept_dad': 0,
    'net.ipv6.conf.all.accept_ra': 0,
    'net.ipv6.conf.default.accept_ra': 0,
  });
  for (const [index, { IPv4, IPv6 }] of host.addresses.entries()) {
    const segment = plan.segments[index] as Segment;
    await plugIn(switchOf(scope, index), host.name, namespace, `eth${index}`, macFor(IPv4));
    await namespace.ip(
      `addr add ${IPv4}/${prefixLength(segment.subnet.IPv4)} brd + dev eth${index}`,
      `addr add ${IPv6}/${prefixLength(segment.subnet.IPv6)} dev eth${index} nodad`,
    );
  }
  await namespace.ip(...routesOf(plan, host));
};

/** Everybody leaves by the router; control plane and nodes know where each node's pods are. */
const routesOf = (plan: LanPlan, host: Host): readonly string[] => {
  const router = plan.hosts.find(({ role }) => role === 'router');
  const toRouter =
    router === undefined || host === router
      ? []
      : [`route add default via ${primaryAddress(router).IPv4}`, `route add ::/0 via ${primaryAddress(router).IPv6}`];
  if (host.role !== 'node' && host.role !== 'controlPlane') return toRouter;
  const toPods = plan.hosts
    .filter((other) => other !== host && other.role === 'node')
    .flatMap((node) =>
      node.podCidrs.map((cidr) => {
        const via = primaryAddress(node);
        return cidr.includes(':') ? `route add ${cidr} via ${via.IPv6}` : `route add ${cidr} via ${via.IPv4}`;
      }),
    );
  // What no node has must not leave the cluster, or it comes back from the router until its hop limit is used up.
  const nowhere = [
    `route add unreachable ${clusterCidrs.pods.IPv4}`,
    `route add unreachable ${clusterCidrs.pods.IPv6}`,
  ];
  return [...toRouter, ...toPods, ...nowhere];
};

const prefixLength = (cidr: string): string => cidr.slice(cidr.indexOf('/') + 1);
