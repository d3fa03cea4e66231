import type { EventText } from '../../src/k8s/events/events.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { compareText } from '../../src/lib/sorted.ts';
import { type Clock, seconds } from '../../src/lib/time.ts';

export type NodeReporterOptions = {
  readonly clock: Clock;
  /** UDP port of the beacons. */
  readonly beaconPort: number;
  /** Whether this node answers for the address. */
  readonly answers: (ip: Ip) => boolean;
  /** Tells an event about this speaker. */
  readonly tell: (event: EventText) => void;
};

/** Tells what is wrong between this speaker and the others, and with this node, that is no matter of one service. */
export type NodeReporter = {
  /** Beacons came from there that are sealed with a key we do not have. */
  readonly onUnknownKey: (from: Ip) => void;
  /** Gossip knows the member, and no beacon of it has come for 10 s; or one has, again. */
  readonly onUnheard: (node: string, isUnheard: boolean) => void;
  /** Two living speakers go by one name. */
  readonly onDuplicateName: (node: string, addresses: readonly Ip[]) => void;
  /** An address of the cluster is bound to an interface here, whose kernel answers for it; or no longer. */
  readonly onBound: (ip: Ip, interfaceName: string, isBound: boolean) => void;
  /** Names of the nodes whose speakers are members. */
  readonly onMembers: (names: Iterable<string>) => void;
  /** Members that are not heard now. */
  readonly unheard: () => number;
};

/** Addresses are bound one after the other, and an owner is known a moment later: they are told together. */
const gathering = seconds(2);

/** Addresses named in an event. */
const mostNamed = 5;

/** Makes the reporter. */
export const createNodeReporter = ({ clock, beaconPort, answers, tell }: NodeReporterOptions): NodeReporter => {
  const unheard = new Set<string>();
  const bound = new Map<string, Ip>();
  let isGathering = false;
  let isBoundTold = false;

  const warn = (reason: string, message: string): void => tell({ type: 'Warning', reason, message });

  /** What this node owns is told to the services; the rest would be told to each of them by every node. */
  const tellBound = (): void => {
    isGathering = false;
    const ips = [...new Set(bound.values())].filter((ip) => !answers(ip)).sort(compareText);
    if (ips.length === 0 || isBoundTold) {
      isBoundTold = ips.length > 0;
      return;
    }
    isBoundTold = true;
    const rest = ips.length > mostNamed ? ` and ${ips.length - mostNamed} more` : '';
    warn(
      'BoundLocally',
      `the kernel of this node answers for ${ips.slice(0, mostNamed).join(', ')}${rest}, though another node announces ` +
        'that: it is bound to an interface while arp_ignore is 0; set net.ipv4.conf.all.arp_ignore=1 and ' +
        'net.ipv4.conf.all.arp_announce=2 (kube-proxy in mode ipvs does so with strictARP: true), or unbind it',
    );
  };

  return {
    onUnknownKey: (from) =>
      warn(
        'UnknownKey',
        `beacons from ${from} are sealed with another key than ours: give every speaker the same Secret "memberlist", ` +
          'and every cluster on the LAN one of its own',
      ),
    onUnheard: (node, isUnheard) => {
      if (!isUnheard) {
        unheard.delete(node);
        return;
      }
      if (unheard.has(node)) return;
      unheard.add(node);
      warn(
        'MemberUnheard',
        `the speaker of node "${node}" is a member, but no beacon of it has come for 10 s: let UDP port ${beaconPort} ` +
          'pass between the nodes',
      );
    },
    onDuplicateName: (node, addresses) =>
      warn(
        'DuplicateName',
        `two living speakers have the name "${node}", at ${addresses.join(' and ')}: the one whose address stands in the ` +
          'Node object stays; give each machine a name of its own',
      ),
    onBound: (ip, interfaceName, isBound) => {
      const key = `${interfaceName} ${ip}`;
      if (isBound) bound.set(key, ip);
      else bound.delete(key);
      if (isGathering) return;
      isGathering = true;
      clock.after(gathering, tellBound);
    },
    onMembers: (names) => {
      const members = new Set(names);
      for (const node of unheard) if (!members.has(node)) unheard.delete(node);
    },
    unheard: () => unheard.size,
  };
};
