import type { GroupOrder, RemovedGroup } from '../../src/lib/group-order.ts';
import { familyOf, type Ip } from '../../src/lib/ip.ts';
import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type { InterfaceAddress } from '../../src/proto/rtnetlink/address.ts';
import type { ResponderReport } from './messages.ts';

/** What is known of this host. */
export type HostView = {
  readonly addresses: () => Iterable<InterfaceAddress>;
  /** Undefined if the interface has gone. */
  readonly nameOf: (interfaceIndex: number) => string | undefined;
  /** Names of the interfaces that are served. */
  readonly served: () => readonly string[];
  /** The kernel parameter of an interface, or of `all`; undefined if the interface has gone. */
  readonly arpIgnore: (name: string) => number | undefined;
};

/** The shortest time between two looks: with IPVS thousands of addresses come one by one. */
const shortestPause = seconds(1);

/** Where something is bound the kernel parameter is looked at this often: nobody tells of its changes. */
const longestPause = seconds(5);

type Bound = Extract<ResponderReport, { readonly type: 'boundLocally' }>;

/**
 * Finds addresses announced in the cluster to which the kernel of this host answers ARP by itself, because an interface
 * of any kind has them and `arp_ignore` is 0 where clients ask: then this node answers whoever owns them.
 */
export type LocalBindings = {
  readonly groups: (changed: readonly GroupOrder[], removed: readonly RemovedGroup[], now: Millis) => void;
  /** Addresses or interfaces of this host have changed. */
  readonly hostChanged: (now: Millis) => void;
  /** What has changed since the last look. */
  readonly turn: (now: Millis) => readonly Bound[];
  /** When `turn` has something to do. */
  readonly nextDeadline: () => Millis;
};

/** Knows no group yet. */
export const createLocalBindings = (host: HostView): LocalBindings => {
  const groups = new Map<Ip, readonly Ip[]>();
  /** The name of the interface by address. */
  let told = new Map<Ip, string>();
  let lookedAt = -Infinity;
  let lookAt = Infinity;

  const look = (now: Millis): void => {
    lookAt = Math.min(lookAt, Math.max(now, lookedAt + shortestPause));
  };
  const isAnsweredByKernel = (): boolean => {
    const forAll = host.arpIgnore('all') ?? 0;
    return host.served().some((name) => Math.max(forAll, host.arpIgnore(name) ?? Infinity) === 0);
  };
  /** Announced addresses that some interface of this host has, with its name. */
  const bound = (): Map<Ip, string> => {
    const announced = new Set([...groups.values()].flat());
    const found = new Map<Ip, string>();
    if (announced.size === 0) return found;
    for (const { ip, interface: index } of host.addresses()) {
      if (familyOf(ip) !== 'IPv4' || !announced.has(ip)) continue;
      const name = host.nameOf(index);
      if (name !== undefined) found.set(ip, name);
    }
    return found;
  };

  return {
    groups: (changed, removed, now) => {
      for (const { key, addresses } of changed)
        groups.set(
          key,
          addresses.map(({ ip }) => ip),
        );
      for (const { key } of removed) groups.delete(key);
      look(now);
    },
    hostChanged: look,
    turn: (now) => {
      if (now < lookAt) return [];
      lookedAt = now;
      const candidates = bound();
      lookAt = candidates.size > 0 ? now + longestPause : Infinity;
      const found = candidates.size > 0 && isAnsweredByKernel() ? candidates : new Map<Ip, string>();
      const reports: Bound[] = [];
      for (const [ip, name] of told)
        if (found.get(ip) !== name) reports.push({ type: 'boundLocally', ip, interface: name, isBound: false });
      for (const [ip, name] of found)
        if (told.get(ip) !== name) reports.push({ type: 'boundLocally', ip, interface: name, isBound: true });
      told = found;
      return reports;
    },
    nextDeadline: () => millis(lookAt),
  };
};
