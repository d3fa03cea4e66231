/**
 * Runs the project's checks and tests, from fast to real, and counts them: `npm test -- [STAGE…]`, all stages
 * unless some are named. The last line is `N passed, N failed, N skipped`; the exit code is 1 if something failed, if
 * nothing ran, or, under CI=true, if something was skipped.
 */
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CommandError, runCommand } from './support/command.ts';

type Counts = { readonly passed: number; readonly failed: number; readonly skipped: number };

const nothing: Counts = { passed: 0, failed: 0, skipped: 0 };

const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

const format = ({ passed, failed, skipped }: Counts): string =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const secondsSince = (start: number): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** What `npm run check` looks at before the tests of the checks themselves; a step counts as one test. */
const checkSteps: readonly { readonly name: string; readonly argv: readonly string[] }[] = [
  { name: 'formatting', argv: ['oxfmt', '--check'] },
  { name: 'lint and layers', argv: ['oxlint'] },
  { name: 'types', argv: ['tsc', '--project', '.'] },
  { name: 'dead code', argv: ['knip', '--no-config-hints'] },
  { name: 'generated files', argv: ['node', 'manifests/generate.ts', '--check'] },
];

const runCheckStep = async ({ name, argv }: (typeof checkSteps)[number]): Promise<Counts> => {
  const start = performance.now();
  const { code, stdout, stderr } = await runCommand(argv, { check: false, timeout: 600_000 });
  say(`${code === 0 ? '✓' : '✗'} ${name} (${secondsSince(start)})`);
  if (code === 0) return { ...nothing, passed: 1 };
  process.stdout.write(`${stdout}${stderr}`);
  return { ...nothing, failed: 1 };
};

/** What vitest's JSON reporter writes, as far as it is read here. */
type VitestReport = {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
};

/** Counts a report. A file that broke before or between its tests is a failure of its own. */
const countReport = (report: VitestReport, code: number): Counts => {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
};

/** Runs one of the projects of vitest.config.ts; its output goes straight to the terminal. */
const runVitest = async (project: string): Promise<Counts> => {
  const folder = mkdtempSync(join(tmpdir(), 'metallb-ts-run-'));
  const reportFile = join(folder, 'report.json');
  try {
    const code = await stream([
      'vitest',
      'run',
      `--project=${project}`,
      `--reporter=${project === 'unit' || project === 'check' ? 'default' : 'verbose'}`,
      '--reporter=json',
      `--outputFile.json=${reportFile}`,
    ]);
    const report = readReport(reportFile);
    return report === undefined ? { ...nothing, failed: 1 } : countReport(report, code);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Undefined if vitest ended before it could write one. */
const readReport = (file: string): VitestReport | undefined => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as VitestReport;
  } catch (error) {
    say(`no report from vitest: ${String(error)}`);
    return undefined;
  }
};

/** Runs a program on our own terminal and gives its exit code. */
const stream = async (argv: readonly string[]): Promise<number> => {
  const [program = '', ...args] = argv;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  child.on('error', reject);
  child.on('close', (code, signal) => resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  return promise;
};

const runCheck = async (): Promise<Counts> => {
  let counts = nothing;
  for (const step of checkSteps) counts = add(counts, await runCheckStep(step));
  return add(counts, await runVitest('check'));
};

/** Runs a stage that makes network namespaces, or skips its files where that is not allowed. */
const runInNamespaces = async (stage: string, files: string): Promise<Counts> => {
  if (await mayMakeNamespaces()) return runVitest(stage);
  say(`skipped: needs root on Linux, for network namespaces: sudo --preserve-env=PATH npm run test:${stage}`);
  return { ...nothing, skipped: globSync(files).length };
};

const mayMakeNamespaces = async (): Promise<boolean> => {
  try {
    return (await runCommand(['unshare', '--net', 'true'], { check: false })).code === 0;
  } catch (error) {
    if (error instanceof CommandError) return false; // not Linux: there is no such program
    throw error;
  }
};

const stages: Readonly<Record<string, () => Promise<Counts>>> = {
  check: runCheck,
  unit: () => runVitest('unit'),
  simulation: () => runVitest('simulation'),
  lan: () => runInNamespaces('lan', 'test/lan/**/*.test.ts'),
  cluster: () => runInNamespaces('cluster', 'test/cluster/**/*.test.ts'),
  images: () => runInNamespaces('images', 'test/images/**/*.test.ts'),
};

const main = async (names: readonly string[]): Promise<number> => {
  const unknown = names.find((name) => !Object.hasOwn(stages, name));
  if (unknown !== undefined) {
    process.stderr.write(`no stage ${unknown}; there are ${Object.keys(stages).join(', ')}\n`);
    return 2;
  }
  // Ctrl-C reaches the tests as well: they clean up, then the count is printed.
  let isInterrupted = false;
  process.on('SIGINT', () => {
    isInterrupted = true;
  });
  let total = nothing;
  for (const [name, run] of Object.entries(stages)) {
    if (isInterrupted || (names.length > 0 && !names.includes(name))) continue;
    const start = performance.now();
    say(`\n── ${name}`);
    const counts = await run();
    say(`${name}: ${format(counts)} (${secondsSince(start)})`);
    total = add(total, counts);
  }
  say(`\n${format(total)}`);
  if (isInterrupted) return 130;
  const skipIsFailure = process.env['CI'] === 'true' && total.skipped > 0;
  return total.failed > 0 || total.passed === 0 || skipIsFailure ? 1 : 0;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.exitCode = await main(process.argv.slice(2));
}
