import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { runCommand } from '../command.ts';
import { architecture, etcdVersion, kubernetesVersion, type Log, type Program } from './version.ts';

/** Milliseconds until a server must have begun to answer; without a way to the internet this is all that is lost. */
const answerTimeout = 5000;

/** Milliseconds between two lines of progress. */
const progressInterval = 5000;

/** The file arrived, and it is not what its publisher says it should be. */
export class ChecksumError extends Error {
  override readonly name = 'ChecksumError';
}

/**
 * Fetches the official release of a program into a folder. False if the release cannot be reached or does not have it;
 * rejects if what arrives has a wrong checksum or cannot be written.
 */
export const downloadProgram = async (program: Program, folder: string, log: Log): Promise<boolean> =>
  program === 'etcd' ? downloadEtcd(folder, log) : downloadKubernetes(program, folder, log);

const downloadKubernetes = async (program: Program, folder: string, log: Log): Promise<boolean> => {
  const url = `https://dl.k8s.io/${kubernetesVersion}/bin/linux/${architecture}/${program}`;
  const checksum = await openUrl(`${url}.sha256`);
  if (checksum === undefined) return false;
  const part = join(folder, `.${program}`);
  if (!(await downloadFile(url, part, (await checksum.text()).trim(), log))) return false;
  await install(part, join(folder, program));
  return true;
};

const downloadEtcd = async (folder: string, log: Log): Promise<boolean> => {
  const release = `https://github.com/etcd-io/etcd/releases/download/${etcdVersion}`;
  const archive = `etcd-${etcdVersion}-linux-${architecture}.tar.gz`;
  const sums = await openUrl(`${release}/SHA256SUMS`);
  if (sums === undefined) return false;
  const line = (await sums.text()).split('\n').find((candidate) => candidate.endsWith(` ${archive}`));
  const part = join(folder, `.${archive}`);
  if (line === undefined || !(await downloadFile(`${release}/${archive}`, part, line.slice(0, 64), log))) return false;
  const member = `${archive.replace('.tar.gz', '')}/etcd`;
  await runCommand(['tar', '-xzf', part, '--no-same-owner', '--strip-components=1', '-C', folder, member]);
  return true;
};

const install = async (part: string, file: string): Promise<void> => {
  await chmod(part, 0o755);
  await rename(part, file);
};

/** Opens a URL; undefined if there is no way to it, or if it is not there. */
const openUrl = async (url: string): Promise<Response | undefined> => {
  const control = new AbortController();
  const alarm = setTimeout(() => control.abort(), answerTimeout);
  try {
    const response = await fetch(url, { signal: control.signal });
    return response.ok ? response : undefined;
  } catch {
    return undefined; // the caller has other sources, and says so
  } finally {
    clearTimeout(alarm);
  }
};

/** Writes what a URL holds into a file, and checks it; false if the URL cannot be opened, `ChecksumError` if it is not it. */
export const downloadFile = async (url: string, file: string, sha256: string, log: Log): Promise<boolean> => {
  const response = await openUrl(url);
  if (response?.body === null || response === undefined) return false;
  const hash = createHash('sha256');
  const total = Number(response.headers.get('content-length') ?? 0);
  let received = 0;
  let nextReport = Date.now();
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      received += chunk.byteLength;
      if (Date.now() >= nextReport) {
        nextReport = Date.now() + progressInterval;
        log(`downloading ${url}: ${megabytes(received)}${total > 0 ? ` of ${megabytes(total)}` : ''} MB`);
      }
      done(null, chunk);
    },
  });
  await pipeline(Readable.fromWeb(response.body), watch, createWriteStream(file));
  const actual = hash.digest('hex');
  if (actual !== sha256)
    throw new ChecksumError(`${url} has the SHA-256 checksum ${actual}, and should have ${sha256}`);
  return true;
};

const megabytes = (octets: number): string => (octets / 1e6).toFixed(0);

/** Takes etcd out of Debian's package without installing it, which would start a service. False if there is none. */
export const extractDebianEtcd = async (folder: string): Promise<boolean> => {
  const unpacked = join(folder, '.etcd-server');
  const fetched = await runCommand(
    [
      'sh',
      '-c',
      'mkdir -p "$1" && cd "$1" && { apt-get -qq download etcd-server || { apt-get -qq update && apt-get -qq download etcd-server; }; } && dpkg-deb -x etcd-server_*.deb .',
      'sh',
      unpacked,
    ],
    { check: false, timeout: 120_000 },
  );
  if (fetched.code !== 0) return false;
  await install(join(unpacked, 'usr/bin/etcd'), join(folder, 'etcd'));
  return true;
};
