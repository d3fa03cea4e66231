import type { ObjectKey } from '../domain/objects.ts';
import type { L2StatusView } from '../domain/service/announced.ts';
import type { Change } from './watch/reflector.ts';

/** What the speakers say, by service. */
export type L2StatusIndex = {
  /** Takes over a change and gives the services that it touches. */
  readonly apply: (change: Change<L2StatusView>) => readonly ObjectKey[];
  readonly of: (service: ObjectKey) => readonly L2StatusView[];
  readonly services: () => Iterable<ObjectKey>;
};

/** Makes an empty index; it is to be given every change of the watch, the unimportant ones too. */
export const l2StatusIndex = (): L2StatusIndex => {
  // Lists, not maps: nearly every service has one.
  const statuses = new Map<ObjectKey, readonly L2StatusView[]>();
  const of = (service: ObjectKey): readonly L2StatusView[] => statuses.get(service) ?? [];
  const others = ({ service, name }: L2StatusView): readonly L2StatusView[] =>
    of(service).filter((view) => view.name !== name);

  const remove = (view: L2StatusView): void => {
    const left = others(view);
    if (left.length === 0) statuses.delete(view.service);
    else statuses.set(view.service, left);
  };

  const add = (view: L2StatusView): void => {
    statuses.set(view.service, others(view).concat(view));
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
    of,
    services: () => statuses.keys(),
  };
};
