import { expect, test } from 'vitest';
import { parseAddressRange } from '../../../src/lib/address-range.ts';
import { rangeHas } from '../ranges.ts';
import { type LanPlan, type LanRequest, macFor, planLan } from './plan.ts';

const request: LanRequest = { nodes: 3, nics: 1, subnet: '198.18.0.0/16' };

const planned = (changes: Partial<LanRequest> = {}): LanPlan => {
  const plan = planLan({ ...request, ...changes });
  if (!plan.ok) throw new Error(plan.error);
  return plan.value;
};

const refusal = (changes: Partial<LanRequest>): string | undefined => {
  const plan = planLan({ ...request, ...changes });
  return plan.ok ? undefined : plan.error;
};

test('the LAN is in the block for tests unless told otherwise', () => {
  const { segments, hosts } = planned();
  expect(segments).toEqual([
    {
      subnet: { IPv4: '198.18.0.0/16', IPv6: 'fd00:18::/64' },
      pool: { IPv4: '198.18.1.0/24', IPv6: 'fd00:18::1:0/112' },
    },
  ]);
  expect(hosts.map(({ name, addresses: [a], podCidrs }) => [name, a?.IPv4, a?.IPv6, podCidrs[0]])).toEqual([
    ['router', '198.18.0.1', 'fd00:18::1', undefined],
    ['cp', '198.18.0.2', 'fd00:18::2', undefined],
    ['client', '198.18.0.3', 'fd00:18::3', undefined],
    ['n1', '198.18.0.11', 'fd00:18::11', '10.244.1.0/24'],
    ['n2', '198.18.0.12', 'fd00:18::12', '10.244.2.0/24'],
    ['n3', '198.18.0.13', 'fd00:18::13', '10.244.3.0/24'],
  ]);
});

test('a second interface has a switch and a subnet of its own', () => {
  const { segments, hosts } = planned({ nics: 2 });
  expect(segments.map(({ subnet }) => subnet.IPv4)).toEqual(['198.18.0.0/16', '198.19.0.0/16']);
  expect(hosts.at(-1)?.addresses).toEqual([
    { IPv4: '198.18.0.13', IPv6: 'fd00:18::13' },
    { IPv4: '198.19.0.13', IPv6: 'fd00:19::13' },
  ]);
});

test.each([
  ['192.168.1.0/24', '192.168.1.65-192.168.1.254', '192.168.1.128-192.168.1.254'],
  ['10.20.30.0/24', '10.20.30.100-10.20.30.105', '10.20.30.128-10.20.30.254'],
  ['172.16.0.0/12', '172.16.1.0/24', '172.16.1.0/24'],
])('in %s no host has an address of the usual pool %s', (subnet, usual, ours) => {
  const { hosts, segments } = planned({ nodes: 50, subnet });
  expect(segments[0]?.pool.IPv4).toBe(ours);
  for (const text of [usual, ours]) {
    const range = parseAddressRange(text);
    if (!range.ok) throw new Error(range.error);
    expect(hosts.filter(({ addresses: [a] }) => a !== undefined && rangeHas(range.value, a.IPv4))).toEqual([]);
  }
});

test('host bits of the subnet are dropped', () => {
  expect(planned({ subnet: '192.168.1.77/24' }).hosts[0]?.addresses[0]?.IPv4).toBe('192.168.1.1');
});

test.each<[Partial<LanRequest>, string]>([
  [{ nodes: 0 }, 'the number of nodes must be between 1 and 50, not 0'],
  [{ nodes: 1.5 }, 'the number of nodes must be between 1 and 50, not 1.5'],
  [{ nics: 3 }, 'the number of network interfaces must be 1 or 2, not 3'],
  [{ subnet: '192.168.1.1' }, '"192.168.1.1" is not an IPv4 subnet such as 192.168.1.0/24'],
  [{ subnet: 'fd00::/64' }, '"fd00::/64" is not an IPv4 subnet such as 192.168.1.0/24'],
  [{ subnet: '192.168.1.0/26' }, 'the subnet must be between /8 and /25, not /26'],
  [{ subnet: '10.0.0.0/8' }, 'the subnet 10.0.0.0/8 overlaps 10.244.0.0/16, which the pods of the cluster use'],
  [{ subnet: '10.96.7.0/24' }, 'the subnet 10.96.7.0/24 overlaps 10.96.0.0/16, which the services of the cluster use'],
  [{ subnet: '240.0.0.0/8' }, 'the subnet 240.0.0.0/8 reaches into multicast'],
])('%j is refused', (changes, sentence) => expect(refusal(changes)).toBe(sentence));

test('a hardware address shows whose it is', () => {
  expect(
    planned()
      .hosts.map(({ addresses: [a] }) => a && macFor(a.IPv4))
      .at(-1),
  ).toBe('02:42:c6:12:00:0d');
});
