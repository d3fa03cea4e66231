import type { Sandbox } from '../sandbox/sandbox.ts';
import { startProbe } from './probe.ts';

/** Asks a URL from a host of the LAN every few milliseconds until it is disposed of. */
export type HttpProbe = Disposable & {
  /** Times of the answers so far, in milliseconds since the Unix epoch. */
  readonly answers: readonly number[];
};

/** Starts asking; a failed request leaves nothing but a gap. */
export const probeHttp = (sandbox: Sandbox, host: string, url: string, intervalMs: number): HttpProbe => {
  const answers: number[] = [];
  const probe = startProbe(sandbox, host, 'http-probe.ts', [url, String(intervalMs)], (line) => {
    const [time = '', outcome] = line.split(' ');
    if (outcome === 'ok') answers.push(Number(time));
  });
  return { answers, ...probe };
};
