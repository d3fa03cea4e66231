import { type Millis, millis, seconds } from '../../src/lib/time.ts';
import type { OwnershipEvent } from '../../src/proto/ownership/machine.ts';

/** How often an interface that is inspected is looked at: at first, and once nothing has come for `limit`. */
const shortPause = millis(20);
const longPause = millis(250);

/** An interface on which nothing has come for so long is told of. */
const limit = seconds(1);

/** Frames that an interface has received; undefined if it has gone. */
type ReceivedFrames = (interfaceIndex: number) => number | undefined;

type Inspection = { readonly received: number | undefined; readonly tellAt: Millis; isTold: boolean; lookAt: Millis };

type Inspected = Extract<OwnershipEvent, { readonly type: 'inspected' }>;

/** Interfaces that are looked at, whether anything comes in there at all. */
export type Inspections = {
  /** Looks for frames from now on, until the first. */
  readonly begin: (interfaceIndex: number, now: Millis) => void;
  /** What has been found out: frames have come, or none in a second. */
  readonly turn: (now: Millis) => readonly Inspected[];
  /** When `turn` has something to do. */
  readonly nextDeadline: () => Millis;
};

/** Inspects nothing yet. */
export const createInspections = (receivedFrames: ReceivedFrames): Inspections => {
  const inspections = new Map<number, Inspection>();
  return {
    begin: (interfaceIndex, now) => {
      inspections.set(interfaceIndex, {
        received: receivedFrames(interfaceIndex),
        tellAt: millis(now + limit),
        isTold: false,
        lookAt: millis(now + shortPause),
      });
    },
    turn: (now) => {
      const found: Inspected[] = [];
      for (const [interfaceIndex, inspection] of inspections) {
        if (now < inspection.lookAt) continue;
        const hasFrames = receivedFrames(interfaceIndex) !== inspection.received;
        if (hasFrames) inspections.delete(interfaceIndex);
        if (hasFrames || (!inspection.isTold && now >= inspection.tellAt)) {
          found.push({ type: 'inspected', interface: interfaceIndex, hasFrames });
          inspection.isTold = true;
        }
        inspection.lookAt = millis(now + (inspection.isTold ? longPause : shortPause));
      }
      return found;
    },
    nextDeadline: () => millis(Math.min(Infinity, ...[...inspections.values()].map(({ lookAt }) => lookAt))),
  };
};
