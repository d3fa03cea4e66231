import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Asks a URL from a host of the LAN every few milliseconds until it is disposed of. */
export type HttpProbe = Disposable & {
  /** Times of the answers so far, in milliseconds since the Unix epoch. */
  readonly answers: readonly number[];
};

/** Starts asking; a failed request leaves nothing but a gap. */
export const probeHttp = (sandbox: Sandbox, host: string, url: string, intervalMs: number): HttpProbe => {
  const program = join(import.meta.dirname, '../programs/http-probe.ts');
  const child = sandbox.spawn(host, [process.execPath, program, url, String(intervalMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('the probe has no output');
  const answers: number[] = [];
  createInterface(child.stdout).on('line', (line) => {
    const [time = '', outcome] = line.split(' ');
    if (outcome === 'ok') answers.push(Number(time));
  });
  return { answers, [Symbol.dispose]: () => child.kill('SIGKILL') };
};
