import { expect, test } from 'vitest';
import type { Ip } from '../../src/lib/ip.ts';
import type { Mac } from '../../src/lib/mac.ts';
import type { InterfaceAddress } from '../../src/proto/rtnetlink/address.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import { isOnLink, ownershipLinks, servedLink } from './links.ts';

/** Up, broadcast, running, multicast. */
const ethernet: Link = {
  index: 2,
  name: 'eth0',
  type: 1,
  flags: 0x1043,
  mac: 0x02420a000001 as Mac,
  master: undefined,
  lower: undefined,
};
const named = (link: Link, isExcluded = (): boolean => false): string | undefined => servedLink(link, isExcluded)?.name;

test('an Ethernet interface that is up is served, also without carrier', () => {
  expect(servedLink(ethernet, () => false)).toEqual({ index: 2, name: 'eth0', mac: 0x02420a000001 });
  expect(named({ ...ethernet, flags: 0x1003 })).toBe('eth0');
});

test.each<[string, Partial<Link>]>([
  ['is down', { flags: 0x1042 }],
  ['has no broadcast', { flags: 0x1041 }],
  ['has no ARP', { flags: 0x10c3 }],
  ['belongs to a bridge', { master: 3 }],
  ['is no Ethernet', { type: 772 }],
  ['has no hardware address of six octets', { mac: undefined }],
])('an interface that %s is not served', (_, change) => {
  expect(named({ ...ethernet, ...change })).toBeUndefined();
});

test('an excluded interface is not served', () => {
  expect(servedLink(ethernet, (name) => name === 'eth0')).toBeUndefined();
});

const address = (index: number, cidr: string, isLinkLocal = cidr.startsWith('fe80')): InterfaceAddress => {
  const [ip, prefixLength] = cidr.split('/') as [string, string];
  return { interface: index, ip: ip as Ip, prefixLength: Number(prefixLength), isLinkLocal };
};

test('links are told in the order of their indexes, with carrier and own addresses', () => {
  const eth1: Link = { ...ethernet, index: 3, name: 'eth1', flags: 0x1_1043 };
  const addresses = [
    address(3, '169.254.7.7/16', true),
    address(3, '198.18.0.200/32'),
    address(3, '198.18.0.9/24'),
    address(3, '198.18.0.10/24'),
    address(3, '2001:db8::3/64'),
    address(3, 'fe80::3/64'),
    address(9, '198.18.9.9/8'),
  ];
  const links = ownershipLinks([eth1, { ...ethernet, index: 5, master: 3 }, ethernet], addresses, () => false);
  expect(links).toEqual([
    { index: 2, name: 'eth0', mac: ethernet.mac, hasCarrier: false, ipv4: undefined, ipv6: undefined },
    { index: 3, name: 'eth1', mac: ethernet.mac, hasCarrier: true, ipv4: '198.18.0.10', ipv6: 'fe80::3' },
  ]);
});

test.each<[string, readonly string[], boolean]>([
  ['198.18.0.77', ['198.18.0.9/24'], true],
  ['198.18.1.77', ['198.18.0.9/24'], false],
  ['198.18.1.77', ['198.18.0.9/24', '198.18.0.9/16'], true],
  ['198.18.1.77', ['198.18.0.9/24', '203.0.113.9/32'], false],
  ['198.18.1.77', ['198.18.0.9/32'], true],
  ['198.18.1.77', ['198.18.0.9/0'], true],
  ['198.18.1.77', [], true],
  ['fe80::7', ['198.18.0.9/24'], true],
  ['2001:db8::7', ['2001:db8::3/64'], false],
])('what comes from %s to an interface with %j', (from, own, isSegment) => {
  const addresses = own.map((cidr) => address(2, cidr));
  expect(isOnLink(addresses, from as Ip)).toBe(isSegment);
});
