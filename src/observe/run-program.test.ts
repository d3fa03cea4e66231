import { expect, test } from 'vitest';
import { fakeClock } from '../../test/support/fake-clock.ts';
import { silentLog } from '../../test/support/silent-log.ts';
import type { Log } from '../lib/log.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { seconds } from '../lib/time.ts';
import type { Invocation } from './command-line.ts';
import { type ProgramOptions, runProgram } from './run-program.ts';

/** A program in a process of the test's own; `run` settles when the test says so. */
const start = (
  invocation: Result<Invocation<string>> = ok({ type: 'run', options: 'o', bgpType: 'native', warnings: ['w'] }),
) => {
  const clock = fakeClock();
  const seen: string[] = [];
  const listeners = new Map<string, (error: unknown) => void>();
  const running = Promise.withResolvers<void>();
  let signal: AbortSignal | undefined;
  const write = (message: string, fields?: Readonly<Record<string, unknown>>): void =>
    void seen.push(`${message}${fields?.['error'] instanceof Error ? `: ${fields['error'].message}` : ''}`);
  const log: Log = { ...silentLog, info: write, warn: write, error: write };
  const program: ProgramOptions<string> = {
    name: 'tester',
    process: {
      on: (name, listener) => listeners.set(name, listener),
      exit: (code) => void seen.push(`exit ${code}`),
      stdout: { write: (text) => seen.push(`out ${text}`) },
      stderr: { write: (text) => seen.push(`err ${text}`) },
    },
    clock,
    invocation,
    createLog: () => log,
    endLimit: seconds(2),
    run: async (_, __, given) => {
      signal = given;
      await running.promise;
    },
  };
  const ended = runProgram(program);
  return {
    clock,
    seen,
    ended,
    running,
    isAsked: (): boolean | undefined => signal?.aborted,
    happen: (name: string, error?: unknown): void => listeners.get(name)?.(error),
  };
};

test('a signal ends it cleanly, once', async () => {
  const { seen, ended, running, happen, isAsked } = start();
  expect([seen, isAsked()]).toEqual([['w'], false]);
  happen('SIGTERM');
  happen('SIGINT');
  expect(isAsked()).toBe(true);
  running.resolve();
  await ended;
  expect(seen).toEqual(['w', 'ending', 'ended', 'exit 0']);
});

test('one that does not end in time is ended', () => {
  const { clock, seen, happen } = start();
  happen('SIGINT');
  clock.advance(seconds(1.999));
  expect(seen).toEqual(['w', 'ending']);
  clock.advance(seconds(0.001));
  expect(seen).toEqual(['w', 'ending', 'failed: not ended 2 s after SIGINT', 'exit 1']);
});

test('a failure is logged and ends it, wherever it comes up', async () => {
  const failing = start();
  failing.running.reject(new Error('no'));
  await failing.ended;
  expect(failing.seen).toEqual(['w', 'failed: no', 'exit 1']);
  for (const name of ['uncaughtException', 'unhandledRejection']) {
    const { seen, happen } = start();
    happen(name, new Error('no'));
    expect(seen).toEqual(['w', 'failed: no', 'exit 1']);
  }
});

test('a wrong command line and a text to print run nothing', async () => {
  const wrong = start(err('flag x'));
  expect([wrong.seen, wrong.isAsked()]).toEqual([
    ['err tester: flag x\ntester --help lists the flags.\n', 'exit 2'],
    undefined,
  ]);
  const printing = start(ok({ type: 'print', text: 'help' }));
  expect([printing.seen, printing.isAsked()]).toEqual([['out help', 'exit 0'], undefined]);
});
