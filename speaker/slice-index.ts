import type { EndpointSliceView, ObjectKey } from '../src/domain/objects.ts';
import type { Change } from '../src/k8s/watch/reflector.ts';

/** The EndpointSlices of each service. */
export type SliceIndex = {
  /** Takes over a change and gives the services that it touches. */
  readonly apply: (change: Change<EndpointSliceView>) => readonly ObjectKey[];
  readonly of: (service: ObjectKey) => readonly EndpointSliceView[];
};

/** Makes an empty index; it is to be given every change of the watch, the unimportant ones too. */
export const sliceIndex = (): SliceIndex => {
  // Lists, not sets: nearly every service has one slice.
  const slices = new Map<ObjectKey, readonly EndpointSliceView[]>();
  const of = (service: ObjectKey): readonly EndpointSliceView[] => slices.get(service) ?? [];

  return {
    apply: (change) => {
      const before = change.type === 'added' ? undefined : change.before;
      const now = change.type === 'deleted' ? undefined : change.now;
      if (before?.serviceKey !== undefined) {
        const others = of(before.serviceKey).filter((slice) => slice !== before);
        if (others.length === 0) slices.delete(before.serviceKey);
        else slices.set(before.serviceKey, others);
      }
      if (now?.serviceKey !== undefined) slices.set(now.serviceKey, of(now.serviceKey).concat(now));
      if (change.type === 'updated' && !change.changed) return [];
      const touched = [before?.serviceKey, now?.serviceKey].filter((key) => key !== undefined);
      return [...new Set(touched)];
    },
    of,
  };
};
