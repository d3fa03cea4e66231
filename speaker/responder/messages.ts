import type { Ip } from '../../src/lib/ip.ts';
import type { Millis } from '../../src/lib/time.ts';
import type { OwnershipEvent, OwnershipReport } from '../../src/proto/ownership/machine.ts';
import type { AddressCounters } from './port.ts';

/** What the main thread orders. A batch of orders takes effect at once, as a whole. */
export type ResponderCommand =
  | Extract<OwnershipEvent, { readonly type: 'members' | 'groups' | 'mainAwake' | 'handOver' }>
  /** Ends within that time: as the event of the machine, but the threads' clocks differ. */
  | { readonly type: 'leave'; readonly within: Millis }
  /** The content of the mounted key has changed. */
  | { readonly type: 'key'; readonly secret: Uint8Array }
  /** A busy time is over: the thread's heap is to be as small as it can be. */
  | { readonly type: 'shrink' }
  | { readonly type: 'stop' };

/** What the responder tells the main thread. */
export type ResponderReport =
  /** The interfaces that are answered on, in the order of their indexes. */
  | { readonly type: 'interfaces'; readonly names: readonly string[] }
  | { readonly type: 'counters'; readonly perAddress: readonly AddressCounters[] }
  | { readonly type: 'ownership'; readonly reports: readonly OwnershipReport[] }
  /** Beacons came from an address that are sealed with a key we do not know; at most one report a minute and address. */
  | { readonly type: 'unknownKey'; readonly from: Ip }
  /**
   * An address that is announced in the cluster is bound to this interface of this node while `arp_ignore` is 0, so that
   * the kernel answers for it, whoever owns it; or no longer.
   */
  | { readonly type: 'boundLocally'; readonly ip: Ip; readonly interface: string; readonly isBound: boolean }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

/** What the thread is given when it starts. */
export type ResponderOptions = {
  /** Name of this node. */
  readonly node: string;
  /** Interfaces whose names match one of these anywhere are left alone. */
  readonly excluded: readonly RegExp[];
  /** UDP port of the beacons. */
  readonly beaconPort: number;
  /** Content of the mounted memberlist key; undefined: there is none, and no beacon. */
  readonly secret: Uint8Array | undefined;
  /** Whether addresses are probed before they are announced for the first time. */
  readonly isProbing: boolean;
};

/** What the thread is given beside its options: a counter (one `Int32`) that it raises as long as it lives. */
export type ResponderData = ResponderOptions & { readonly beats: SharedArrayBuffer };

/** Everything the thread sends: the number of the eventfd that wakes it, as its first message, then reports. */
export type ResponderMessage = { readonly type: 'started'; readonly wakeFd: number } | ResponderReport;
