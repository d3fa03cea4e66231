import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Sandbox } from '../sandbox/sandbox.ts';

/** Runs a program of `test/support/programs` on a host of the LAN until it is disposed of, and hands its lines out. */
export const startProbe = (
  sandbox: Sandbox,
  host: string,
  program: `${string}.ts`,
  args: readonly string[],
  onLine: (line: string) => void,
): Disposable => {
  const argv = [process.execPath, join(import.meta.dirname, '../programs', program), ...args];
  const child = sandbox.spawn(host, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('the probe has no output');
  createInterface(child.stdout).on('line', onLine);
  return { [Symbol.dispose]: () => child.kill('SIGKILL') };
};
