import type { Configuration } from '../src/domain/config/configuration.ts';
import { changedPools } from '../src/domain/layer2/changed-pools.ts';
import { type ClusterView, type Decision, decide, silence } from '../src/domain/layer2/decision.ts';
import { rememberHashOrder } from '../src/domain/layer2/election.ts';
import type { EndpointSliceView, ObjectKey, ServiceView } from '../src/domain/objects.ts';
import type { EventRecorder, EventText } from '../src/k8s/events/events.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';
import { addressTable, type Answering } from './address-table.ts';
import { multiMap } from './multi-map.ts';

/** What the decider reads and acts on. */
export type ServiceDeciderPorts = {
  /** Name of this node. */
  readonly self: string;
  /** Class of the services that are handled; empty: those without a class. */
  readonly loadBalancerClass: string;
  /** The services there are, as the watch has them. */
  readonly services: {
    readonly get: (key: ObjectKey) => ServiceView | undefined;
    readonly values: () => Iterable<ServiceView>;
  };
  readonly slicesOf: (service: ObjectKey) => readonly EndpointSliceView[];
  readonly responder: Answering;
  readonly recorder: Pick<EventRecorder, 'record'>;
  /** The metric `metallb_speaker_announced`. */
  readonly announced: {
    readonly set: (service: ObjectKey, ip: Ip) => void;
    readonly remove: (service: ObjectKey, ip: Ip) => void;
  };
  readonly log: Log;
};

/** What the decisions rest on beside the services. */
export type Surroundings = Pick<ClusterView, 'configuration' | 'candidates' | 'interfaces'>;

/**
 * Keeps what this node answers for in step with the cluster. Nothing is decided before `start`, so a speaker that knows
 * a part of the cluster only announces nothing; afterwards each call decides again, at once, what its change can touch.
 */
export type ServiceDecider = {
  readonly start: (surroundings: Surroundings) => void;
  /** The service, or one of its EndpointSlices, was added, changed or deleted. */
  readonly serviceChanged: (service: ObjectKey) => void;
  readonly configurationChanged: (configuration: Configuration) => void;
  readonly candidatesChanged: (candidates: ReadonlySet<string>) => void;
  readonly interfacesChanged: (interfaces: ReadonlySet<string>) => void;
};

const nothing: Decision = silence('noIPAllocated');

/** Makes a decider that has decided nothing yet. */
export const createServiceDecider = (ports: ServiceDeciderPorts): ServiceDecider => {
  const { self, recorder, announced } = ports;
  const table = addressTable(ports.responder);
  const election = rememberHashOrder();
  /** The last decision about each service that has addresses. */
  const decisions = new Map<ObjectKey, Decision>();
  const servicesOfPool = multiMap<string | undefined, ObjectKey>();
  let view: ClusterView | undefined;

  const decideService = (key: ObjectKey): void => {
    if (view === undefined) return;
    const before = decisions.get(key) ?? nothing;
    const service = ports.services.get(key);
    const after = service === undefined ? silence('serviceDeleted') : decide(service, ports.slicesOf(key), view);
    remember(key, before, after);
    withdrawOthers(key, before, after);
    if (service !== undefined) announce(service, before, after);
  };

  const remember = (key: ObjectKey, before: Decision, after: Decision): void => {
    for (const pool of before.pools) if (!after.pools.has(pool)) servicesOfPool.remove(pool, key);
    for (const pool of after.pools) if (!before.pools.has(pool)) servicesOfPool.add(pool, key);
    if (after.group === undefined) decisions.delete(key);
    else decisions.set(key, after);
    if (before.group !== undefined && before.group.key !== after.group?.key) election.forget(before.group);
  };

  /** Falls silent for what is no longer to be announced; comes first, so that an address is never held for two reasons. */
  const withdrawOthers = (key: ObjectKey, before: Decision, after: Decision): void => {
    for (const { ip } of before.announce) {
      if (after.announce.some((announcement) => announcement.ip === ip)) continue;
      table.release(ip, key);
      announced.remove(key, ip);
      const reason = after.reason ?? after.silent.find((entry) => entry.ip === ip)?.reason ?? 'loadBalancerIPChanged';
      ports.log.info('withdrew an address', { event: 'serviceWithdrawn', service: key, ip, reason });
    }
  };

  const announce = (service: ServiceView, before: Decision, after: Decision): void => {
    let begins = false;
    for (const { ip, interfaces } of after.announce) {
      table.claim(ip, service.key, interfaces);
      if (before.announce.some((announcement) => announcement.ip === ip)) continue;
      begins = true;
      announced.set(service.key, ip);
      ports.log.info('announcing an address', { event: 'serviceAnnounced', service: service.key, ip, interfaces });
    }
    if (begins) {
      tell(service, {
        type: 'Normal',
        reason: 'nodeAssigned',
        message: `announcing from node "${self}" with protocol "layer2"`,
      });
    }
    for (const { ip, reason } of after.silent) {
      if (reason !== 'noInterface') continue;
      if (before.silent.some((entry) => entry.ip === ip && entry.reason === reason)) continue;
      tell(service, {
        type: 'Warning',
        reason: 'announceFailed',
        message: `the interfaces specified by LB IP "${ip}" doesn't exist in assigned node "${self}" with protocol "layer2"`,
      });
    }
  };

  const tell = ({ namespace, name, uid }: ServiceView, event: EventText): void => {
    recorder.record({ apiVersion: 'v1', kind: 'Service', namespace, name, uid }, event);
  };

  const decideAgain = (keys: Iterable<ObjectKey>): void => {
    for (const key of new Set(keys)) decideService(key);
  };

  return {
    start: (surroundings) => {
      view = { self, loadBalancerClass: ports.loadBalancerClass, order: election.order, ...surroundings };
      for (const { key } of ports.services.values()) decideService(key);
    },

    serviceChanged: decideService,

    configurationChanged: (configuration) => {
      if (view === undefined) return;
      const before = view.configuration;
      view = { ...view, configuration };
      const touched = [...changedPools(before, configuration), undefined];
      decideAgain(touched.flatMap((pool) => [...servicesOfPool.get(pool)]));
    },

    candidatesChanged: (candidates) => {
      if (view === undefined) return;
      view = { ...view, candidates };
      decideAgain(decisions.keys());
    },

    interfacesChanged: (interfaces) => {
      if (view === undefined) return;
      view = { ...view, interfaces };
      decideAgain([...decisions].filter(([, decision]) => dependsOnInterfaces(decision)).map(([key]) => key));
    },
  };
};

const dependsOnInterfaces = ({ announce, silent }: Decision): boolean =>
  announce.some(({ interfaces }) => interfaces !== undefined) || silent.some(({ reason }) => reason === 'noInterface');
