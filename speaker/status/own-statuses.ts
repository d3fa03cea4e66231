import type { ObjectKey } from '../../src/domain/objects.ts';
import type { L2StatusView } from '../../src/domain/service/announced.ts';
import { l2StatusIndex } from '../../src/k8s/l2-status-index.ts';
import type { Change } from '../../src/k8s/watch/reflector.ts';
import { isOlderVersion } from '../../src/k8s/watch/resource-version.ts';
import type { Millis } from '../../src/lib/time.ts';
import { l2StatusName } from './l2-status.ts';

/** The objects of this node: as the watch has them, or as the answer to a write that the watch does not have yet. */
export type OwnStatuses = {
  /** Takes over a change of the watch. */
  readonly apply: (change: Change<L2StatusView>) => void;
  /** The server answered a write with this. */
  readonly answered: (view: L2StatusView, now: Millis) => void;
  /** The server said that there is none, or that it is deleted now. */
  readonly gone: (service: ObjectKey) => void;
  /** Forgets an answer from before `limit` that the watch has never shown: it was undone unseen. */
  readonly expire: (service: ObjectKey, limit: Millis) => void;
  /** The object that speaks of the service. */
  readonly of: (service: ObjectKey) => L2StatusView | undefined;
  /** Objects for the service under other names, as a speaker of MetalLB leaves them behind. */
  readonly strays: (service: ObjectKey) => readonly L2StatusView[];
  /** Whether the object is known by an answer only. */
  readonly isAhead: (service: ObjectKey) => boolean;
  /** All services that objects of this node speak of. */
  readonly services: () => Iterable<ObjectKey>;
};

/** Makes it; nothing is known at first. */
export const ownStatuses = (): OwnStatuses => {
  const watched = l2StatusIndex();
  const ahead = new Map<ObjectKey, { readonly view: L2StatusView; readonly at: Millis }>();
  /** By UID: deleted, as the server said; the watch will follow. */
  const deleted = new Set<string>();

  const seen = (service: ObjectKey): L2StatusView | undefined =>
    watched.of(service).find(({ name, uid }) => name === l2StatusName(service) && !deleted.has(uid));

  return {
    apply: (change) => {
      watched.apply(change);
      const view = change.type === 'deleted' ? change.before : change.now;
      if (change.type === 'deleted') deleted.delete(view.uid);
      const answer = ahead.get(view.service)?.view;
      if (answer?.uid !== view.uid) return;
      if (change.type === 'deleted' || !isOlderVersion(view.resourceVersion, answer.resourceVersion)) {
        ahead.delete(view.service);
      }
    },
    answered: (view, now) => {
      const known = seen(view.service);
      if (known?.uid === view.uid && !isOlderVersion(known.resourceVersion, view.resourceVersion)) return;
      ahead.set(view.service, { view, at: now });
    },
    gone: (service) => {
      const known = seen(service);
      if (known !== undefined) deleted.add(known.uid);
      ahead.delete(service);
    },
    expire: (service, limit) => {
      const answer = ahead.get(service);
      if (answer !== undefined && answer.at <= limit) ahead.delete(service);
    },
    of: (service) => ahead.get(service)?.view ?? seen(service),
    strays: (service) => watched.of(service).filter(({ name }) => name !== l2StatusName(service)),
    isAhead: (service) => ahead.has(service),
    services: watched.services,
  };
};
