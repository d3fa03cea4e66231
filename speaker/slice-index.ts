import type { EndpointSliceView, ObjectKey } from '../src/domain/objects.ts';
import type { Change } from '../src/k8s/watch/reflector.ts';
import { multiMap } from '../src/lib/multi-map.ts';

/** The EndpointSlices of each service. */
export type SliceIndex = {
  /** Takes over a change and gives the services that it touches. */
  readonly apply: (change: Change<EndpointSliceView>) => readonly ObjectKey[];
  readonly of: (service: ObjectKey) => readonly EndpointSliceView[];
};

/** Makes an empty index; it is to be given every change of the watch, the unimportant ones too. */
export const sliceIndex = (): SliceIndex => {
  const slices = multiMap<ObjectKey, EndpointSliceView>();

  return {
    apply: (change) => {
      const before = change.type === 'added' ? undefined : change.before;
      const now = change.type === 'deleted' ? undefined : change.now;
      if (before?.serviceKey !== undefined) slices.remove(before.serviceKey, before);
      if (now?.serviceKey !== undefined) slices.add(now.serviceKey, now);
      if (change.type === 'updated' && !change.changed) return [];
      const touched = [before?.serviceKey, now?.serviceKey].filter((key) => key !== undefined);
      return [...new Set(touched)];
    },
    of: (service) => [...slices.get(service)],
  };
};
