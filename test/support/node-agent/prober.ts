import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerProcess } from './container-process.ts';
import { initialProbeState, type ProbeKind, type ProbeOutcome, probePort, probeTimes, stepProbe } from './probe.ts';
import type { Container, Probe } from './types.ts';

/** What a probe acts on. `host` is the pod's address. */
export type ProbeTarget = { readonly container: Container; readonly process: ContainerProcess; readonly host: string };

/** What a running probe reports. */
export type ProbeReports = {
  /** The verdict after an attempt, whether it changed or not. */
  readonly verdict: (healthy: boolean | undefined) => void;
  /** An attempt failed; `message` is the kubelet's sentence. */
  readonly failed: (message: string) => void;
};

/** Runs one probe of a container until `signal` aborts: first right after the initial delay, then once a period. */
export const runProbe = async (
  kind: ProbeKind,
  probe: Probe,
  target: ProbeTarget,
  reports: ProbeReports,
  signal: AbortSignal,
): Promise<void> => {
  const { delay, period, timeout } = probeTimes(probe);
  let state = initialProbeState(kind);
  let due = performance.now() + delay;
  while (!signal.aborted) {
    await sleep(Math.max(due - performance.now(), 0), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const outcome = await attempt(probe, target, AbortSignal.any([signal, AbortSignal.timeout(timeout)]));
    if (signal.aborted) return;
    state = stepProbe(state, probe, outcome.ok);
    if (!outcome.ok) reports.failed(outcome.message);
    reports.verdict(state.healthy);
    due = Math.max(due + period, performance.now());
  }
};

const attempt = async (probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> => {
  try {
    if (probe.httpGet) return await getHttp(probe.httpGet, target, signal);
    if (probe.tcpSocket) return await dial(probe.tcpSocket, target, signal);
    if (probe.exec) {
      const { code, output } = await target.process.exec(probe.exec.command ?? [], signal);
      if (signal.aborted) return { ok: false, message: 'command timed out' };
      return code === 0 ? { ok: true } : { ok: false, message: output.trimEnd() };
    }
    return { ok: false, message: 'the sandbox has no probes of this kind' };
  } catch (error) {
    return { ok: false, message: signal.aborted ? 'context deadline exceeded' : (error as Error).message };
  }
};

const getHttp = async (
  get: NonNullable<Probe['httpGet']>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> => {
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  const port = probePort(target.container, get.port);
  if (port === undefined)
    return { ok: false, message: `couldn't find port: ${get.port} for container ${target.container.name}` };
  const host = get.host ?? target.host;
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}${(get.path ?? '/').replace(/^(?!\/)/, '/')}`;
  const headers = {
    'user-agent': 'kube-probe/1.34',
    accept: '*/*',
    connection: 'close',
    ...Object.fromEntries((get.httpHeaders ?? []).map(({ name, value }) => [name, value])),
  };
  // The kubelet does not check the certificate of what it probes.
  const req =
    scheme === 'https'
      ? httpsRequest(url, { headers, agent: false, rejectUnauthorized: false, signal })
      : httpRequest(url, { headers, agent: false, signal });
  return new Promise<ProbeOutcome>((resolve) => {
    req.once('response', (response) => {
      response.resume();
      const code = response.statusCode ?? 0;
      resolve(
        code >= 200 && code < 400 ? { ok: true } : { ok: false, message: `HTTP probe failed with statuscode: ${code}` },
      );
    });
    req.once('error', (error) => {
      const why = signal.aborted
        ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
        : dialError(error, host, port);
      resolve({ ok: false, message: `Get "${url}": ${why}` });
    });
    req.end();
  });
};

const dial = async (
  tcp: NonNullable<Probe['tcpSocket']>,
  target: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> => {
  const port = probePort(target.container, tcp.port);
  if (port === undefined)
    return { ok: false, message: `couldn't find port: ${tcp.port} for container ${target.container.name}` };
  const host = tcp.host ?? target.host;
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal });
    return { ok: true };
  } catch (error) {
    return {
      ok: false,
      message: signal.aborted ? `dial tcp ${host}:${port}: i/o timeout` : dialError(error as Error, host, port),
    };
  } finally {
    socket.on('error', () => undefined).destroy();
  }
};

const dialError = (error: Error, host: string, port: number): string => {
  const { code } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
    ETIMEDOUT: 'i/o timeout',
  };
  return words[code ?? ''] === undefined ? error.message : `dial tcp ${host}:${port}: ${words[code ?? '']}`;
};
