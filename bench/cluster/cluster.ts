import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { deployMetallb } from '../../test/support/cluster/metallb.ts';
import { apply, l2Advertisement, pool } from '../../test/support/cluster/objects.ts';
import type { Sandbox } from '../../test/support/sandbox/sandbox.ts';
import { type SandboxOptions, startSandbox } from '../../test/support/sandbox/start.ts';

/** Says on standard error what is going on; the figures go to standard output. */
export const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Starts a cluster with our manifests, runs `work` and takes the cluster down, whatever happens. */
export const withCluster = async <T>(
  nodes: number,
  work: (sandbox: Sandbox) => Promise<T>,
  options: Pick<SandboxOptions, 'nics'> = {},
): Promise<T> => {
  await using sandbox = await startSandbox({ name: `b${process.pid}n${nodes}`, nodes, log: progress, ...options });
  await deployMetallb(sandbox);
  progress('controller and speakers are ready');
  return await work(sandbox);
};

/** 16,384 addresses of the LAN. */
export const poolRange = '198.18.64.0/18';

/** A pool of that range that is announced. */
export const applyPool = (sandbox: Sandbox): Promise<void> =>
  apply(sandbox, pool('bench', [poolRange]), l2Advertisement('bench'));

/** Creates services by four writers and waits until each has its address. */
export const createServices = async (sandbox: Sandbox, prefix: string, count: number): Promise<void> => {
  progress(`creating ${count} services`);
  await onClient(sandbox, 'burst-program.ts', prefix, String(count), '4');
};

/** One of the programs beside this file, running on the LAN's client. */
export type ClientProgram<T> = {
  /** Ends its standard input. */
  readonly finish: (input?: unknown) => void;
  /** What it printed as JSON; rejects if it failed. */
  readonly result: Promise<T>;
};

/** Starts a program on the LAN's client. */
export const startOnClient = <T>(sandbox: Sandbox, program: string, ...args: readonly string[]): ClientProgram<T> => {
  const child = sandbox.spawn('client', [process.execPath, join(import.meta.dirname, program), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the program has no input and output');
  const read = async (): Promise<T> => {
    const [output, [code]] = await Promise.all([text(stdout), once(child, 'close') as Promise<[number | null]>]);
    if (code !== 0) throw new Error(`${program} ended with code ${code}`);
    return JSON.parse(output) as T;
  };
  return {
    finish: (input) => {
      stdin.end(input === undefined ? '' : JSON.stringify(input));
    },
    result: read(),
  };
};

/** Runs a program on the LAN's client to its end. */
export const onClient = <T>(sandbox: Sandbox, program: string, ...args: readonly string[]): Promise<T> =>
  startOnClient<T>(sandbox, program, ...args).result;
