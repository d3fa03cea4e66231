import type { Ip } from '../../lib/ip.ts';
import { type Millis, millis } from '../../lib/time.ts';
import type { OwnershipEffect, OwnershipOptions, OwnershipReport } from './machine.ts';
import type { OwnershipBody } from './message.ts';
import { punctual } from './timing.ts';

/** What all parts of one machine share: who it is, what time it is in this step, and what follows from it. */
export type Context = {
  readonly options: OwnershipOptions;
  /** Time of this step. */
  readonly now: () => Millis;
  /**
   * The same without the times in which this machine was due but did not get to run. Silence is measured by it, so that
   * a starved listener suspects nobody.
   */
  readonly awake: () => Millis;
  readonly emit: (effect: OwnershipEffect) => void;
  readonly report: (report: OwnershipReport) => void;
  readonly send: (interfaceIndex: number | undefined, to: Ip | 'all', body: OwnershipBody) => void;
};

/** The context with what only the machine itself may do. */
export type ContextOfMachine = Context & {
  /** Begins a step; says by how much it is late, given when it was asked for. */
  readonly begin: (now: Millis, asked: Millis) => Millis;
  /** Ends it, with the effects. */
  readonly end: () => readonly OwnershipEffect[];
};

const nothing: readonly OwnershipEffect[] = [];

/** Makes the context of one machine. */
export const createContext = (options: OwnershipOptions): ContextOfMachine => {
  let now = millis(0);
  let lost = 0;
  let isFirst = true;
  let effects: OwnershipEffect[] = [];
  const emit = (effect: OwnershipEffect): void => {
    effects.push(effect);
  };
  return {
    options,
    now: () => now,
    awake: () => millis(now - lost),
    emit,
    report: (report) => emit({ type: 'report', report }),
    send: (interfaceIndex, to, body) => emit({ type: 'send', interface: interfaceIndex, to, body }),
    begin: (at, asked) => {
      const late = isFirst ? 0 : at - Math.max(asked, now);
      isFirst = false;
      now = at;
      if (late <= punctual) return millis(0);
      lost += late;
      return millis(late);
    },
    end: () => {
      if (effects.length === 0) return nothing;
      const done = effects;
      effects = [];
      return done;
    },
  };
};
