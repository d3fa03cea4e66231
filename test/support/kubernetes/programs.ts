import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, ownProcessId, type ProcessId } from '../process-id.ts';
import { findProgram } from '../tools.ts';
import { buildPrograms } from './build.ts';
import { downloadProgram, extractDebianEtcd } from './download.ts';
import {
  architecture,
  type KubernetesProgram,
  kubernetesPrograms,
  kubernetesVersion,
  type Log,
  type Program,
} from './version.ts';

/** Where each program is: an absolute path. */
export type Programs = Readonly<Record<Program, string>>;

/** A program could be found nowhere. */
export class MissingProgramError extends Error {
  override readonly name = 'MissingProgramError';
}

/** What is got once is kept here, for every checkout. */
const cacheFolder = (): string =>
  join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'metallb-ts',
    'kubernetes',
    kubernetesVersion,
    `linux-${architecture}`,
  );

/**
 * Finds the programs of the control plane, in this order: the folders named by METALLB_KUBERNETES_DIR and
 * KUBEBUILDER_ASSETS, the user's cache, for etcd the search path, the official releases, and Go (etcd: Debian's
 * package). What had to be fetched or built is in the cache afterwards.
 */
export const findPrograms = async (log: Log): Promise<Programs> => {
  const found = lookForPrograms();
  if (isComplete(found)) return found;
  return withLock(log, async () => {
    const missing = missingFrom(lookForPrograms()); // somebody else may have got them meanwhile
    await obtain(missing, log);
    const complete = lookForPrograms();
    if (isComplete(complete)) return complete;
    throw new MissingProgramError(
      `cannot find ${missingFrom(complete).join(', ')}; on Debian or Ubuntu, as root: apt-get install etcd-server`,
    );
  });
};

const allPrograms: readonly Program[] = ['etcd', ...kubernetesPrograms];

const missingFrom = (found: Partial<Programs>): readonly Program[] =>
  allPrograms.filter((program) => found[program] === undefined);

const isComplete = (found: Partial<Programs>): found is Programs => missingFrom(found).length === 0;

const lookForPrograms = (): Partial<Programs> => {
  const folders = [process.env.METALLB_KUBERNETES_DIR, process.env.KUBEBUILDER_ASSETS, cacheFolder()];
  const look = (program: Program): string | undefined =>
    folders
      .flatMap((folder) => (folder === undefined || folder === '' ? [] : [join(folder, program)]))
      .find(isExecutable) ?? (program === 'etcd' ? findProgram('etcd') : undefined);
  return Object.fromEntries(allPrograms.map((program) => [program, look(program)]));
};

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false; // not in this folder
  }
};

/** Gets programs into the cache, with the lock held. Each appears there whole or not at all. */
const obtain = async (programs: readonly Program[], log: Log): Promise<void> => {
  for (const leftover of readdirSync(cacheFolder()).filter((name) => name.startsWith('.new-'))) {
    rmSync(join(cacheFolder(), leftover), { recursive: true, force: true });
  }
  const folder = mkdtempSync(join(cacheFolder(), '.new-'));
  try {
    const toBuild: KubernetesProgram[] = [];
    let isReachable = true;
    for (const program of programs) {
      if (isReachable && (await downloadProgram(program, folder, log))) continue;
      // Kubernetes' programs are all in one place: where one cannot be had, the others need not be tried.
      if (program === 'etcd') await extractDebianEtcd(folder);
      else {
        isReachable = false;
        toBuild.push(program);
      }
    }
    if (toBuild.length > 0) await buildPrograms(toBuild, folder, log);
    for (const file of readdirSync(folder).filter((name) => !name.startsWith('.'))) {
      renameSync(join(folder, file), join(cacheFolder(), file));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Lets one process at a time get programs; the lock of one that has died is taken over. */
const withLock = async <T>(log: Log, work: () => Promise<T>): Promise<T> => {
  mkdirSync(cacheFolder(), { recursive: true });
  const lock = join(cacheFolder(), '.lock');
  for (let isFirst = true; !takeLock(lock); isFirst = false) {
    if (isFirst) log('waiting for another process that is getting the programs of Kubernetes');
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
};

const takeLock = (lock: string): boolean => {
  try {
    writeFileSync(lock, JSON.stringify(ownProcessId()), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (!isRunning(readLock(lock))) rmSync(lock, { force: true });
  return false;
};

/** Whoever holds the lock; one that cannot be read is being written or removed, and counts as held. */
const readLock = (lock: string): ProcessId => {
  try {
    return JSON.parse(readFileSync(lock, 'utf8')) as ProcessId;
  } catch {
    return ownProcessId();
  }
};
