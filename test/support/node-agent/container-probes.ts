import type { ProbeKind } from './probe.ts';
import { type ProbeTarget, runProbe } from './prober.ts';

/** What the probes of a container bring about. */
export type ProbeEffects = {
  /** The startup probe has succeeded. */
  readonly started: () => void;
  /** The verdict of the readiness probe, after each attempt. */
  readonly ready: (ready: boolean) => void;
  /** The startup or liveness probe has failed for good: the container must be restarted. Told once. */
  readonly unhealthy: (kind: 'startup' | 'liveness') => void;
  /** An attempt failed; the message is the one of the `Unhealthy` event. */
  readonly failed: (message: string) => void;
};

const titles: Readonly<Record<ProbeKind, string>> = {
  startup: 'Startup',
  liveness: 'Liveness',
  readiness: 'Readiness',
};

/** Starts the probes of a running container: readiness and liveness once it has started, as the startup probe sees it. */
export const startProbes = (target: ProbeTarget, effects: ProbeEffects, ended: AbortSignal): void => {
  /** The verdict may end its own probe. */
  const start = (kind: ProbeKind, verdict: (healthy: boolean | undefined, end: () => void) => void): void => {
    const probe = target.container[`${kind}Probe`];
    if (probe === undefined) return;
    const own = new AbortController();
    const reports = {
      verdict: (healthy: boolean | undefined) => verdict(healthy, () => own.abort()),
      failed: (message: string) => effects.failed(`${titles[kind]} probe failed: ${message}`),
    };
    void runProbe(kind, probe, target, reports, AbortSignal.any([ended, own.signal]));
  };
  const watchRunning = (): void => {
    start('readiness', (healthy) => effects.ready(healthy === true));
    start('liveness', (healthy, end) => {
      if (healthy !== false) return;
      end();
      effects.unhealthy('liveness');
    });
  };
  if (target.container.startupProbe === undefined) {
    watchRunning();
    return;
  }
  start('startup', (healthy, end) => {
    if (healthy === undefined) return;
    end();
    if (!healthy) {
      effects.unhealthy('startup');
      return;
    }
    effects.started();
    watchRunning();
  });
};
