import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type CommandOutcome, runCommand } from './command.ts';

/**
 * What the tests call besides Node: the Debian package that brings each, and, where that is no program of the same
 * name, the file to look for.
 */
const tools = {
  'aarch64-libatomic': { package: 'libatomic1-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libatomic.so.1' },
  'aarch64-libc': { package: 'libc6-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libc.so.6' },
  'aarch64-libstdc++': { package: 'libstdc++6-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6' },
  arping: { package: 'arping' },
  conntrack: { package: 'conntrack' },
  curl: { package: 'curl' },
  dockerd: { package: 'docker.io' },
  etcd: { package: 'etcd-server' },
  ethtool: { package: 'ethtool' },
  git: { package: 'git' },
  ip: { package: 'iproute2' },
  iptables: { package: 'iptables' },
  ndisc6: { package: 'ndisc6' },
  nft: { package: 'nftables' },
  openssl: { package: 'openssl' },
  ps: { package: 'procps' },
  'qemu-aarch64-static': { package: 'qemu-user-static' },
  nsenter: { package: 'util-linux' },
  setpriv: { package: 'util-linux' },
  socat: { package: 'socat' },
  sysctl: { package: 'procps' },
  tar: { package: 'tar' },
  tc: { package: 'iproute2' },
  tcpdump: { package: 'tcpdump' },
  unshare: { package: 'util-linux' },
} as const satisfies Readonly<Record<string, { readonly package: string; readonly file?: string }>>;

/** A program, or a file of another package, that tests may require by name. */
export type Tool = keyof typeof tools;

/** A tool is missing and could not be installed; the message names the command that gets it. */
export class MissingToolsError extends Error {
  override readonly name = 'MissingToolsError';
}

// The system's programs live here, and a plain `su` leaves these folders out of the path.
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/**
 * Makes the named tools available on `PATH`. What is missing is installed with apt-get where that is possible (as root
 * on Debian or Ubuntu), after saying so on standard error; rejects with `MissingToolsError` where it is not.
 */
export const requireTools = async (names: readonly Tool[]): Promise<void> => {
  const path = (process.env.PATH ?? '').split(delimiter);
  process.env.PATH = [...path, ...systemFolders.filter((folder) => !path.includes(folder))].join(delimiter);
  const missing = names.filter((name) => !isPresent(name));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => tools[name].package))];
  const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  const byHand = `${missing.join(', ')} missing; on Debian or Ubuntu, as root: ${install.join(' ')}`;
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) throw new MissingToolsError(byHand);
  process.stderr.write(`${missing.join(', ')} missing; installing with: ${install.join(' ')}\n`);
  await aptGet(['update'], byHand);
  await withoutServices(() => aptGet(install.slice(1), byHand));
  const stillMissing = missing.filter((name) => !isPresent(name));
  if (stillMissing.length > 0) throw new MissingToolsError(`${stillMissing.join(', ')} missing after: ${byHand}`);
};

const isPresent = (name: Tool): boolean => {
  const tool = tools[name];
  return 'file' in tool ? existsSync(tool.file) : findProgram(name) !== undefined;
};

/** The absolute path of a program on `PATH`. */
export const findProgram = (name: string): string | undefined =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false; // not there, or not a program: the next folder may have it
      }
    });

/** Keeps packages such as etcd-server and docker.io from starting services of the machine's while they are installed. */
const withoutServices = async (act: () => Promise<unknown>): Promise<void> => {
  const policy = '/usr/sbin/policy-rc.d';
  const isOurs = !existsSync(policy);
  if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await act();
  } finally {
    if (isOurs) rmSync(policy);
  }
};

/** Waits for other runs of the package manager, five minutes at most. */
const aptGet = async (args: readonly string[], byHand: string): Promise<CommandOutcome> => {
  try {
    return await runCommand(['apt-get', '-o', 'DPkg::Lock::Timeout=300', '--quiet', ...args], {
      timeout: 900_000,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (error) {
    throw new MissingToolsError(byHand, { cause: error });
  }
};
