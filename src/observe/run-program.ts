import type { BgpType } from '../lib/bgp-type.ts';
import type { Log } from '../lib/log.ts';
import type { Result } from '../lib/result.ts';
import type { Clock, Millis } from '../lib/time.ts';
import { exitCode, type Invocation } from './command-line.ts';

/** What of the process a program has to do with. */
export type ProgramProcess = {
  readonly on: (
    name: 'SIGTERM' | 'SIGINT' | 'uncaughtException' | 'unhandledRejection',
    listener: (error: unknown) => void,
  ) => unknown;
  readonly exit: (code: number) => void;
  readonly stdout: { readonly write: (text: string) => unknown };
  readonly stderr: { readonly write: (text: string) => unknown };
};

export type ProgramOptions<Options> = {
  readonly name: string;
  readonly process: ProgramProcess;
  readonly clock: Clock;
  readonly invocation: Result<Invocation<Options>>;
  readonly createLog: (options: Options) => Log;
  /** How long ending may take after a signal. */
  readonly endLimit: Millis;
  /** Does everything until the signal aborts; rejects if it cannot start or go on. */
  readonly run: (options: Options, log: Log, signal: AbortSignal, bgpType: BgpType) => Promise<void>;
};

/**
 * Runs a program from its command line to its exit code. It exits whatever is still open: a port, for example, must not
 * keep a program alive that has failed, so that Kubernetes starts it anew.
 */
export const runProgram = async <Options>(program: ProgramOptions<Options>): Promise<void> => {
  const { name, process, clock, invocation, endLimit } = program;
  if (!invocation.ok) {
    process.stderr.write(`${name}: ${invocation.error}\n${name} --help lists the flags.\n`);
    return process.exit(exitCode.usage);
  }
  if (invocation.value.type === 'print') {
    process.stdout.write(invocation.value.text);
    return process.exit(exitCode.clean);
  }
  const { options, bgpType, warnings } = invocation.value;
  const log = program.createLog(options);
  for (const warning of warnings) log.warn(warning, { event: 'noEffect' });

  const fail = (error: unknown): void => {
    log.error('failed', { error });
    process.exit(exitCode.failure);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  const ending = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (ending.signal.aborted) return;
      log.info('ending', { event: 'shutdown', signal });
      clock.after(endLimit, () => fail(new Error(`not ended ${endLimit / 1000} s after ${signal}`)));
      ending.abort();
    });
  }
  try {
    await program.run(options, log, ending.signal, bgpType);
  } catch (error) {
    return fail(error);
  }
  log.info('ended', { event: 'ended' });
  process.exit(exitCode.clean);
};
