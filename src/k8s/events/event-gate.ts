import { type Clock, millis, type Millis, seconds } from '../../lib/time.ts';

export type EventGateOptions = {
  readonly clock: Clock;
  /** When the last urgent work ended, or now while some is under way. */
  readonly busyUntil: () => Millis;
};

/** Holds events back while there is urgent work: they go to the same API server, and an address is what users wait for. */
export type EventGate = {
  /** Has `record` called when it is quiet. */
  readonly pass: (record: () => void) => void;
  /** Calls all that were held back. */
  readonly open: () => void;
};

/** No urgent work for this long is quiet. */
const quiet = millis(50);
/** Held back no longer than this. */
const longestHold = seconds(5);
/** Held back no more than this: each holds memory. */
const mostHeld = 1000;

/** Makes a gate that is quiet at first; `busyUntil` is asked whenever something is held. */
export const eventGate = ({ clock, busyUntil }: EventGateOptions): EventGate => {
  let held: (() => void)[] = [];
  let since = clock.now();
  let isArmed = false;
  const open = (): void => {
    const records = held;
    held = [];
    for (const record of records) record();
  };
  const arm = (): void => {
    isArmed = true;
    const due = Math.min(Math.max(busyUntil(), since) + quiet, since + longestHold);
    clock.after(millis(Math.max(0, due - clock.now())), () => {
      isArmed = false;
      if (held.length === 0) return;
      const now = clock.now();
      if (now >= busyUntil() + quiet || now >= since + longestHold) open();
      else arm();
    });
  };
  return {
    pass: (record) => {
      if (held.length === 0) since = clock.now();
      held.push(record);
      if (held.length >= mostHeld) open();
      else if (!isArmed) arm();
    },
    open,
  };
};
