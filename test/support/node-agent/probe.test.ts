import { expect, test } from 'vitest';
import { containerOf } from './fixtures.ts';
import { initialProbeState, type ProbeKind, probePort, probeTimes, stepProbe } from './probe.ts';
import type { Probe } from './types.ts';

/** The verdicts after each outcome; `+` is a success, `-` a failure. */
const verdicts = (kind: ProbeKind, probe: Probe, outcomes: string) => {
  let state = initialProbeState(kind);
  return outcomes.split('').map((outcome) => {
    state = stepProbe(state, probe, outcome === '+');
    return state.healthy;
  });
};

test('a ready container becomes unready at the third failure in a row', () =>
  expect(verdicts('readiness', {}, '+--+---')).toEqual([true, true, true, true, true, true, false]));

test('an unready container becomes ready when enough successes come in a row', () =>
  expect(verdicts('readiness', { successThreshold: 2 }, '+-++')).toEqual([false, false, false, true]));

test('a container counts as alive until its probe says otherwise', () => {
  expect(initialProbeState('liveness').healthy).toBe(true);
  expect(verdicts('liveness', { failureThreshold: 2 }, '-+--')).toEqual([true, true, true, false]);
});

test('whether a container has started is not known before the threshold', () =>
  expect(verdicts('startup', { failureThreshold: 3 }, '--+')).toEqual([undefined, undefined, true]));

test('times have the defaults of the API', () =>
  expect([probeTimes({}), probeTimes({ initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 3 })]).toEqual([
    { delay: 0, period: 10_000, timeout: 1000 },
    { delay: 1000, period: 2000, timeout: 3000 },
  ]));

test('a port is a number, a numeral or a name', () => {
  const container = containerOf({ ports: [{ name: 'http', containerPort: 5678 }] });
  expect([80, '81', 'http', 'metrics'].map((port) => probePort(container, port))).toEqual([80, 81, 5678, undefined]);
});
