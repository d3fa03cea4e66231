import { type AddressRange, formatRange, parseAddressRange } from '../../../src/lib/address-range.ts';
import { type Ip, ipFromNumber } from '../../../src/lib/ip.ts';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { rangesOverlap } from '../ranges.ts';

/** What the cluster uses inside; a LAN must stay clear of it. */
export const clusterCidrs = {
  pods: { IPv4: '10.244.0.0/16', IPv6: 'fd00:10:244::/56' },
  services: { IPv4: '10.96.0.0/16', IPv6: 'fd00:10:96::/112' },
} as const;

/** The first address of each service CIDR: the API server's, as pods know it. */
export const kubernetesServiceIps = ['10.96.0.1', 'fd00:10:96::1'] as const;

/** The LAN where `--subnet` says nothing: a block for tests that no network routes (RFC 2544). */
export const defaultSubnet = '198.18.0.0/16';

/** One Ethernet segment: a switch, an IPv4 and an IPv6 subnet, and the ranges of both that no host has. */
export type Segment = {
  readonly subnet: { readonly IPv4: string; readonly IPv6: string };
  readonly pool: { readonly IPv4: string; readonly IPv6: string };
};

export type HostRole = 'router' | 'controlPlane' | 'client' | 'node';

export type Host = {
  /** `router`, `cp`, `client`, `n1`, `n2`, … */
  readonly name: string;
  readonly role: HostRole;
  /** One per segment: `eth0` has the first, `eth1` the second. */
  readonly addresses: readonly { readonly IPv4: Ip; readonly IPv6: Ip }[];
  /** The addresses of a node's pods, IPv4 first; empty for other hosts. */
  readonly podCidrs: readonly string[];
};

/** Every address of the LAN. */
export type LanPlan = {
  readonly segments: readonly Segment[];
  readonly hosts: readonly Host[];
};

export type LanRequest = {
  readonly nodes: number;
  /** Network interfaces of each host, each on a switch and a subnet of its own. */
  readonly nics: number;
  /** The first segment's IPv4 subnet; the second is the next one of that size. */
  readonly subnet: string;
};

/** Nodes are .11, .12, …; below .64, so that pools in the usual places are free. */
const firstNodeNumber = 11;
const maxNodes = 50;

/** Lays out the LAN, or says in a sentence why it cannot be. */
export const planLan = ({ nodes, nics, subnet }: LanRequest): Result<LanPlan> => {
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > maxNodes) {
    return err(`the number of nodes must be between 1 and ${maxNodes}, not ${nodes}`);
  }
  if (nics !== 1 && nics !== 2) return err(`the number of network interfaces must be 1 or 2, not ${nics}`);
  const range = parseAddressRange(subnet);
  const prefixLength = Number(subnet.split('/')[1]);
  if (!range.ok || range.value.family !== 'IPv4')
    return err(`"${subnet}" is not an IPv4 subnet such as 192.168.1.0/24`);
  if (prefixLength < 8 || prefixLength > 25) return err(`the subnet must be between /8 and /25, not /${prefixLength}`);
  const subnets = Array.from({ length: nics }, (_, index) => shift(range.value, index));
  for (const [name, cidr] of [
    ['pods', clusterCidrs.pods.IPv4],
    ['services', clusterCidrs.services.IPv4],
  ] as const) {
    const used = parseAddressRange(cidr);
    if (used.ok && subnets.some((candidate) => rangesOverlap(candidate, used.value))) {
      return err(`the subnet ${subnet} overlaps ${cidr}, which the ${name} of the cluster use`);
    }
  }
  if (subnets.some(({ last }) => last >= 224n << 24n)) return err(`the subnet ${subnet} reaches into multicast`);
  return ok({
    segments: subnets.map((range4, index) => planSegment(range4, prefixLength, index)),
    hosts: [
      planHost('router', 'router', 1, subnets),
      planHost('cp', 'controlPlane', 2, subnets),
      planHost('client', 'client', 3, subnets),
      ...Array.from({ length: nodes }, (_, index) => ({
        ...planHost(`n${index + 1}`, 'node', firstNodeNumber + index, subnets),
        podCidrs: [`10.244.${index + 1}.0/24`, `fd00:10:244:${index + 1}::/64`],
      })),
    ],
  });
};

/** The subnet of the same size that many steps further. */
const shift = ({ family, first, last }: AddressRange, steps: number): AddressRange => {
  const size = last - first + 1n;
  return { family, first: first + size * BigInt(steps), last: last + size * BigInt(steps) };
};

const planSegment = (range: AddressRange, prefixLength: number, index: number): Segment => {
  // The second /24, or the upper half where there is only one.
  const pool =
    prefixLength <= 23
      ? { ...range, first: range.first + 256n, last: range.first + 511n }
      : { ...range, first: (range.first + range.last + 1n) / 2n, last: range.last - 1n };
  return {
    subnet: { IPv4: `${ipFromNumber('IPv4', range.first)}/${prefixLength}`, IPv6: `${ipv6Net(index)}::/64` },
    pool: {
      IPv4: prefixLength <= 23 ? `${ipFromNumber('IPv4', pool.first)}/24` : formatRange(pool),
      IPv6: `${ipv6Net(index)}::1:0/112`,
    },
  };
};

const planHost = (name: string, role: HostRole, number: number, subnets: readonly AddressRange[]): Host => ({
  name,
  role,
  addresses: subnets.map(({ first }, index) => ({
    IPv4: ipFromNumber('IPv4', first + BigInt(number)),
    // Written with the digits of the IPv4 address: n1 is .11 and ::11.
    IPv6: `${ipv6Net(index)}::${number}` as Ip,
  })),
  podCidrs: [],
});

const ipv6Net = (segment: number): string => `fd00:${18 + segment}`;

/** A hardware address that can be read: 02:42 and the four octets of the IPv4 address. */
export const macFor = (ip: Ip): string =>
  ['02', '42', ...ip.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))].join(':');

/** The address through which the cluster knows a host. */
export const primaryAddress = (host: Host): { readonly IPv4: Ip; readonly IPv6: Ip } => {
  const [primary] = host.addresses;
  if (primary === undefined) throw new Error(`${host.name} has no address`);
  return primary;
};
