import type { GroupOrder, RemovedGroup } from '../src/lib/group-order.ts';
import type { Configuration, L2Advertisement } from '../src/domain/config/configuration.ts';
import { type AdvertisedService, readService } from '../src/domain/layer2/advertised-service.ts';
import { changedPools } from '../src/domain/layer2/changed-pools.ts';
import { createCandidateLists, decideGroup, type NodesView } from '../src/domain/layer2/group-decision.ts';
import { createGroups, type Group } from '../src/domain/layer2/groups.ts';
import { createPlacements, type UnplacedGroup } from '../src/domain/layer2/placements.ts';
import { createSelectedNodes } from '../src/domain/layer2/selected-nodes.ts';
import type { EndpointSliceView, ObjectKey } from '../src/domain/objects.ts';
import type { Ip } from '../src/lib/ip.ts';
import { multiMap } from '../src/lib/multi-map.ts';
import { type Millis, seconds } from '../src/lib/time.ts';
import type { OwnershipReport } from '../src/proto/ownership/machine.ts';
import { announcementOf, createAnnouncer, type GroupStanding } from './announcer.ts';
import { type GroupState, isSameOrder, poolRevisions } from './group-orders.ts';
import { createInheritance } from './inheritance.ts';
import { createMover } from './mover.ts';
import type { NodeStates } from './node-states.ts';
import type { SpeakerPorts } from './speaker-ports.ts';

/** What the decider reads and acts on. */
export type ServiceDeciderPorts = Omit<SpeakerPorts, 'ignoreExcludeLabel' | 'membership'> & {
  readonly slicesOf: (service: ObjectKey) => readonly EndpointSliceView[];
  readonly nodes: NodeStates;
};

/**
 * Keeps the orders to the responder in step with the cluster. Nothing is decided before `start`, so a speaker that knows
 * a part of the cluster only orders nothing; afterwards the changes of one turn of the event loop are decided together,
 * and only what they can touch.
 */
export type ServiceDecider = {
  readonly start: () => void;
  /** The service, or one of its EndpointSlices, was added or changed; or the service was deleted, last seen as `revision`. */
  readonly serviceChanged: (service: ObjectKey, revision?: number) => void;
  readonly configurationChanged: () => void;
  /** Other nodes may own addresses than before. */
  readonly candidatesChanged: () => void;
  /** Nodes are ranked in another way. */
  readonly ranksChanged: () => void;
  /** The labels of a node may have changed. */
  readonly labelsChanged: (node: string) => void;
  /** A node has other interfaces. */
  readonly interfacesChanged: () => void;
  /** Whether a member that keeps to the original's order is in the cluster. */
  readonly setHasOriginals: (hasOriginals: boolean) => void;
  readonly onOwnership: (report: OwnershipReport) => void;
};

/** How long after a change all orders are levelled: claims that follow from it have come by then. */
const levelAfter: Millis = seconds(1);

/** Makes a decider that has decided nothing yet. */
export const createServiceDecider = (ports: ServiceDeciderPorts): ServiceDecider => {
  const { self, mirrors, nodes, responder, clock, soon = queueMicrotask } = ports;
  const groups = createGroups();
  const services = new Map<ObjectKey, AdvertisedService>();
  const servicesOfPool = multiMap<string | undefined, ObjectKey>();
  const states = new Map<Ip, GroupState>();
  const owning = new Set<Ip>();
  /** Groups that have a new key, and of which the owner has not said so yet: nothing is told meanwhile. */
  const arriving = new Set<Ip>();
  const selected = createSelectedNodes((node) => mirrors.nodes.get(node)?.labels);
  const lists = createCandidateLists();
  const announcer = createAnnouncer(ports);
  let configuration: Configuration | undefined;
  let revisionOfPool: ReadonlyMap<string | undefined, number> = new Map();
  let hasOriginals = false;
  /** Services to read again, with the version in which they were last seen if they are gone. */
  let dirtyServices = new Map<ObjectKey, number>();
  let dirtyGroups = new Set<Ip>();
  let isFlushDue = false;
  let isLevellingDue = false;

  const policy = (): 'sticky' | 'exact' =>
    ports.election === 'metallb' || !ports.hasBeacon || hasOriginals ? 'exact' : 'sticky';
  const placements = createPlacements({ policy, nodes: nodes.living, stateOf: nodes.stateOf });

  const here = { self, covers: selected.covers, interfaces: () => nodes.interfacesOf(self) };

  const owned = (key: Ip) => ({
    key,
    candidates: states.get(key)?.decision.candidates ?? [],
    order: placements.orderOf(key) ?? [],
  });
  const mover = createMover({
    ...ports,
    loads: () => new Map(Array.from(nodes.eligible(), (node) => [node, placements.loadOf(node)])),
    owned: () => Iterator.from(owning).map(owned),
    // In the original's order the responder moves groups by itself.
    isMoving: () => policy() === 'sticky',
  });

  const nodesView = (): NodesView => ({
    self,
    eligible: nodes.eligible(),
    known: nodes.known,
    interfacesOf: nodes.interfacesOf,
    isBlind: policy() === 'exact',
    covers: selected.covers,
    score: selected.score,
  });

  const flushSoon = (): void => {
    if (isFlushDue || configuration === undefined) return;
    isFlushDue = true;
    soon(flush);
  };

  const levelSoon = (): void => {
    if (isLevellingDue || configuration === undefined) return;
    isLevellingDue = true;
    clock.after(levelAfter, () => {
      isLevellingDue = false;
      const late = [...arriving];
      arriving.clear();
      for (const group of late.flatMap((key) => groups.get(key) ?? [])) tellGroup(group);
      const changed = placements.level();
      if (changed.size > 0) order(changed, []);
      mover.lookAtAll();
    });
  };

  /** Reads a service again; gives what that does to groups. */
  const regroup = (key: ObjectKey) => {
    const view = mirrors.services.get(key);
    const before = services.get(key);
    const poolRevision = (pool: string | undefined): number => revisionOfPool.get(pool) ?? 0;
    const after =
      view &&
      readService(view, ports.slicesOf(key), {
        loadBalancerClass: ports.loadBalancerClass,
        configuration: configuration!,
        poolRevision,
      });
    for (const pool of before?.pools ?? []) if (after?.pools.includes(pool) !== true) servicesOfPool.remove(pool, key);
    for (const pool of after?.pools ?? []) servicesOfPool.add(pool, key);
    if (after === undefined || isForeign(after)) services.delete(key);
    else services.set(key, after);
    const change = after === undefined || after.addresses.length === 0 ? groups.remove(key) : groups.set(after);
    return { change, revision: after?.revision };
  };

  const flush = (): void => {
    isFlushDue = false;
    const again = dirtyServices;
    const touched = dirtyGroups;
    dirtyServices = new Map();
    dirtyGroups = new Set();
    const removed: RemovedGroup[] = [];
    const inheritance = createInheritance();
    for (const [key, lastSeen] of again) {
      const { change, revision = lastSeen } = regroup(key);
      for (const group of change.changed) touched.add(group.key);
      if (change.removed.length > 0 || change.changed.length > 1) {
        for (const group of change.changed) inheritance.leave(states.get(group.key), placements.ownerOf(group.key));
        for (const gone of change.removed) inheritance.leave(states.get(gone), placements.ownerOf(gone));
      }
      for (const gone of change.removed) removed.push(...retire(gone, revision));
    }
    const heirs = new Map<Ip, string>();
    const unplaced: UnplacedGroup[] = [];
    const silent = new Set<Ip>();
    const view = nodesView();
    for (const key of touched) {
      const group = groups.get(key);
      if (group === undefined) continue;
      const members = group.services.map((name) => services.get(name)!);
      const before = states.get(key);
      const decision = decideGroup(members, view, lists);
      const inherited = inheritance.of(
        key,
        decision.addresses.map(({ ip }) => ip),
      );
      // Newer than any view in which others had the addresses.
      const inheritedRevision = inherited === undefined ? 0 : inherited.revision + (before === undefined ? 1 : 0);
      const revision = Math.max(before?.revision ?? 0, inheritedRevision, ...members.map((member) => member.revision));
      if (before === undefined && inherited?.owner !== undefined && placements.ownerOf(key) === undefined) {
        heirs.set(key, inherited.owner);
        if (ports.hasBeacon) arriving.add(key);
      }
      const state: GroupState = { key, decision, revision, ordered: before?.ordered };
      states.set(key, state);
      if (decision.candidates.length > 0) unplaced.push({ ...group, candidates: decision.candidates });
      else {
        placements.remove(key);
        silent.add(key);
        // Where nodes are the reason each comes to its own conclusion; all else is the same for everybody.
        if (state.ordered !== undefined) removed.push({ key, isReleased: decision.reason !== 'noCandidate', revision });
        state.ordered = undefined;
      }
    }
    const others = placements.place(unplaced, heirs);
    order(new Set([...unplaced.map(({ key }) => key), ...others]), removed);
    for (const key of silent) tellGroup(groups.get(key)!);
    for (const key of again.keys()) if (groups.of(key) === undefined) tellService(key);
    levelSoon();
  };

  /** A group is gone: what was ordered of it is taken back. */
  const retire = (key: Ip, revision: number): readonly RemovedGroup[] => {
    const state = states.get(key);
    states.delete(key);
    placements.remove(key);
    arriving.delete(key);
    if (state?.ordered === undefined) return [];
    return [{ key, isReleased: true, revision: Math.max(state.revision, revision) }];
  };

  /** Orders groups as they are to be now, where that is not what was ordered before. */
  const order = (keys: ReadonlySet<Ip>, removed: readonly RemovedGroup[]): void => {
    const changed: GroupOrder[] = [];
    for (const key of keys) {
      const state = states.get(key);
      const candidates = placements.orderOf(key);
      if (state === undefined || candidates === undefined) continue;
      const { decision, revision } = state;
      const next = { key, addresses: decision.addresses, candidates, policy: policy(), revision };
      if (state.ordered !== undefined && isSameOrder(state.ordered, next)) continue;
      state.ordered = next;
      changed.push(next);
    }
    // A key that goes and comes within one turn is ordered anew.
    const gone = removed.filter(({ key }) => states.get(key)?.ordered === undefined);
    if (changed.length > 0 || gone.length > 0) responder.groups(changed, gone);
    const mine = [...keys].filter((key) => owning.has(key)).map(owned);
    mover.look(mine.filter(({ candidates }) => candidates.every(({ node }) => node !== self)));
    for (const key of keys) {
      const group = groups.get(key);
      if (group !== undefined) tellGroup(group);
    }
  };

  const standingOf = (key: Ip): GroupStanding | undefined => {
    const decision = states.get(key)?.decision;
    if (decision === undefined) return undefined;
    // Without beacons nobody says who owns a group: the first candidate does.
    const silentOwner = ports.hasBeacon ? undefined : placements.orderOf(key)?.[0];
    const isAnswering = owning.has(key);
    const owner = isAnswering ? self : (placements.ownerOf(key) ?? silentOwner);
    return {
      key,
      decision,
      owner,
      isAnswering,
    };
  };

  const tellGroup = (group: Group): void => {
    if (arriving.has(group.key)) return;
    for (const key of group.services) tellService(key);
  };

  const tellService = (key: ObjectKey): void => {
    const service = services.get(key);
    const group = groups.of(key);
    announcer.tell(key, service && announcementOf(service, group && standingOf(group.key), here));
  };

  const markService = (key: ObjectKey, revision = 0): void => {
    dirtyServices.set(key, Math.max(revision, dirtyServices.get(key) ?? 0));
  };

  const touchPools = (pools: Iterable<string | undefined>): void => {
    for (const pool of pools) for (const key of servicesOfPool.get(pool)) markService(key);
    flushSoon();
  };

  /** Decides the groups again whose pools have such an advertisement; those of pools that are gone, too. */
  const touchAdvertised = (isMeant: (advertisement: L2Advertisement) => boolean): void => {
    for (const { name, l2Advertisements } of configuration?.pools ?? []) {
      if (l2Advertisements.some(isMeant)) touchGroupsOf(name);
    }
    touchGroupsOf(undefined);
  };

  const touchGroupsOf = (pool: string | undefined): void => {
    for (const key of servicesOfPool.get(pool)) {
      const group = groups.of(key);
      if (group !== undefined) dirtyGroups.add(group.key);
    }
    flushSoon();
  };

  const touchAll = (): void => {
    lists.forget();
    for (const { key } of groups.values()) dirtyGroups.add(key);
    flushSoon();
  };

  return {
    start: () => {
      configuration = mirrors.configuration();
      revisionOfPool = poolRevisions(configuration, new Set(), new Map());
      for (const { key } of mirrors.services.values()) markService(key);
      flushSoon();
    },

    serviceChanged: (key, revision) => {
      markService(key, revision);
      flushSoon();
    },

    configurationChanged: () => {
      if (configuration === undefined) return;
      const before = configuration;
      configuration = mirrors.configuration();
      const changed = changedPools(before, configuration);
      revisionOfPool = poolRevisions(configuration, changed, revisionOfPool);
      selected.keep(new Set(configuration.l2Advertisements.map(({ advertisement }) => advertisement.text)));
      lists.forget();
      touchPools([...changed, undefined]);
    },

    candidatesChanged: touchAll,

    ranksChanged: levelSoon,

    labelsChanged: (node) => {
      const texts = selected.nodeChanged(node);
      if (texts.size === 0) return;
      lists.forget();
      touchAdvertised(({ text }) => texts.has(text));
    },

    interfacesChanged: () => {
      lists.forget();
      touchAdvertised(({ interfaces }) => interfaces !== undefined);
    },

    setHasOriginals: (has) => {
      const before = policy();
      hasOriginals = has;
      if (policy() !== before) touchAll();
    },

    onOwnership: (report) => {
      if (report.type === 'owner') {
        const before = placements.ownerOf(report.key);
        if (before === report.node) return;
        placements.setOwner(report.key, report.node);
        if (report.node !== undefined) arriving.delete(report.key);
        if (before !== undefined && report.node !== undefined) mover.moved();
        levelSoon();
      } else if (report.type === 'owning') {
        owning.add(report.key);
        arriving.delete(report.key);
      } else if (report.type === 'notOwning') owning.delete(report.key);
      else return;
      const group = groups.get(report.key);
      if (group !== undefined) tellGroup(group);
    },
  };
};

/** Whether others see to the service. */
const isForeign = ({ reason }: AdvertisedService): boolean => reason === 'notLoadBalancer' || reason === 'otherClass';
