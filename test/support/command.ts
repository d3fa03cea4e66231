import { spawn } from 'node:child_process';

/** What a program left behind. */
export type CommandOutcome = {
  /** The exit code; 128 + the signal's number if a signal ended it, as a shell says it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  /** Written to standard input, which is closed afterwards. */
  readonly input?: string | undefined;
  /** Milliseconds until the program is killed; 30 s unless told. */
  readonly timeout?: number | undefined;
  /** Whether an exit code other than 0 throws; true unless told. */
  readonly check?: boolean | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
};

/** A program could not be started, was too slow, or ended with another code than 0. */
export class CommandError extends Error {
  readonly argv: readonly string[];
  readonly outcome: CommandOutcome | undefined;

  constructor(argv: readonly string[], reason: string, outcome?: CommandOutcome, cause?: unknown) {
    const output = [outcome?.stderr.trim(), outcome?.stdout.trim()].find((text) => text !== undefined && text !== '');
    super(`${argv.join(' ')}: ${reason}${output === undefined ? '' : `\n${output}`}`, { cause });
    this.name = 'CommandError';
    this.argv = argv;
    this.outcome = outcome;
  }
}

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Runs a program to its end. No shell: the arguments arrive as they are. */
export const runCommand = async (
  argv: readonly string[],
  { input, timeout = 30_000, check = true, env, cwd }: CommandOptions = {},
): Promise<CommandOutcome> => {
  const [program = '', ...args] = argv;
  const { promise, resolve, reject } = Promise.withResolvers<CommandOutcome>();
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: env ?? process.env, cwd });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let isLate = false;
  const alarm = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
    // A grandchild may hold the pipes open; whoever waits has the outcome all the same.
    child.stdout.destroy();
    child.stderr.destroy();
  }, timeout);
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A program that ends without reading its input makes the write fail; its exit code tells the story.
  child.stdin.on('error', () => {});
  child.stdin.end(input ?? '');
  child.once('error', (cause) => {
    clearTimeout(alarm);
    reject(new CommandError(argv, cause.message, undefined, cause));
  });
  child.once('close', (code, signal) => {
    clearTimeout(alarm);
    const outcome = {
      code: code ?? 128 + (signal === null ? 0 : (signalNumbers[signal] ?? 0)),
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    };
    if (isLate) reject(new CommandError(argv, `not finished after ${timeout} ms`, outcome));
    else if (check && outcome.code !== 0) reject(new CommandError(argv, `exit code ${outcome.code}`, outcome));
    else resolve(outcome);
  });
  return promise;
};
