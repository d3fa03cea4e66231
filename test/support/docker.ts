import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommandOptions, type CommandOutcome, runCommand } from './command.ts';
import { requireTools } from './tools.ts';

/** A Docker daemon of our own: folders, socket and containerd namespace apart from any other, no network at all. */
export type Docker = {
  /** Runs `docker ARGS` against this daemon, ten minutes at most. */
  readonly run: (args: readonly string[], options?: CommandOptions) => Promise<CommandOutcome>;
  /** Ends the daemon and removes everything it kept. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** Starts a daemon that ends with this process at the latest. Rejects with the daemon's log if it does not answer. */
export const startDocker = async (): Promise<Docker> => {
  await requireTools(['dockerd', 'setpriv']);
  const folder = mkdtempSync(join(tmpdir(), 'metallb-ts-docker-'));
  const socket = `unix://${folder}/docker.sock`;
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'w');
  const daemon = spawn(
    'setpriv',
    [
      '--pdeathsig=TERM',
      'dockerd',
      `--host=${socket}`,
      `--data-root=${folder}/data`,
      `--exec-root=${folder}/exec`,
      `--pidfile=${folder}/pid`,
      '--containerd-namespace=metallb-ts',
      '--containerd-plugins-namespace=metallb-ts-plugins',
      '--iptables=false',
      '--ip6tables=false',
      '--ip-forward=false',
      '--bridge=none',
    ],
    { stdio: ['ignore', log, log] },
  );
  const ended = new Promise<void>((resolve) => {
    daemon.once('exit', () => resolve());
    daemon.once('error', () => resolve());
  });

  const run: Docker['run'] = (args, options) =>
    runCommand([client(), `--host=${socket}`, ...args], {
      timeout: 600_000,
      ...options,
      // Neither another context nor another builder of the user's.
      env: { PATH: process.env['PATH'], DOCKER_CONFIG: join(folder, 'config'), DOCKER_BUILDKIT: '0', ...options?.env },
    });

  const dispose = async (): Promise<void> => {
    daemon.kill('SIGTERM');
    await Promise.race([ended, sleep(30_000, undefined, { ref: false })]);
    if (daemon.exitCode === null && daemon.signalCode === null) {
      daemon.kill('SIGKILL');
      await ended;
    }
    await unmountBelow(folder);
    rmSync(folder, { recursive: true, force: true });
  };

  const deadline = performance.now() + 60_000;
  while ((await run(['version'], { check: false })).code !== 0) {
    if (daemon.exitCode !== null || performance.now() > deadline) {
      const text = readFileSync(logFile, 'utf8');
      await dispose();
      throw new Error(`dockerd does not answer:\n${text}`);
    }
    await sleep(100);
  }
  return { run, [Symbol.asyncDispose]: dispose };
};

/** The client that was installed with the daemon: another one on `PATH` may speak only newer versions of its protocol. */
const client = (): string => (existsSync('/usr/sbin/dockerd') ? '/usr/bin/docker' : 'docker');

/** What a killed daemon leaves mounted. */
const unmountBelow = async (folder: string): Promise<void> => {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${folder}/`));
  for (const point of points.toReversed()) await runCommand(['umount', '--lazy', point]);
};
