import type { AdvertisedService } from '../src/domain/layer2/advertised-service.ts';
import type { ServiceAnnouncement } from '../src/domain/layer2/announcement.ts';
import { addressOn, type GroupDecision, isAnswerable, type NodesView } from '../src/domain/layer2/group-decision.ts';
import type { ObjectKey } from '../src/domain/objects.ts';
import { exact } from '../src/lib/exact.ts';
import type { Ip } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';

/** How a group stands. */
export type GroupStanding = {
  readonly key: Ip;
  readonly decision: GroupDecision;
  readonly owner: string | undefined;
  /** This node owns it, and answers. */
  readonly isAnswering: boolean;
};

/** This node, as far as it matters for what it answers. */
export type Here = Pick<NodesView, 'self' | 'covers'> & {
  /** Undefined: not known yet. */
  readonly interfaces: () => ReadonlySet<string> | undefined;
};

/** What is to be said of a service. */
export const announcementOf = (
  { advertised, silent, reason }: AdvertisedService,
  group: GroupStanding | undefined,
  here: Here,
): ServiceAnnouncement => {
  if (group === undefined || reason !== undefined) return { ...nothing, key: group?.key, silent, reason };
  const { key, decision, owner, isAnswering } = group;
  const present = here.interfaces() ?? new Set();
  const own = owner === here.self ? advertised.map((address) => addressOn(here.self, address, here)) : [];
  // An address that is for other nodes is none that an interface is missing for.
  const meant = own.filter(({ interfaces }) => interfaces?.length !== 0);
  return {
    key,
    owner,
    answered: isAnswering ? exact(meant.filter((address) => isAnswerable(address, present))) : nothing.answered,
    withoutInterface: meant.filter((address) => !isAnswerable(address, present)).map(({ ip }) => ip),
    silent,
    reason: decision.reason,
    clashing: decision.clashing,
    nodes: decision.nodes,
  };
};

const nothing: ServiceAnnouncement = {
  key: undefined,
  owner: undefined,
  answered: [],
  withoutInterface: [],
  silent: [],
  reason: undefined,
  clashing: [],
  nodes: new Map(),
};

export type AnnouncerOptions = {
  readonly onAnnouncement: (service: ObjectKey, announcement: ServiceAnnouncement | undefined) => void;
  readonly log: Log;
};

/** Tells what is known of services. */
export type Announcer = {
  /** Tells it on if it is not what was told last; undefined: nothing is to be said of the service any more. */
  readonly tell: (service: ObjectKey, announcement: ServiceAnnouncement | undefined) => void;
};

/** Makes an announcer that has told nothing yet; the log has what this node begins and ceases to answer for. */
export const createAnnouncer = ({ onAnnouncement, log }: AnnouncerOptions): Announcer => {
  const told = new Map<ObjectKey, ServiceAnnouncement>();

  const logTurns = (
    service: ObjectKey,
    before: ServiceAnnouncement | undefined,
    after: ServiceAnnouncement | undefined,
  ): void => {
    const answeredBefore = before?.answered ?? [];
    const answeredNow = after?.answered ?? [];
    for (const { ip } of answeredBefore) {
      if (answeredNow.some((address) => address.ip === ip)) continue;
      const reason = after === undefined ? 'notWanted' : (after.reason ?? 'notOwner');
      log.info('withdrew an address', { event: 'serviceWithdrawn', service, ip, reason, owner: after?.owner });
    }
    for (const { ip, interfaces } of answeredNow) {
      if (answeredBefore.some((address) => address.ip === ip)) continue;
      log.info('announcing an address', { event: 'serviceAnnounced', service, ip, interfaces });
    }
  };

  return {
    tell: (service, announcement) => {
      const before = told.get(service);
      if (before === announcement || (before && announcement && isEqual(before, announcement))) return;
      if (announcement === undefined) told.delete(service);
      else told.set(service, announcement);
      logTurns(service, before, announcement);
      onAnnouncement(service, announcement);
    },
  };
};

/** Whether plain data are equal: texts, arrays, maps and objects of such. */
const isEqual = (a: unknown, b: unknown): boolean => {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Map || b instanceof Map) {
    return a instanceof Map && b instanceof Map && isEqual([...a], [...b]);
  }
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => isEqual((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]))
  );
};
