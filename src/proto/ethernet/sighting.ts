import type { Mac } from '../../lib/mac.ts';

/** What a frame tells of somebody else and an address. */
export type FrameSighting = {
  /** `claim`: the host says that it has the address. `probe`: it asks, as nobody yet, whether anybody has. */
  readonly kind: 'claim' | 'probe';
  /** The hardware address that others learn from the frame. */
  readonly mac: Mac;
  /** Where in the frame the address stands. */
  readonly addressAt: number;
};
