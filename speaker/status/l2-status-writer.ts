import type { ObjectKey } from '../../src/domain/objects.ts';
import type { L2StatusView } from '../../src/domain/service/announced.ts';
import { type Api, isAlreadyExists, isConflict, isNotFound } from '../../src/k8s/client/api.ts';
import { labelValue } from '../../src/k8s/label-value.ts';
import type { OwnerReference } from '../../src/k8s/own-pod.ts';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import { l2StatusLabels, projectL2Status } from '../../src/k8s/service-l2-status.ts';
import { createReflector } from '../../src/k8s/watch/reflector.ts';
import { createWorkQueue, type WorkOutcome } from '../../src/k8s/work-queue.ts';
import type { Log } from '../../src/lib/log.ts';
import { type Clock, millis, type Millis, seconds, type WallTime } from '../../src/lib/time.ts';
import { type L2StatusWish, l2StatusBody, l2StatusName, says } from './l2-status.ts';
import { ownStatuses } from './own-statuses.ts';

export type L2StatusWriterOptions = {
  readonly api: Api;
  readonly clock: Clock;
  readonly log: Log;
  readonly wallTime: () => WallTime;
  /** Of the objects. */
  readonly namespace: string;
  /** Name of this node. */
  readonly self: string;
  /** Who owns the objects: they go with it. */
  readonly owner: () => Promise<OwnerReference | undefined>;
  /** What stands there has changed. */
  readonly onUpdate: () => void;
  /** Calls `action` when nothing more urgent is under way. */
  readonly whenQuiet: (action: () => void) => void;
};

/** Writes the `ServiceL2Status` objects of this node: one for a service, whose name no other node's object has. */
export type L2StatusWriter = {
  /** From now on this is to be said of the service; undefined: nothing. */
  readonly set: (service: ObjectKey, wish: L2StatusWish | undefined) => void;
  /** Whether what stands there says that this node announces the service: who started again need not tell it anew. */
  readonly saysAnnounced: (service: ObjectKey) => boolean;
  /** Settles when it is known what stands there. */
  readonly synced: Promise<void>;
  /** Watches until `signal` aborts; then lets the writes under way end and resolves. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Objects that are written at a time: few, because every node writes. */
const concurrency = 4;

/** What nobody wants any more is left for a while: the next owner replaces it, which is one write less. */
const farewell = seconds(2);

/** An object that somebody else takes away is written again after this, then after twice as long, and so on. */
const quarrel = { first: seconds(1), longest: seconds(300), forgottenAfter: seconds(600) } as const;

/** Who has just started does not know yet what it will own again. */
const startPatience = seconds(15);

/** A creation that the watch has not shown by then was undone unseen. */
const watchLag = seconds(30);

/** Makes the writer. Nothing is written before it is known what stands there. */
export const createL2StatusWriter = (options: L2StatusWriterOptions): L2StatusWriter => {
  const { api, clock, log, wallTime, namespace, self, owner, whenQuiet } = options;
  const collection = collectionPath(resources.serviceL2Statuses, namespace);
  const pathOf = (name: string): string => objectPath(resources.serviceL2Statuses, namespace, name);
  const wishes = new Map<ObjectKey, L2StatusWish>();
  const unwantedSince = new Map<ObjectKey, Millis>();
  const quarrels = new Map<ObjectKey, { readonly at: Millis; readonly pause: Millis }>();
  const own = ownStatuses();
  /** Since when it is known what stands there. */
  let knownAt: Millis | undefined;

  const remove = async (path: string, uid: string): Promise<void> => {
    try {
      await api.request({ method: 'DELETE', path, body: { preconditions: { uid } } });
    } catch (error) {
      // Another stands there by now, or none.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  };

  const metadataOf = (service: ObjectKey, { namespace: serviceNamespace, name: serviceName }: L2StatusWish) => ({
    name: l2StatusName(service),
    namespace,
    labels: {
      [l2StatusLabels.node]: labelValue(self),
      [l2StatusLabels.serviceName]: serviceName,
      [l2StatusLabels.serviceNamespace]: serviceNamespace,
    },
  });

  /** Creates the object, in the place of another node's. */
  const create = async (service: ObjectKey, wish: L2StatusWish): Promise<L2StatusView | undefined> => {
    const { apiVersion, kind } = resources.serviceL2Statuses;
    const pod = await owner();
    const metadata = { ...metadataOf(service, wish), ownerReferences: pod === undefined ? [] : [pod] };
    const path = pathOf(metadata.name);
    try {
      return projectL2Status(
        await api.request({ method: 'POST', path: collection, body: { apiVersion, kind, metadata } }),
      );
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    const raw = await api.request({ path });
    const standing = projectL2Status(raw);
    if (standing?.writer === labelValue(self)) return standing;
    await remove(path, uidOf(raw));
    return undefined;
  };

  /** Brings metadata and status of an object in step with the wish. */
  const update = async (service: ObjectKey, standing: L2StatusView, wish: L2StatusWish): Promise<void> => {
    const pod = await owner();
    let view = standing;
    if (pod !== undefined && (view.owners.length !== 1 || view.owners[0] !== pod.uid)) {
      const body = { metadata: { uid: view.uid, ownerReferences: [pod] } };
      view = projectL2Status(await api.request({ method: 'PATCH', path: pathOf(view.name), body })) ?? view;
      own.answered(view, clock.now());
    }
    if (says(view, wish)) return;
    const body = { metadata: { uid: view.uid }, status: l2StatusBody(view, wish, wallTime()) };
    const answer = projectL2Status(await api.request({ method: 'PATCH', path: `${pathOf(view.name)}/status`, body }));
    if (answer !== undefined) own.answered(answer, clock.now());
    log.debug('said how a service is announced', { service, reason: wish.reason });
  };

  const write = async (service: ObjectKey, wish: L2StatusWish): Promise<WorkOutcome> => {
    const last = quarrels.get(service);
    const wait = last === undefined ? 0 : last.at + last.pause - clock.now();
    const found = own.of(service);
    if (found === undefined && wait > 0) return { type: 'retryAfter', delay: millis(wait) };
    try {
      const standing = found ?? (await create(service, wish));
      // Another node's object is out of the way now.
      if (standing === undefined) return { type: 'retryAfter', delay: millis(0) };
      own.answered(standing, clock.now());
      if (standing.node !== undefined && wish.node !== undefined && standing.node !== wish.node) {
        // The name of the node cannot be changed.
        await remove(pathOf(standing.name), standing.uid);
        own.gone(service);
        return { type: 'retryAfter', delay: millis(0) };
      }
      await update(service, standing, wish);
    } catch (error) {
      // Taken away under our hands: it is made anew.
      if (!isNotFound(error) && !isConflict(error)) throw error;
      own.gone(service);
      noteQuarrel(service);
      return { type: 'retryAfter', delay: quarrel.first };
    }
    return own.isAhead(service) ? { type: 'retryAfter', delay: watchLag } : { type: 'done' };
  };

  const noteQuarrel = (service: ObjectKey): void => {
    const now = clock.now();
    const last = quarrels.get(service);
    const pause =
      last === undefined || now > last.at + last.pause + quarrel.forgottenAfter
        ? quarrel.first
        : millis(Math.min(last.pause * 2, quarrel.longest));
    quarrels.set(service, { at: now, pause });
  };

  const clear = async (service: ObjectKey): Promise<WorkOutcome> => {
    const standing = own.of(service);
    if (standing === undefined) {
      unwantedSince.delete(service);
      return { type: 'done' };
    }
    const started = (knownAt ?? clock.now()) + startPatience - farewell;
    const since = unwantedSince.get(service) ?? millis(Math.max(clock.now(), started));
    unwantedSince.set(service, since);
    const wait = since + farewell - clock.now();
    if (wait > 0) return { type: 'retryAfter', delay: millis(wait) };
    await remove(pathOf(standing.name), standing.uid);
    own.gone(service);
    unwantedSince.delete(service);
    return { type: 'done' };
  };

  const queue = createWorkQueue<ObjectKey>({
    clock,
    concurrency,
    work: async (service) => {
      if (knownAt === undefined) return { type: 'done' };
      own.expire(service, millis(clock.now() - watchLag));
      for (const { name, uid } of own.strays(service)) await remove(pathOf(name), uid);
      const wish = wishes.get(service);
      return wish === undefined ? clear(service) : write(service, wish);
    },
    onError: (service, error, retryAfter) =>
      log.warn('status of a service not written', { service, error, retryAfterMs: Math.round(retryAfter) }),
  });

  const reflector = createReflector<L2StatusView>({
    api,
    clock,
    log,
    path: collection,
    labelSelector: `${l2StatusLabels.node}=${labelValue(self)}`,
    project: projectL2Status,
    onChange: (change) => {
      options.onUpdate();
      const view = change.type === 'deleted' ? change.before : change.now;
      const hadIt = own.of(view.service) !== undefined;
      own.apply(change);
      if (knownAt === undefined) return;
      if (hadIt && change.type === 'deleted' && wishes.has(view.service)) noteQuarrel(view.service);
      queue.add(view.service);
    },
  });
  const synced = reflector.synced.then(() => {
    knownAt = clock.now();
    for (const service of new Set([...own.services(), ...wishes.keys()])) queue.add(service);
  });

  return {
    set: (service, wish) => {
      if (wish === undefined) {
        if (!wishes.delete(service)) return;
        quarrels.delete(service);
        unwantedSince.set(service, clock.now());
      } else {
        wishes.set(service, wish);
        unwantedSince.delete(service);
      }
      whenQuiet(() => queue.add(service));
    },
    saysAnnounced: (service) => {
      const standing = own.of(service);
      return standing?.node === self && standing.condition?.status === 'True';
    },
    synced,
    run: async (signal) => {
      try {
        await reflector.run(signal);
      } finally {
        await queue.stop();
      }
    },
  };
};

const uidOf = (raw: unknown): string => {
  const uid = (raw as { readonly metadata?: { readonly uid?: unknown } }).metadata?.uid;
  return typeof uid === 'string' ? uid : '';
};
