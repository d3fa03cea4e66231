import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { repository } from '../cluster/build.ts';
import { kubeconfigText } from './kubeconfig.ts';

/** One line of a program's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** The built controller as a process of its own. */
export type ControllerProcess = {
  readonly pid: number;
  /** Every line that it has logged, oldest first. */
  readonly log: readonly LogLine[];
  /** Undefined while it runs; then its exit code, or the signal that ended it. */
  readonly ending: () => number | NodeJS.Signals | undefined;
  /** Aborted when it ends, with an error that says how. */
  readonly life: AbortSignal;
  /** Resident memory in MiB. */
  readonly resident: () => number;
  /** Stops it or lets it go on, or ends it. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Ends it, and removes its files; gives what it ended with. */
  readonly close: (signal?: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
};

export type ControllerProcessOptions = {
  /** The API server's address as the controller sees it. */
  readonly url: string;
  readonly token: string;
  readonly namespace: string;
  /** In the place of a pod's name. */
  readonly name: string;
  /** More of the command line. */
  readonly flags?: readonly string[];
};

/** Starts `dist/controller` without metrics, probes and webhooks. */
export const startControllerProcess = async ({
  url,
  token,
  namespace,
  name,
  flags = [],
}: ControllerProcessOptions): Promise<ControllerProcess> => {
  const folder = await mkdtemp(join(tmpdir(), 'metallb-ts-controller-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, kubeconfigText({ server: url, 'insecure-skip-tls-verify': true }, token));
  const program = [
    process.execPath,
    join(repository, 'dist/controller/main.js'),
    `--kubeconfig=${kubeconfig}`,
    `--namespace=${namespace}`,
    `--pod-name=${name}`,
    '--port=0',
    '--health-probe-port=0',
    '--webhook-mode=disabled',
    ...flags,
  ];
  // A test that is killed cannot clean up: the kernel ends its children.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid === undefined) throw new Error('the controller cannot be started');
  let ending: number | NodeJS.Signals | undefined;
  const life = new AbortController();
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => {
      ending = code ?? signal ?? 'SIGKILL';
      life.abort(new Error(`controller ${name} has ended: ${ending}`));
      resolve(ending);
    });
  });
  const log: LogLine[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => log.push(parseLine(line)));
  }
  return {
    pid,
    log,
    ending: () => ending,
    life: life.signal,
    resident: () => {
      const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      return Number(kib) / 1024;
    },
    signal: (signal) => child.kill(signal),
    close: async (signal = 'SIGTERM') => {
      child.kill('SIGCONT');
      child.kill(signal);
      const outcome = await ended;
      await rm(folder, { recursive: true, force: true });
      return outcome;
    },
  };
};

const parseLine = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { level: 'raw', msg: line }; // what Node itself says when it dies
  }
};
