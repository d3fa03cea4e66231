import type { ServiceEvent, StandingEvent } from '../src/domain/service/events.ts';
import type { Clock } from '../src/lib/time.ts';

/** Tells of lasting states when they begin, and not again until they have ended in between. One per service. */
export type StandingEvents = {
  /** Says which states last now. `isTold`: that somebody has told of a state before us. */
  readonly set: (standing: readonly StandingEvent[], isTold?: (event: StandingEvent) => boolean) => void;
};

/** States that must last a while before they are told wait on the clock; `set([])` takes all back. */
export const standingEvents = (clock: Clock, tell: (event: ServiceEvent) => void): StandingEvents => {
  /** By signature: what cancels the telling; nothing to cancel once it is told. */
  const known = new Map<string, () => void>();
  return {
    set: (standing, isTold = () => false) => {
      for (const [signature, cancel] of known) {
        if (standing.some((event) => event.signature === signature)) continue;
        cancel();
        known.delete(signature);
      }
      for (const event of standing) {
        if (known.has(event.signature)) continue;
        if (isTold(event)) known.set(event.signature, () => {});
        else if (event.after > 0) {
          known.set(
            event.signature,
            clock.after(event.after, () => tell(event)),
          );
        } else {
          known.set(event.signature, () => {});
          tell(event);
        }
      }
    },
  };
};
