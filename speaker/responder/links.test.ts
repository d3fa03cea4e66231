import { expect, test } from 'vitest';
import type { Mac } from '../../src/lib/mac.ts';
import type { Link } from '../../src/proto/rtnetlink/message.ts';
import { createLinkTable, servedLink } from './links.ts';

/** Up, broadcast, running, multicast. */
const ethernet: Link = {
  index: 2,
  name: 'eth0',
  type: 1,
  flags: 0x1043,
  mac: 0x02420a000001 as Mac,
  master: undefined,
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

test('the table follows the kernel, and is complete with the end of the first dump', () => {
  const table = createLinkTable();
  const names = (): string[] => [...table.links()].map((link) => link.name);
  table.expectDump();
  table.apply({ type: 'link', link: ethernet });
  expect(table.isComplete()).toBe(false);
  table.apply({ type: 'done' });
  expect([table.isComplete(), names()]).toEqual([true, ['eth0']]);
  table.apply({ type: 'link', link: { ...ethernet, name: 'lan0' } });
  table.apply({ type: 'link', link: { ...ethernet, index: 3, name: 'eth1' } });
  expect(names()).toEqual(['lan0', 'eth1']);
  table.apply({ type: 'linkRemoved', index: 2 });
  expect(names()).toEqual(['eth1']);
});

test('after lost messages a new dump removes what it does not name, and nothing earlier', () => {
  const table = createLinkTable();
  table.apply({ type: 'link', link: ethernet });
  table.apply({ type: 'link', link: { ...ethernet, index: 3, name: 'eth1' } });
  table.expectDump();
  table.apply({ type: 'link', link: { ...ethernet, index: 3, name: 'eth1' } });
  table.apply({ type: 'error', errno: 16 });
  expect([...table.links()].length).toBe(2);
  table.apply({ type: 'done' });
  expect([...table.links()].map((link) => link.index)).toEqual([3]);
});
