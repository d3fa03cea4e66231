import type { ObjectKey } from '../domain/objects.ts';
import type { L2StatusView } from '../domain/service/announced.ts';
import type { Change } from './watch/reflector.ts';

/** What the speakers say, by service. */
export type L2StatusIndex = {
  /** Takes over a change and gives the services that it touches. */
  readonly apply: (change: Change<L2StatusView>) => readonly ObjectKey[];
  readonly of: (service: ObjectKey) => Iterable<L2StatusView>;
  readonly services: () => Iterable<ObjectKey>;
};

/** Makes an empty index; it is to be given every change of the watch, the unimportant ones too. */
export const l2StatusIndex = (): L2StatusIndex => {
  const statuses = new Map<ObjectKey, Map<string, L2StatusView>>();

  const remove = ({ service, name }: L2StatusView): void => {
    const ofService = statuses.get(service);
    ofService?.delete(name);
    if (ofService?.size === 0) statuses.delete(service);
  };

  const add = (view: L2StatusView): void => {
    const ofService = statuses.get(view.service) ?? new Map<string, L2StatusView>();
    ofService.set(view.name, view);
    statuses.set(view.service, ofService);
  };

  return {
    apply: (change) => {
      const before = change.type === 'added' ? undefined : change.before;
      const now = change.type === 'deleted' ? undefined : change.now;
      if (before !== undefined) remove(before);
      if (now !== undefined) add(now);
      if (change.type === 'updated' && !change.changed) return [];
      return [...new Set([before, now].flatMap((view) => view?.service ?? []))];
    },
    of: (service) => statuses.get(service)?.values() ?? [],
    services: () => statuses.keys(),
  };
};
