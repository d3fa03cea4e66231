import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { runCommand } from '../command.ts';
import { findProgram } from '../tools.ts';
import { type KubernetesProgram, kubernetesVersion, type Log } from './version.ts';

/** Milliseconds between two lines of progress. */
const progressInterval = 15_000;

/** Milliseconds for fetching the modules: some 60 MB. */
const downloadTimeout = 900_000;

/** Go is missing or could not build. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
}

/**
 * Builds programs of Kubernetes into a folder with Go, from the module beside this file; minutes on a small machine.
 * Modules come through Go's own proxy setting.
 */
export const buildPrograms = async (
  programs: readonly KubernetesProgram[],
  folder: string,
  log: Log,
): Promise<void> => {
  if (findProgram('go') === undefined) {
    throw new BuildError(
      `no release of Kubernetes can be reached, and there is no Go to build it; install Go 1.24 or newer (https://go.dev/dl), or put ${programs.join(', ')} ${kubernetesVersion} into a folder and name it in METALLB_KUBERNETES_DIR`,
    );
  }
  log(`building ${programs.join(', ')} ${kubernetesVersion} with Go; this happens once and takes some minutes`);
  const start = Date.now();
  const modules = { cwd: import.meta.dirname, env: { ...process.env, CGO_ENABLED: '0' } };
  const packages = programs.map((program) => `k8s.io/kubernetes/cmd/${program}`);
  // This also downloads the modules, which may take its time.
  const { stdout } = await runCommand(['go', 'list', '-mod=readonly', '-deps', ...packages], {
    ...modules,
    timeout: downloadTimeout,
  });
  const total = stdout.trimEnd().split('\n').length;
  const child = spawn(
    'go',
    [
      'build',
      '-v', // names each package as it is compiled
      '-mod=readonly',
      '-trimpath',
      '-ldflags',
      `-s -w -X k8s.io/component-base/version.gitVersion=${kubernetesVersion}`,
      '-o',
      `${folder}/`,
      ...packages,
    ],
    { ...modules, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let compiled = 0;
  const otherLines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    if (/^[\w.~/-]+$/.test(line)) compiled++;
    else if (!line.startsWith('go: downloading')) otherLines.push(line);
  });
  const progress = setInterval(
    () => log(`building Kubernetes: ${compiled} of at most ${total} packages compiled, ${seconds(start)} s`),
    progressInterval,
  );
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new BuildError(`go build failed:\n${otherLines.slice(-20).join('\n')}`);
  } finally {
    clearInterval(progress);
  }
  log(`built ${programs.join(', ')} in ${seconds(start)} s`);
};

const seconds = (start: number): string => ((Date.now() - start) / 1000).toFixed(0);
