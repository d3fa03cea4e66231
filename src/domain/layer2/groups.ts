import type { Ip } from '../../lib/ip.ts';
import { compareText } from '../../lib/sorted.ts';
import type { ObjectKey } from '../objects.ts';

/** A service with addresses, as far as it decides which group they are of. */
export type GroupMember = {
  readonly service: ObjectKey;
  /** `metadata.creationTimestamp`. */
  readonly createdAt: string;
  /** Distinct, in the order of `status.loadBalancer.ingress`; at least one. */
  readonly addresses: readonly Ip[];
};

/** Services that share an address, one with another or by way of others, and therefore have one owner. */
export type Group = {
  /** The first address of the oldest service. */
  readonly key: Ip;
  /** When the oldest service was made. */
  readonly createdAt: string;
  /** The oldest first. */
  readonly services: readonly ObjectKey[];
};

/** What a change of one service has done. */
export type Regrouping = {
  /** Groups that are new, or have other services or another age than before, and the one of the service itself. */
  readonly changed: readonly Group[];
  /** Keys that no group has any more. */
  readonly removed: readonly Ip[];
};

/** The services with addresses in groups. */
export type Groups = {
  readonly set: (member: GroupMember) => Regrouping;
  readonly remove: (service: ObjectKey) => Regrouping;
  readonly get: (key: Ip) => Group | undefined;
  readonly of: (service: ObjectKey) => Group | undefined;
  readonly values: () => Iterable<Group>;
};

/** Makes an empty index. A change costs as much as the groups it touches are large. */
export const createGroups = (): Groups => {
  const members = new Map<ObjectKey, GroupMember>();
  // Lists, not sets: nearly every address has one service.
  const holders = new Map<Ip, readonly ObjectKey[]>();
  const groups = new Map<Ip, Group>();
  const groupOf = new Map<ObjectKey, Group>();

  const holdersOf = (ip: Ip): readonly ObjectKey[] => holders.get(ip) ?? [];

  const enter = (member: GroupMember): void => {
    members.set(member.service, member);
    for (const ip of member.addresses) holders.set(ip, holdersOf(ip).concat(member.service));
  };

  const leave = (service: ObjectKey): void => {
    for (const ip of members.get(service)?.addresses ?? []) {
      const others = holdersOf(ip).filter((holder) => holder !== service);
      if (others.length === 0) holders.delete(ip);
      else holders.set(ip, others);
    }
    members.delete(service);
  };

  /** All services that share an address with this one, one with another; takes them out of `left`. */
  const connected = (service: ObjectKey, left: Set<ObjectKey>): readonly GroupMember[] => {
    const found: GroupMember[] = [];
    const next = [service];
    left.delete(service);
    for (let name = next.pop(); name !== undefined; name = next.pop()) {
      const member = members.get(name)!;
      found.push(member);
      for (const ip of member.addresses) {
        for (const other of holdersOf(ip)) if (left.delete(other)) next.push(other);
      }
    }
    return found.sort(byAge);
  };

  const change = (service: ObjectKey, after: GroupMember | undefined): Regrouping => {
    const touched = new Set<Group>();
    const touch = (name: ObjectKey): void => {
      const group = groupOf.get(name);
      if (group !== undefined) touched.add(group);
    };
    touch(service);
    for (const ip of after?.addresses ?? []) for (const holder of holdersOf(ip)) touch(holder);
    leave(service);
    if (after !== undefined) enter(after);

    const left = new Set<ObjectKey>(after === undefined ? [] : [service]);
    for (const group of touched) {
      groups.delete(group.key);
      for (const name of group.services) {
        groupOf.delete(name);
        if (members.has(name)) left.add(name);
      }
    }
    const before = new Map(Array.from(touched, (group) => [group.key, group]));
    const changed: Group[] = [];
    for (const name of left) {
      const group = groupOfMembers(connected(name, left));
      const known = before.get(group.key);
      const isSame = known !== undefined && isSameGroup(known, group);
      const kept = isSame ? known : group;
      groups.set(kept.key, kept);
      for (const each of kept.services) groupOf.set(each, kept);
      if (!isSame || kept.services.includes(service)) changed.push(kept);
    }
    return { changed, removed: [...before.keys()].filter((key) => !groups.has(key)) };
  };

  return {
    set: (member) => change(member.service, member),
    remove: (service) => (members.has(service) ? change(service, undefined) : { changed: [], removed: [] }),
    get: (key) => groups.get(key),
    of: (service) => groupOf.get(service),
    values: () => groups.values(),
  };
};

const byAge = (a: GroupMember, b: GroupMember): number =>
  compareText(a.createdAt, b.createdAt) || compareText(a.service, b.service);

const groupOfMembers = (members: readonly GroupMember[]): Group => {
  const [oldest] = members;
  const key = oldest?.addresses[0];
  if (oldest === undefined || key === undefined) throw new Error('a group without an address');
  return { key, createdAt: oldest.createdAt, services: members.map(({ service }) => service) };
};

const isSameGroup = (a: Group, b: Group): boolean =>
  a.createdAt === b.createdAt &&
  a.services.length === b.services.length &&
  a.services.every((service, index) => service === b.services[index]);

/**
 * The order in which groups are placed: the oldest first, so that a new one does not displace what was decided before.
 * Among those of one second the lower address, which is the one that was given first as a rule.
 */
export const byGroupAge = (a: Pick<Group, 'key' | 'createdAt'>, b: Pick<Group, 'key' | 'createdAt'>): number =>
  compareText(a.createdAt, b.createdAt) || a.key.length - b.key.length || compareText(a.key, b.key);
