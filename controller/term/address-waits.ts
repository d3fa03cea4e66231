import type { ObjectKey } from '../../src/domain/objects.ts';
import type { Clock, Millis } from '../../src/lib/time.ts';

/** Measures how long services wait for an address. */
export type AddressWaits = {
  /** The service has no address yet. It waits since the first time that this is said. */
  readonly begin: (service: ObjectKey) => void;
  /** The service has its address. */
  readonly end: (service: ObjectKey) => void;
  /** The service is gone. */
  readonly forget: (service: ObjectKey) => void;
};

/** Makes it. `observe` is told of each wait that ends, in seconds. */
export const addressWaits = (clock: Pick<Clock, 'now'>, observe: (wait: number) => void): AddressWaits => {
  const waitingSince = new Map<ObjectKey, Millis>();
  return {
    begin: (service) => {
      if (!waitingSince.has(service)) waitingSince.set(service, clock.now());
    },
    end: (service) => {
      const since = waitingSince.get(service);
      if (since === undefined) return;
      waitingSince.delete(service);
      observe((clock.now() - since) / 1000);
    },
    forget: (service) => void waitingSince.delete(service),
  };
};
