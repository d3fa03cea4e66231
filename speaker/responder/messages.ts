import type { Ip } from '../../src/lib/ip.ts';

/** What the main thread tells the responder thread. The table is a set of addresses; each message changes one entry. */
export type ResponderCommand =
  | {
      /** Answer for the address from now on, and send gratuitous announcements if it was not answered before. */
      readonly type: 'announce';
      readonly ip: Ip;
      /** Interface names; undefined means every interface that qualifies. */
      readonly interfaces: readonly string[] | undefined;
    }
  | { /** Fall silent for the address. */ readonly type: 'withdraw'; readonly ip: Ip }
  | { /** Close every socket and end the thread. */ readonly type: 'stop' };

/** What the responder thread tells the main thread. */
export type ResponderReport =
  | {
      /** The interfaces that qualify now, by name; sent at the start and after every change. */
      readonly type: 'interfaces';
      readonly names: readonly string[];
    }
  | {
      /** Counts since the last report, at most once in five seconds and only when something was counted. */
      readonly type: 'counters';
      readonly perAddress: readonly {
        readonly ip: Ip;
        readonly requests: number;
        readonly responses: number;
        readonly gratuitous: number;
      }[];
    }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, string | number>>;
    };

/** What the thread is given when it starts. */
export type ResponderOptions = {
  /** Interfaces whose names match one of these anywhere are left alone. */
  readonly excluded: readonly RegExp[];
};

/** Everything the thread sends: the number of the eventfd that wakes it, as its first message, then reports. */
export type ResponderMessage = { readonly type: 'started'; readonly wakeFd: number } | ResponderReport;
