import { type Millis, millis } from '../../lib/time.ts';
import type { Context } from './context.ts';
import { farewellPause } from './timing.ts';

/** The end of a speaker: its groups are handed over, then it says good-bye twice. */
export type Departure = {
  readonly begin: (by: Millis) => void;
  readonly isEnding: () => boolean;
  /** Nothing follows any more. */
  readonly isOver: () => boolean;
  /** Looks whether all groups are gone. */
  readonly check: () => void;
  readonly timerDue: () => void;
  readonly nextDeadline: () => Millis | undefined;
};

export type DeparturePorts = {
  readonly hasBeacon: boolean;
  readonly isEmpty: () => boolean;
  readonly letGoAll: () => void;
  readonly sayGoodbye: () => void;
};

/** Makes the departure of one machine. */
export const createDeparture = (context: Context, ports: DeparturePorts): Departure => {
  let by: Millis | undefined;
  let farewellAt: Millis | undefined;
  let isOver = false;

  const end = (): void => {
    isOver = true;
    context.report({ type: 'ended' });
  };

  const leave = (): void => {
    ports.letGoAll();
    if (!ports.hasBeacon) {
      end();
      return;
    }
    ports.sayGoodbye();
    farewellAt = millis(context.now() + farewellPause);
  };

  return {
    begin: (latest) => {
      by ??= latest;
    },
    isEnding: () => by !== undefined,
    isOver: () => isOver,
    check: () => {
      if (by === undefined || farewellAt !== undefined || isOver) return;
      if (ports.isEmpty() || by <= context.now()) leave();
    },
    timerDue: () => {
      if (farewellAt === undefined || farewellAt > context.now()) return;
      ports.sayGoodbye();
      end();
    },
    nextDeadline: () => farewellAt ?? by,
  };
};
