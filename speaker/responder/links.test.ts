import { expect, test } from 'vitest';
import type { LinkEvent } from '../../src/io/netlink.ts';
import type { Mac } from '../../src/lib/mac.ts';
import { type Millis, millis } from '../../src/lib/time.ts';
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

const eth1: Link = { ...ethernet, index: 3, name: 'eth1' };
const at = (ms: number): Millis => millis(ms);
const done = (sequence: number, errno = 0): LinkEvent => ({ type: 'done', sequence, errno });
const seen = (link: Link): LinkEvent => ({ type: 'link', link });

/** A table that has read these links by its first dump, at time 0. */
const tableOf = (...links: readonly Link[]) => {
  const table = createLinkTable();
  const tell = (...events: readonly LinkEvent[]): void => events.forEach((event) => table.apply(event));
  const names = (): string[] => [...table.links()].map((link) => link.name);
  expect(table.takeRequest(at(0))).toBe(1);
  tell(...links.map(seen), done(1));
  return { table, tell, names };
};

test('the table follows the kernel, and is complete with the end of the first dump', () => {
  const table = createLinkTable();
  const names = (): string[] => [...table.links()].map((link) => link.name);
  expect(table.takeRequest(at(0))).toBe(1);
  table.apply(seen(ethernet));
  expect(table.isComplete()).toBe(false);
  table.apply(done(1));
  expect([table.isComplete(), names()]).toEqual([true, ['eth0']]);
  expect(table.takeRequest(at(100_000))).toBeUndefined();
  table.apply(seen({ ...ethernet, name: 'lan0' }));
  table.apply(seen(eth1));
  expect(names()).toEqual(['lan0', 'eth1']);
  table.apply({ type: 'linkRemoved', index: 2 });
  expect(names()).toEqual(['eth1']);
});

test('after lost messages a new dump removes what it does not name, and nothing earlier', () => {
  const { table, tell, names } = tableOf(ethernet, eth1);
  tell({ type: 'lost' });
  expect(table.takeRequest(at(1000))).toBe(2);
  tell(seen(eth1));
  expect(names()).toEqual(['eth0', 'eth1']);
  tell(done(2));
  expect(names()).toEqual(['eth1']);
});

test('what is lost during a dump makes another one, and only that one removes links', () => {
  const { table, tell, names } = tableOf(ethernet, eth1);
  tell({ type: 'lost' });
  expect(table.takeRequest(at(1000))).toBe(2);
  tell(seen(ethernet), { type: 'lost' }); // eth1 may have been in what was lost
  expect(table.takeRequest(at(2000))).toBe(3);
  tell({ type: 'error', sequence: 3, errno: 16 }, done(2)); // the kernel runs one dump at a time
  expect(names()).toEqual(['eth0', 'eth1']);
  expect(table.takeRequest(at(3000))).toBe(4);
  tell(seen(eth1), done(4));
  expect(names()).toEqual(['eth1']);
  expect(table.takeRequest(at(100_000))).toBeUndefined();
});

test('the end of an earlier dump says nothing about a later one', () => {
  const { table, tell, names } = tableOf(ethernet, eth1);
  tell({ type: 'lost' });
  table.takeRequest(at(1000));
  tell({ type: 'lost' });
  table.takeRequest(at(2000));
  tell(done(2));
  expect(names()).toEqual(['eth0', 'eth1']);
  tell(seen(ethernet), done(3));
  expect(names()).toEqual(['eth0']);
});

test.each<[string, readonly LinkEvent[]]>([
  ['is interrupted', [{ type: 'interrupted', sequence: 2 }, done(2)]],
  ['ends with an error', [done(2, 12)]],
  ['is refused', [{ type: 'error', sequence: 2, errno: 12 }]],
])('a dump that %s removes nothing and is tried again', (_, events) => {
  const { table, tell, names } = tableOf(ethernet, eth1);
  tell({ type: 'lost' });
  expect(table.takeRequest(at(1000))).toBe(2);
  tell(...events);
  expect(names()).toEqual(['eth0', 'eth1']);
  expect(table.takeRequest(at(2000))).toBe(3);
});

test('dumps are not asked for in a rush, and one that does not come is asked for again', () => {
  const { table, tell } = tableOf(ethernet);
  tell({ type: 'lost' });
  expect(table.takeRequest(at(99))).toBeUndefined();
  expect(table.takeRequest(at(100))).toBe(2);
  expect(table.takeRequest(at(5099))).toBeUndefined();
  expect(table.takeRequest(at(5100))).toBe(3);
});

test('a first dump that was interrupted serves until the next', () => {
  const table = createLinkTable();
  table.takeRequest(at(0));
  table.apply(seen(ethernet));
  table.apply({ type: 'interrupted', sequence: 1 });
  table.apply(done(1));
  expect(table.isComplete()).toBe(true);
  expect(table.takeRequest(at(100))).toBe(2);
});
