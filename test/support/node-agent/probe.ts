import { type Millis, seconds } from '../../../src/lib/time.ts';
import type { Container, Probe } from './types.ts';

/** What a probe decides: restart (startup, liveness) or the container's `ready` (readiness). */
export type ProbeKind = 'startup' | 'liveness' | 'readiness';

/** The outcome of one attempt; `message` is the sentence for the `Unhealthy` event. */
export type ProbeOutcome = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** The verdict so far, and how many equal outcomes in a row stand behind a change of it. */
export type ProbeState = {
  readonly healthy: boolean | undefined;
  readonly last: boolean | undefined;
  readonly run: number;
};

/** Before the first verdict a container counts as alive, not ready, and not known to have started. */
export const initialProbeState = (kind: ProbeKind): ProbeState => ({
  healthy: kind === 'liveness' ? true : kind === 'readiness' ? false : undefined,
  last: undefined,
  run: 0,
});

/** Takes one outcome in; the verdict changes when the threshold of equal outcomes in a row is reached. */
export const stepProbe = (state: ProbeState, probe: Probe, ok: boolean): ProbeState => {
  const run = state.last === ok ? state.run + 1 : 1;
  const threshold = ok ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3);
  return { healthy: run >= threshold ? ok : state.healthy, last: ok, run };
};

/** A probe's times with the API's defaults. */
export const probeTimes = (
  probe: Probe,
): { readonly delay: Millis; readonly period: Millis; readonly timeout: Millis } => ({
  delay: seconds(probe.initialDelaySeconds ?? 0),
  period: seconds(probe.periodSeconds ?? 10),
  timeout: seconds(probe.timeoutSeconds ?? 1),
});

/** The number of a port given as number or as the name of one of the container's ports. */
export const probePort = (container: Container, port: number | string): number | undefined => {
  if (typeof port === 'number') return port;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find(({ name }) => name === port)?.containerPort;
};
