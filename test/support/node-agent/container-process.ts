import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync, readlinkSync, renameSync, existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalOrGone } from '../process-id.ts';
import { initPath } from './container-root.ts';
import { launchFailed, launchReady, type LaunchPlan, launchScript } from './launcher.ts';
import { setprivArguments } from './security.ts';

/** How a container's program ended. */
export type ProcessExit = { readonly code: number; readonly signal: number | undefined };

/** The end of a command run inside a container, with the last part of what it printed. */
export type ExecResult = { readonly code: number; readonly output: string };

/** The container could not be started; the kubelet calls this RunContainerError. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
}

const signalNumbers: Readonly<Partial<Record<NodeJS.Signals, number>>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
};

/** The namespaces of the pod, held by the process with this id; the network is the node's own for host-network pods. */
export type PodNamespaces = { readonly holder: number; readonly hostNetwork: boolean };

const enterPod = ({ holder, hostNetwork }: PodNamespaces): readonly string[] => [
  'nsenter',
  `--target=${holder}`,
  '--uts',
  '--ipc',
  ...(hostNetwork ? [] : ['--net']),
];

/**
 * A running container: process 1 of a PID namespace of its own, so that its end is the end of everything it started.
 * It dies with the node agent.
 */
export class ContainerProcess {
  readonly plan: LaunchPlan;
  /** Settles when the program has ended. */
  readonly exited: Promise<ProcessExit>;
  /** 0 once the program has ended. */
  #pid: number;

  private constructor(plan: LaunchPlan, exited: Promise<ProcessExit>, pid: number) {
    this.plan = plan;
    this.#pid = pid;
    this.exited = exited.then((exit) => {
      this.#pid = 0;
      return exit;
    });
  }

  /**
   * Starts a container. `dir` takes the launcher's script, `logFile` what the program prints; the log of the run before
   * is kept as `<logFile>.previous`. Rejects with `LaunchError` when the root cannot be put together.
   */
  static async start(
    plan: LaunchPlan,
    namespaces: PodNamespaces,
    dir: string,
    logFile: string,
  ): Promise<ContainerProcess> {
    const script = join(dir, 'launch.sh');
    await writeFile(script, launchScript(plan), { mode: 0o600 });
    if (existsSync(logFile)) renameSync(logFile, `${logFile}.previous`);
    const log = openSync(logFile, 'a', 0o666);
    const isolated = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', 'sh', script];
    const child = spawn('setpriv', ['--pdeathsig=KILL', ...enterPod(namespaces), ...isolated], {
      cwd: '/',
      stdio: ['ignore', log, 'pipe', log],
    });
    closeSync(log);
    const spawned = once(child, 'spawn');
    const words = new LauncherWords(child.stderr as Readable);
    const ended = exitOf(child, words);
    await spawned;
    if ((await words.outcome) === 'failed') {
      await ended;
      const complaint = words.text.trim();
      throw new LaunchError(complaint === '' ? 'the launcher of the container was killed' : complaint);
    }
    // A program may have ended already by now.
    const pid = onlyChildOf(child.pid as number) ?? 0;
    return new ContainerProcess(plan, ended, pid);
  }

  /** Sends a signal to the program; one that has ended already is none the worse. */
  kill(signal: NodeJS.Signals): void {
    if (this.#pid !== 0) signalOrGone(this.#pid, signal);
  }

  /** The launcher says that the root stands a moment before it goes there itself. */
  async #isInItsRoot(): Promise<void> {
    for (let tries = 0; tries < 500 && this.#pid !== 0 && rootOf(this.#pid) === '/'; tries++) await sleep(10);
  }

  /** Runs a command inside, as the container's user; it is killed when `signal` aborts. */
  async exec(command: readonly string[], signal: AbortSignal): Promise<ExecResult> {
    await this.#isInItsRoot();
    const variables = [...this.plan.environment].map(([name, value]) => `${name}=${value}`);
    const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd'];
    const enter = [toolPath('nsenter'), `--target=${this.#pid}`, ...namespaces, '--'];
    const program = [initPath, ...setprivArguments(this.plan.credentials), ...command];
    const child = spawn('env', ['-i', ...variables, toolPath('setpriv'), '--pdeathsig=KILL', ...enter, ...program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    // The command itself is killed and nsenter(1) ends with it. The other way round the command would be left to the
    // machine's first process, and the container's PID namespace could not end before that takes notice.
    const stop = (): void => {
      const pid = child.pid === undefined ? undefined : onlyChildOf(child.pid);
      if (pid === undefined) child.kill('SIGKILL');
      else signalOrGone(pid, 'SIGKILL');
    };
    signal.addEventListener('abort', stop);
    try {
      const ended = exitOf(child);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const { code } = await ended;
      return { code, output: `${stdout}${stderr}`.slice(0, 10_240) };
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}

/** What a launcher says: before its program starts, and again when unshare(1), which waits for it, ends. */
class LauncherWords {
  /** Whether the root of the container stands. */
  readonly outcome: Promise<'ready' | 'failed'>;
  #text = '';

  constructor(pipe: Readable) {
    this.outcome = new Promise((resolve) => {
      pipe.on('data', (chunk: Buffer) => {
        this.#text += chunk.toString();
        if (this.#text.endsWith(`${launchReady}\n`)) resolve('ready');
      });
      pipe.once('close', () => resolve('failed'));
    });
  }

  get text(): string {
    return this.#text;
  }
}

/** The root folder of a process, which may have ended. */
const rootOf = (pid: number): string | undefined => {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return undefined;
  }
};

const exitOf = (child: ChildProcess, words?: LauncherWords): Promise<ProcessExit> =>
  new Promise((resolve) => {
    // `close` comes when all has been said.
    child.once('close', (code, signal) => resolve(exitFrom(code, signal, words?.text ?? '')));
    child.once('error', () => resolve({ code: launchFailed, signal: undefined }));
  });

const exitFrom = (code: number | null, signal: NodeJS.Signals | null, words: string): ProcessExit => {
  // A program killed by SIGKILL makes unshare(1) stumble: it cannot end by the same signal, and says so.
  const isKilled = signal === 'SIGKILL' || (code === 1 && /^unshare: /m.test(words));
  const number = isKilled ? signalNumbers.SIGKILL : signal === null ? undefined : (signalNumbers[signal] ?? 0);
  return { code: number === undefined ? (code ?? launchFailed) : 128 + number, signal: number };
};

/** The one child of a process; `undefined` if it has none. */
const onlyChildOf = (pid: number): number | undefined => {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return child === undefined || child === '' ? undefined : Number(child);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return undefined;
    throw error;
  }
};

const searchPath = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** The full path of one of the machine's tools; throws if it is not installed. */
export const toolPath = (name: string): string => {
  const found = searchPath.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the program ${name} is not installed`);
  return found;
};

/**
 * Whether a program that ended with this code could not be executed at all; gives the sentence of container runtimes.
 * setpriv(1), which executes it, leaves its complaint at the end of the log.
 */
export const executionFailure = async (
  exit: ProcessExit,
  argv: readonly string[],
  logFile: string,
): Promise<string | undefined> => {
  if (exit.code !== 126 && exit.code !== 127) return undefined;
  const lastLine = (await readFile(logFile, 'utf8')).trimEnd().split('\n').at(-1) ?? '';
  const why = /failed to execute .*: (.+)$/.exec(lastLine)?.[1];
  if (why === undefined) return undefined;
  const [program = ''] = argv;
  const reason = program.includes('/') ? `stat ${program}: ${why.toLowerCase()}` : 'executable file not found in $PATH';
  return `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "${program}": ${reason}`;
};
