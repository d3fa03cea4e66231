import type { AllocationView } from '../allocator/allocator.ts';
import type { Configuration } from '../config/configuration.ts';
import type { ObjectKey, ServiceView } from '../objects.ts';

/** Everything a plan depends on besides the service. */
export type PlanContext = Pick<Configuration, 'pools' | 'l2Advertisements' | 'bgpAdvertisements'> & {
  readonly allocations: AllocationView;
  /** Another service as it was last seen; undefined: it does not exist. */
  readonly viewOf: (service: ObjectKey) => ServiceView | undefined;
  /** Where the user's configuration lives; named in hints. */
  readonly metallbNamespace: string;
  /** `--lb-class`; empty: services without a class. */
  readonly lbClass: string;
  /** `--reassign-on-pool-change`: an address that its pool lost, or whose pool is not for the service any more, goes. */
  readonly reassignOnPoolChange: boolean;
};
