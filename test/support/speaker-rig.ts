import type { GroupOrder, RemovedGroup } from '../../src/lib/group-order.ts';
import { createSpeaker } from '../../speaker/speaker.ts';
import type { Speaker, SpeakerPorts } from '../../speaker/speaker-ports.ts';
import type { Configuration, L2Advertisement } from '../../src/domain/config/configuration.ts';
import type { ServiceAnnouncement } from '../../src/domain/layer2/announcement.ts';
import type { EndpointSliceView, NodeView, ServiceView, SpeakerPodView } from '../../src/domain/objects.ts';
import { type Change, Mirror } from '../../src/k8s/watch/mirror.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { configurationOf, l2Advertisement, poolOf, serviceView } from './builders.ts';
import { type FakeClock, fakeClock } from './fake-clock.ts';
import { silentLog } from './silent-log.ts';

/** What a speaker has ordered. */
export type Ordered =
  | { readonly type: 'groups'; readonly changed: readonly GroupOrder[]; readonly removed: readonly RemovedGroup[] }
  | { readonly type: 'handOver'; readonly keys: readonly Ip[]; readonly to: string };

/** A speaker in a cluster that a test writes by hand. Every change is acted on at once. */
export type SpeakerRig = {
  readonly speaker: Speaker;
  readonly clock: FakeClock;
  /** Names and events of what was logged. */
  readonly logged: unknown[];
  /** What was told last of each service. */
  readonly told: ReadonlyMap<string, ServiceAnnouncement>;
  /** What stands at the responder, by key. */
  readonly orders: ReadonlyMap<string, GroupOrder>;
  /** What was ordered since the last call. */
  readonly done: () => readonly Ordered[];
  /** The services that were read since the last call. */
  readonly read: () => readonly string[];
  /** Puts a service, `default/<name>`, with these addresses. */
  readonly service: (name: string, ips: readonly string[], more?: Partial<ServiceView>) => void;
  readonly noService: (name: string) => void;
  /** Puts the one slice of a service, with an endpoint on each of the nodes that can serve. */
  readonly slice: (name: string, nodes: readonly string[], resourceVersion?: string) => void;
  readonly node: (name: string, more?: Partial<NodeView>) => void;
  readonly noNode: (name: string) => void;
  readonly pod: (nodeName: string, ready: boolean) => void;
  /** Has these advertisements for the pools 10.0.0.0/16 and fd00::/64. */
  readonly advertise: (...advertisements: readonly L2Advertisement[]) => void;
  readonly configure: (configuration: Configuration) => void;
  readonly members: (...names: readonly string[]) => void;
  readonly owner: (key: string, node: string | undefined) => void;
  readonly owning: (key: string) => void;
  readonly peer: (node: string, isHeard: boolean, ...interfaces: readonly string[]) => void;
};

/** Makes a speaker on `self` that has the interface eth0 and waits for `synced`. */
export const speakerRig = (self: string, changes: Partial<SpeakerPorts> = {}): SpeakerRig => {
  const clock = fakeClock();
  const services = new Mirror<ServiceView>();
  const slices = new Mirror<EndpointSliceView>();
  const nodes = new Mirror<NodeView>();
  const pods = new Mirror<SpeakerPodView>();
  const logged: unknown[] = [];
  const told = new Map<string, ServiceAnnouncement>();
  const orders = new Map<string, GroupOrder>();
  let configuration = configurationOf([]);
  let done: Ordered[] = [];
  let read: string[] = [];
  let version = 1;

  const speaker = createSpeaker({
    self,
    loadBalancerClass: '',
    ignoreExcludeLabel: false,
    election: 'default',
    hasBeacon: true,
    isRebalancing: true,
    membership: 'memberlist',
    mirrors: {
      services: {
        get: (key) => {
          read.push(key);
          return services.get(key);
        },
        values: () => services.values(),
      },
      nodes,
      pods,
      configuration: () => configuration,
    },
    responder: {
      groups: (changed, removed) => {
        done.push({ type: 'groups', changed, removed });
        for (const { key } of removed) orders.delete(key);
        for (const order of changed) orders.set(order.key, order);
      },
      handOver: (keys, to) => done.push({ type: 'handOver', keys, to }),
    },
    onAnnouncement: (service, announcement) => {
      if (announcement === undefined) told.delete(service);
      else told.set(service, announcement);
    },
    clock,
    log: {
      ...silentLog,
      info: (_, fields) => logged.push(fields?.['event']),
      warn: (_, fields) => logged.push(fields?.['event']),
    },
    soon: (action) => action(),
    ...changes,
  });

  const put = <View>(
    mirror: Mirror<View>,
    key: string,
    view: View | undefined,
    take: (change: Change<View>) => void,
  ): void => {
    const change = mirror.put(key, view);
    if (change !== undefined) take(change);
  };

  const configure = (next: Configuration): void => {
    configuration = next;
    speaker.onConfiguration();
  };

  const advertise: SpeakerRig['advertise'] = (...l2Advertisements) =>
    configure(
      configurationOf(
        [poolOf('main', '10.0.0.0/16', { l2Advertisements }), poolOf('six', 'fd00::/64', { l2Advertisements })],
        l2Advertisements.map((advertisement) => ({ advertisement, poolNames: undefined })),
      ),
    );
  advertise(l2Advertisement('everywhere'));
  speaker.onInterfaces(['eth0']);

  return {
    speaker,
    clock,
    logged,
    told,
    orders,
    done: () => {
      const before = done;
      done = [];
      return before;
    },
    read: () => {
      const before = read;
      read = [];
      return before;
    },
    service: (name, ips, more = {}) => {
      const ingress = ips.map((ip) => ({ ip }));
      const view = serviceView({ name, ingress, resourceVersion: `${++version}`, ...more });
      put(services, view.key, view, speaker.onService);
    },
    noService: (name) => put(services, `default/${name}`, undefined, speaker.onService),
    slice: (name, on, resourceVersion = `${++version}`) => {
      const key = `default/${name}-1`;
      const endpoints = on.map((nodeName) => ({ nodeName, usable: true, ready: true }));
      put(slices, key, { key, resourceVersion, serviceKey: `default/${name}`, endpoints }, speaker.onSlice);
    },
    node: (name, more = {}) =>
      put(
        nodes,
        name,
        { name, labels: {}, ready: true, networkUnavailable: false, addresses: [], ...more },
        speaker.onNode,
      ),
    noNode: (name) => put(nodes, name, undefined, speaker.onNode),
    pod: (nodeName, ready) => put(pods, nodeName, { key: nodeName, nodeName, ips: [], ready }, speaker.onPod),
    advertise,
    configure,
    members: (...names) =>
      speaker.onMembers(names.filter((node) => node !== self).map((node) => ({ node, beacons: true }))),
    owner: (key, node) => speaker.onOwnership([{ type: 'owner', key: key as Ip, node, epoch: 1n }]),
    owning: (key) => {
      speaker.onOwnership([
        { type: 'owner', key: key as Ip, node: self, epoch: 1n },
        { type: 'owning', key: key as Ip, how: 'first', took: undefined },
      ]);
    },
    peer: (node, isHeard, ...interfaces) => speaker.onOwnership([{ type: 'peer', node, isHeard, interfaces }]),
  };
};

/** The same with three nodes, all well and members, and everything read. */
export const runningRig = (self: string, changes: Partial<SpeakerPorts> = {}): SpeakerRig => {
  const rig = speakerRig(self, changes);
  for (const name of ['node-a', 'node-b', 'node-c']) rig.node(name);
  rig.members('node-a', 'node-b', 'node-c');
  rig.speaker.synced();
  return rig;
};
