import type { ObjectKey } from '../../src/domain/objects.ts';
import type { ServiceEvent, StandingEvent } from '../../src/domain/service/events.ts';
import type { Clock } from '../../src/lib/time.ts';

/** Tells of lasting states when they begin, and not again until they have ended in between. */
export type StandingEvents = {
  /** Says which states of a service last now. `isTold`: that somebody has told of a state before us. */
  readonly set: (
    service: ObjectKey,
    standing: readonly StandingEvent[],
    isTold?: (event: StandingEvent) => boolean,
  ) => void;
  /** Takes back all that waits to be told. */
  readonly end: () => void;
};

/** Of the states that a service is in, by signature: what cancels the telling; nothing to cancel once it is told. */
type Known = Map<string, () => void>;

/** States that must last a while before they are told wait on the clock; `set(service, [])` takes all back. */
export const standingEvents = (
  clock: Clock,
  tell: (service: ObjectKey, event: ServiceEvent) => void,
): StandingEvents => {
  /** Most services are in no such state, and cost nothing here. */
  const states = new Map<ObjectKey, Known>();

  const forgetOthers = (known: Known, standing: readonly StandingEvent[]): void => {
    for (const [signature, cancel] of known) {
      if (standing.some((event) => event.signature === signature)) continue;
      cancel();
      known.delete(signature);
    }
  };

  return {
    set: (service, standing, isTold = () => false) => {
      const known = states.get(service) ?? new Map<string, () => void>();
      forgetOthers(known, standing);
      if (standing.length === 0) states.delete(service);
      else states.set(service, known);
      for (const event of standing) {
        if (known.has(event.signature)) continue;
        if (isTold(event)) known.set(event.signature, () => {});
        else if (event.after > 0) {
          known.set(
            event.signature,
            clock.after(event.after, () => tell(service, event)),
          );
        } else {
          known.set(event.signature, () => {});
          tell(service, event);
        }
      }
    },
    end: () => {
      for (const known of states.values()) forgetOthers(known, []);
      states.clear();
    },
  };
};
