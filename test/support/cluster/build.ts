import { join } from 'node:path';
import { runCommand } from '../command.ts';

/** The root of the checkout. */
export const repository = join(import.meta.dirname, '../../..');

let building: Promise<void> | undefined;

/** Bundles the programs into `dist/`, once per process: the sandbox's images run them from there. */
export const buildPrograms = (): Promise<void> =>
  (building ??= runCommand(['npm', 'run', '--silent', 'build'], { cwd: repository, timeout: 120_000 }).then(() => {}));
