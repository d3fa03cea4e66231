import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ip } from '../../lib/ip.ts';
import { createGroups, type Group, type GroupMember } from './groups.ts';

const member = (service: string, addresses: readonly string[], createdAt = '2026-01-01'): GroupMember => ({
  service,
  createdAt,
  addresses: addresses as readonly Ip[],
});
const shown = (groups: Iterable<Group>): Record<string, readonly string[]> =>
  Object.fromEntries(Array.from(groups, ({ key, services }) => [key, services]));

test('services that share no address are groups of their own', () => {
  const groups = createGroups();
  groups.set(member('a', ['10.0.0.1', 'fd00::1']));
  groups.set(member('b', ['10.0.0.2']));
  expect(shown(groups.values())).toEqual({ '10.0.0.1': ['a'], '10.0.0.2': ['b'] });
});

test('a service that shares an address with two groups joins them, and the oldest gives the key', () => {
  const groups = createGroups();
  groups.set(member('a', ['10.0.0.1'], '2026-01-03'));
  groups.set(member('b', ['fd00::1'], '2026-01-02'));
  const { changed, removed } = groups.set(member('c', ['10.0.0.1', 'fd00::1'], '2026-01-04'));
  expect([shown(changed), removed]).toEqual([{ 'fd00::1': ['b', 'a', 'c'] }, ['10.0.0.1']]);
  expect(groups.of('a')).toBe(groups.get('fd00::1' as Ip));
});

test('a group falls apart when the service that held it together goes', () => {
  const groups = createGroups();
  groups.set(member('a', ['10.0.0.1']));
  groups.set(member('b', ['fd00::1']));
  groups.set(member('c', ['fd00::1', '10.0.0.1']));
  const { changed, removed } = groups.remove('c');
  expect([shown(changed), removed]).toEqual([{ '10.0.0.1': ['a'], 'fd00::1': ['b'] }, []]);
  expect(groups.remove('c')).toEqual({ changed: [], removed: [] });
});

test('a service that changes names its group even if that stays the same, and no other', () => {
  const groups = createGroups();
  groups.set(member('a', ['10.0.0.1']));
  groups.set(member('b', ['10.0.0.2']));
  expect(shown(groups.set(member('a', ['10.0.0.1'])).changed)).toEqual({ '10.0.0.1': ['a'] });
});

const ips = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1'] as const;
const step = fc.record({
  service: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  createdAt: fc.constantFrom('2026-01-01', '2026-01-02'),
  addresses: fc.uniqueArray(fc.constantFrom(...ips), { maxLength: 3 }),
});

test('whatever the history, groups are those of an index that was filled at once, and changes say what changed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const groups = createGroups();
      const members = new Map<string, GroupMember>();
      let followed = new Map<string, Group>();
      for (const { service, createdAt, addresses } of steps) {
        const one = member(service, addresses, createdAt);
        if (addresses.length > 0) members.set(service, one);
        else members.delete(service);
        const { changed, removed } = addresses.length > 0 ? groups.set(one) : groups.remove(service);
        followed = new Map(followed);
        for (const key of removed) followed.delete(key);
        for (const group of changed) followed.set(group.key, group);
      }
      const fresh = createGroups();
      for (const one of members.values()) fresh.set(one);
      expect(shown(groups.values())).toEqual(shown(fresh.values()));
      expect(shown(followed.values())).toEqual(shown(fresh.values()));
      for (const group of groups.values()) for (const name of group.services) expect(groups.of(name)).toBe(group);
    }),
  );
});
