import type { Leadership, LeadershipChange } from '../../src/k8s/leadership/leader-election.ts';
import { millis } from '../../src/lib/time.ts';

/** A leadership that the test gives and takes. */
export type FakeLeadership = Leadership & {
  /** Tells it at once. */
  readonly set: (isLeader: boolean) => void;
  /** How many are told. */
  readonly listeners: () => number;
};

/** Makes it. */
export const fakeLeadership = (isLeader = true): FakeLeadership => {
  const listeners = new Set<(change: LeadershipChange) => void>();
  let leads = isLeader;
  return {
    validFor: () => millis(leads ? Infinity : 0),
    isLeader: () => leads,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    set: (now) => {
      leads = now;
      for (const listener of listeners) listener({ isLeader: now, othersHeldIt: now });
    },
    listeners: () => listeners.size,
  };
};
