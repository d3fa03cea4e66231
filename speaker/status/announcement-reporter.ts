import type { ServiceAnnouncement } from '../../src/domain/layer2/announcement.ts';
import type { ObjectKey, ServiceView } from '../../src/domain/objects.ts';
import type { EventText } from '../../src/k8s/events/events.ts';
import type { Ip } from '../../src/lib/ip.ts';
import { compareText } from '../../src/lib/sorted.ts';
import { type Clock, seconds } from '../../src/lib/time.ts';
import { multiMap } from '../../src/lib/multi-map.ts';
import { type Conflict, explain, type Explanation } from './explain.ts';
import type { L2StatusWriter } from './l2-status-writer.ts';
import { serviceEvents } from './service-events.ts';

export type AnnouncementReporterOptions = {
  /** Name of this node. */
  readonly self: string;
  readonly clock: Clock;
  /** The service as the watch has it. */
  readonly serviceOf: (key: ObjectKey) => ServiceView | undefined;
  readonly writer: Pick<L2StatusWriter, 'set' | 'saysAnnounced'>;
  readonly tell: (service: ServiceView, event: EventText) => void;
  /** The metric `metallb_speaker_announced`. */
  readonly announced: {
    readonly set: (service: ObjectKey, ip: Ip) => void;
    readonly remove: (service: ObjectKey, ip: Ip) => void;
  };
};

/** Says of each service how it is announced: by its `ServiceL2Status`, by events and by a metric. */
export type AnnouncementReporter = {
  /** What is known of a service has changed; undefined: it is gone, or no load balancer of ours. */
  readonly onAnnouncement: (service: ObjectKey, announcement: ServiceAnnouncement | undefined) => void;
  /** Another host has an address of the group; undefined: that is over. */
  readonly onConflict: (group: Ip, ip: Ip, conflict: Conflict | undefined) => void;
  /** The group is no matter of this node any more, and so is whoever has its addresses. */
  readonly onGivenUp: (group: Ip) => void;
  /** An address of the cluster is bound to an interface of this node, whose kernel answers for it; or no longer. */
  readonly onBound: (ip: Ip, interfaceName: string, isBound: boolean) => void;
  /** Whether this node answers for the address. */
  readonly answers: (ip: Ip) => boolean;
  /** Names of the nodes whose speakers live, this one included. */
  readonly onMembers: (names: Iterable<string>) => void;
};

/**
 * What all nodes know is said when it has lasted: the endpoints of a new service are often a few seconds late, and a
 * service between two owners has one again at once.
 */
const patience = seconds(5);

type Entry = {
  announcement: ServiceAnnouncement;
  /** States that were told and last. */
  told: readonly string[];
  /** Set while anyone could say the same: cancels the waiting; and whether it has lasted. */
  wait: { readonly cancel: () => void; isOver: boolean } | undefined;
};

/** Makes the reporter; it says nothing before it is told something. */
export const createAnnouncementReporter = (options: AnnouncementReporterOptions): AnnouncementReporter => {
  const { self, clock, serviceOf, writer, tell, announced } = options;
  const entries = new Map<ObjectKey, Entry>();
  const servicesOfGroup = multiMap<Ip, ObjectKey>();
  /** Those that this node answers for the address for. */
  const servicesOfIp = multiMap<Ip, ObjectKey>();
  const conflicts = new Map<Ip, Map<Ip, Conflict>>();
  const bound = new Map<Ip, string[]>();
  const noConflicts: ReadonlyMap<Ip, Conflict> = new Map();
  /** Who speaks for all: the first living speaker by name. */
  let isSpokesman = false;

  const stopWaiting = (entry: Entry): void => {
    entry.wait?.cancel();
    entry.wait = undefined;
  };

  /** Whether what anyone could say has lasted; looks again when it has. */
  const hasLasted = (service: ObjectKey, entry: Entry): boolean => {
    entry.wait ??= {
      isOver: false,
      cancel: clock.after(patience, () => {
        if (entry.wait !== undefined) entry.wait.isOver = true;
        refresh(service);
      }),
    };
    return entry.wait.isOver;
  };

  const say = (service: ServiceView, entry: Entry, explanation: Explanation | undefined): void => {
    const { key, namespace, name } = service;
    if (explanation?.speaker !== 'anyone') stopWaiting(entry);
    else if (isSpokesman && !hasLasted(key, entry)) return;
    const isOurs = explanation !== undefined && (explanation.speaker === 'self' || isSpokesman);
    writer.set(key, isOurs ? { ...explanation, namespace, name } : undefined);
  };

  const refresh = (key: ObjectKey): void => {
    const entry = entries.get(key);
    const service = serviceOf(key);
    if (entry === undefined || service === undefined) return;
    const { announcement } = entry;
    const group = announcement.key;
    const situation = {
      self,
      announcement,
      conflicts: (group !== undefined ? conflicts.get(group) : undefined) ?? noConflicts,
      bound,
    };
    const explanation = explain(situation);
    // What stands there was written by us, and told with it: before this start, as a rule.
    const isKnown = writer.saysAnnounced(key);
    say(service, entry, explanation);
    const isSaid = explanation?.speaker === 'self' || (isSpokesman && entry.wait?.isOver === true);
    const events = isSaid ? serviceEvents(situation) : new Map<string, EventText>();
    for (const [state, event] of events) {
      if (entry.told.includes(state) || (isKnown && event.reason === 'nodeAssigned')) continue;
      tell(service, event);
    }
    entry.told = Array.from(events.keys());
  };

  const count = (service: ObjectKey, before: readonly Ip[], now: readonly Ip[]): void => {
    for (const ip of before.filter((each) => !now.includes(each))) {
      servicesOfIp.remove(ip, service);
      announced.remove(service, ip);
    }
    for (const ip of now.filter((each) => !before.includes(each))) {
      servicesOfIp.add(ip, service);
      announced.set(service, ip);
    }
  };

  const forget = (service: ObjectKey, entry: Entry): void => {
    stopWaiting(entry);
    entries.delete(service);
    count(service, answeredIps(entry.announcement), []);
    writer.set(service, undefined);
  };

  return {
    onAnnouncement: (service, announcement) => {
      const entry = entries.get(service);
      const before = entry?.announcement;
      if (before?.key !== undefined && before.key !== announcement?.key) servicesOfGroup.remove(before.key, service);
      if (announcement === undefined) {
        if (entry !== undefined) forget(service, entry);
        return;
      }
      if (announcement.key !== undefined) servicesOfGroup.add(announcement.key, service);
      if (entry === undefined) entries.set(service, { announcement, told: [], wait: undefined });
      else entry.announcement = announcement;
      count(service, before === undefined ? [] : answeredIps(before), answeredIps(announcement));
      refresh(service);
    },

    onConflict: (group, ip, conflict) => {
      const ofGroup = conflicts.get(group) ?? new Map<Ip, Conflict>();
      if (conflict === undefined) ofGroup.delete(ip);
      else ofGroup.set(ip, conflict);
      if (ofGroup.size === 0) conflicts.delete(group);
      else conflicts.set(group, ofGroup);
      for (const service of servicesOfGroup.get(group)) refresh(service);
    },

    onGivenUp: (group) => {
      if (!conflicts.delete(group)) return;
      for (const service of servicesOfGroup.get(group)) refresh(service);
    },

    onBound: (ip, interfaceName, isBound) => {
      const others = (bound.get(ip) ?? []).filter((name) => name !== interfaceName);
      const names = isBound ? [...others, interfaceName].sort() : others;
      if (names.length === 0) bound.delete(ip);
      else bound.set(ip, names);
      for (const service of servicesOfIp.get(ip)) refresh(service);
    },

    answers: servicesOfIp.has,

    onMembers: (names) => {
      const [first] = [...names].sort(compareText);
      if (isSpokesman === (first === self)) return;
      isSpokesman = first === self;
      for (const service of entries.keys()) refresh(service);
    },
  };
};

const answeredIps = ({ answered }: ServiceAnnouncement): readonly Ip[] => answered.map(({ ip }) => ip);
