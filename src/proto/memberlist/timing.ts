import { type Millis, millis } from '../../lib/time.ts';
import type { MemberlistConfig } from './config.ts';

/** The protocol's arithmetic of time and of repetition, as functions of how many members are known. */

/** A suspicion's longest and shortest time, and how many confirmations by others bring it from one to the other. */
export type SuspicionTimes = { readonly shortest: Millis; readonly longest: Millis; readonly confirmations: number };

/** The times of a suspicion that begins while so many members are known, dead ones included. */
export const suspicionTimes = (config: MemberlistConfig, known: number): SuspicionTimes => {
  const scale = Math.floor(Math.max(1, Math.log10(Math.max(1, known))) * 1000) / 1000;
  const shortest = config.suspicionMult * scale * config.probeInterval;
  // Phases of others are unknown, so the shortest time is to be reached two probe intervals before it is due. This node
  // and the one under suspicion confirm nothing.
  const wanted = config.suspicionMult - 2;
  return {
    shortest: millis(shortest),
    longest: millis(config.suspicionMaxTimeoutMult * shortest),
    confirmations: known - 2 < wanted ? 0 : Math.max(0, wanted),
  };
};

/** How long a suspicion lasts in all, once so many others have confirmed it. */
export const suspicionTimeout = (times: SuspicionTimes, confirmed: number): Millis => {
  const { shortest, longest, confirmations } = times;
  if (confirmations === 0) return shortest;
  const part = Math.log(confirmed + 1) / Math.log(confirmations + 1);
  return millis(Math.max(shortest, Math.floor(longest - part * (longest - shortest))));
};

/** How often each gossiped message is sent. */
export const retransmitLimit = (config: MemberlistConfig, known: number): number =>
  config.retransmitMult * Math.ceil(Math.log10(known + 1));

/** Above so many members, states are exchanged less often: the 33rd doubles the interval, the 65th trebles it. */
const pushPullThreshold = 32;

/** The time between two exchanges of states. */
export const pushPullInterval = (config: MemberlistConfig, known: number): Millis => {
  if (known <= pushPullThreshold) return config.pushPullInterval;
  const factor = Math.ceil(Math.log2(known) - Math.log2(pushPullThreshold)) + 1;
  return millis(factor * config.pushPullInterval);
};
