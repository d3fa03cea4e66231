import type { GroupOrder, RemovedGroup } from '../src/lib/group-order.ts';
import type { Configuration } from '../src/domain/config/configuration.ts';
import type { ServiceAnnouncement } from '../src/domain/layer2/announcement.ts';
import type { EndpointSliceView, NodeView, ObjectKey, ServiceView, SpeakerPodView } from '../src/domain/objects.ts';
import type { Change } from '../src/k8s/watch/reflector.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';
import type { Clock } from '../src/lib/time.ts';
import type { Member, OwnershipReport } from '../src/proto/ownership/machine.ts';

/** What the speaker sees of the cluster: copies that are complete once `synced` is called. */
export type Mirrors = {
  readonly services: {
    readonly get: (key: ObjectKey) => ServiceView | undefined;
    readonly values: () => Iterable<ServiceView>;
  };
  readonly nodes: {
    readonly get: (name: string) => NodeView | undefined;
    readonly values: () => Iterable<NodeView>;
  };
  /** The speaker pods. */
  readonly pods: { readonly values: () => Iterable<SpeakerPodView> };
  readonly configuration: () => Configuration;
};

/** Who carries the decisions out. */
export type Orders = {
  /** Groups that are to be had otherwise than before, and groups that are not wanted any more. */
  readonly groups: (changed: readonly GroupOrder[], removed: readonly RemovedGroup[]) => void;
  /** Planned moves of groups that this node owns. */
  readonly handOver: (keys: readonly Ip[], to: string) => void;
};

export type SpeakerPorts = {
  /** Name of this node. */
  readonly self: string;
  /** Class of the services that are handled; empty: those without a class. */
  readonly loadBalancerClass: string;
  /** Nodes keep their addresses whatever the label `exclude-from-external-load-balancers` says. */
  readonly ignoreExcludeLabel: boolean;
  /** `metallb`: the exact order of the original. It applies as well without beacons and beside members without. */
  readonly election: 'default' | 'metallb';
  /** Whether there is a key, and so a beacon. */
  readonly hasBeacon: boolean;
  /** Whether the busiest node gives a group away now and then after others came. */
  readonly isRebalancing: boolean;
  /** `memberlist`: `onMembers` tells who takes part; `api`: the nodes with a ready speaker pod do. */
  readonly membership: 'memberlist' | 'api';
  readonly mirrors: Mirrors;
  readonly responder: Orders;
  /** Told when what is known of a service changes; undefined: it is gone, or no load balancer of ours. */
  readonly onAnnouncement: (service: ObjectKey, announcement: ServiceAnnouncement | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs an action when the turn of the event loop has brought all it brings. Default: `queueMicrotask`. */
  readonly soon?: (action: () => void) => void;
};

/** Takes what happens in the cluster and on this node, and acts on it within the turn of the event loop. */
export type Speaker = {
  readonly onService: (change: Change<ServiceView>) => void;
  readonly onSlice: (change: Change<EndpointSliceView>) => void;
  readonly onNode: (change: Change<NodeView>) => void;
  readonly onPod: (change: Change<SpeakerPodView>) => void;
  /** A pool or an advertisement changed. */
  readonly onConfiguration: () => void;
  /** The members beside this node, which is one of them; only with membership by memberlist. */
  readonly onMembers: (members: readonly Pick<Member, 'node' | 'beacons'>[]) => void;
  /** What the ownership machine reports: owners, what is answered here, peers and their interfaces. */
  readonly onOwnership: (reports: readonly OwnershipReport[]) => void;
  /** The responder's interfaces, by name; with the first report it is known to run. */
  readonly onInterfaces: (names: readonly string[]) => void;
  /** Every mirror has been read once. */
  readonly synced: () => void;
  /** Whether it decides: all is read, members are known and the responder runs. Says nothing of what it owns. */
  readonly isReady: () => boolean;
};
