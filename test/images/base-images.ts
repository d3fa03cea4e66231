import {
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { runCommand } from '../support/command.ts';
import type { Docker } from '../support/docker.ts';
import { findProgram } from '../support/tools.ts';

/**
 * Stand-ins for the base images that the Dockerfiles name, made of this machine's programs, so that the Dockerfiles are
 * built as they are without a registry of images.
 */
export const importBaseImages = async (docker: Docker): Promise<void> => {
  await importTree(docker, 'node:26-trixie-slim', fillBuildImage);
  await importTree(docker, 'gcr.io/distroless/nodejs26-debian13', fillRuntimeImage);
};

/** Fills a tree and gives the instructions that belong to it (`ENV …`). */
type FillTree = (tree: string) => Promise<readonly string[]>;

const importTree = async (docker: Docker, name: string, fill: FillTree): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'metallb-ts-tree-'));
  try {
    const tree = join(folder, 'tree');
    const archive = join(folder, 'tree.tar');
    for (const below of ['etc', 'tmp', 'root']) mkdirSync(join(tree, below), { recursive: true });
    writeFileSync(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/sbin/nologin\n');
    writeFileSync(join(tree, 'etc/group'), 'root:x:0:\n');
    const changes = await fill(tree);
    await runCommand(['tar', '--create', `--file=${archive}`, '--owner=0', '--group=0', `--directory=${tree}`, '.'], {
      timeout: 120_000,
    });
    await docker.run(['import', ...changes.flatMap((change) => ['--change', change]), archive, name]);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** Node and what it needs, nothing else: no shell. */
const fillRuntimeImage: FillTree = async (tree) => {
  await copyProgram(process.execPath, tree, '/nodejs/bin/node');
  const authorities = '/etc/ssl/certs/ca-certificates.crt';
  if (existsSync(authorities)) copyFile(authorities, join(tree, authorities));
  return [];
};

/** Node, npm, the programs that npm scripts call, and the packages that `npm ci` has fetched on this machine. */
const fillBuildImage: FillTree = async (tree) => {
  await copyProgram(process.execPath, tree, '/usr/local/bin/node');
  for (const name of ['sh', 'env']) {
    const program = findProgram(name);
    if (program === undefined) throw new Error(`${name} is not on PATH`);
    await copyProgram(program, tree, name === 'sh' ? '/bin/sh' : `/usr/bin/${name}`);
  }
  const npmProgram = realpathSync(findProgram('npm') ?? 'npm');
  const npmFolder = dirname(dirname(npmProgram));
  cpSync(npmFolder, join(tree, 'usr/local/lib/node_modules/npm'), { recursive: true, dereference: true });
  symlinkSync(`../lib/node_modules/npm/bin/${basename(npmProgram)}`, join(tree, 'usr/local/bin/npm'));
  const registry = await npmSetting('registry');
  copyNpmCache(join(await npmSetting('cache'), '_cacache'), join(tree, 'root/.npm/_cacache'), registry);
  return ['ENV PATH=/usr/local/bin:/usr/bin:/bin', `ENV npm_config_registry=${registry}`];
};

const npmSetting = async (name: string): Promise<string> =>
  (await runCommand(['npm', 'config', 'get', name])).stdout.trim();

/** Copies a program to a path of the tree, and the libraries it is linked with to theirs. */
const copyProgram = async (program: string, tree: string, path: string): Promise<void> => {
  copyFile(program, join(tree, path));
  const { stdout } = await runCommand(['ldd', program], { check: false }); // a static program has none
  for (const [, library = ''] of stdout.matchAll(/(\/\S+) \(0x/g)) copyFile(library, join(tree, library));
};

const copyFile = (from: string, to: string): void => {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
};

type InstalledPackages = { readonly packages: Readonly<Record<string, { readonly name?: string }>> };

/** Copies what npm's cache holds about the packages that are installed here: their metadata and their archives. */
const copyNpmCache = (from: string, to: string, registry: string): void => {
  const installed = JSON.parse(readFileSync('node_modules/.package-lock.json', 'utf8')) as InstalledPackages;
  const names = new Set(
    Object.entries(installed.packages).map(([path, { name }]) => name ?? path.replace(/^.*node_modules\//, '')),
  );
  const prefix = `make-fetch-happen:request-cache:${registry}`;
  for (const bucket of globSync('index-v5/*/*/*', { cwd: from })) {
    for (const line of readFileSync(join(from, bucket), 'utf8').split('\n')) {
      if (line === '') continue;
      // A line is a checksum and, after a tab, the entry: the metadata of NAME or an archive NAME/-/FILE.
      const entry = JSON.parse(line.slice(line.indexOf('\t') + 1)) as { key: string; integrity?: string | null };
      if (!entry.key.startsWith(prefix) || typeof entry.integrity !== 'string') continue;
      const [name = ''] = decodeURIComponent(entry.key.slice(prefix.length)).split('/-/');
      const content = contentPath(entry.integrity);
      if (!names.has(name) || !existsSync(join(from, content))) continue;
      copyFile(join(from, bucket), join(to, bucket));
      copyFile(join(from, content), join(to, content));
    }
  }
};

/** Where the cache keeps content of a checksum such as `sha512-…`. */
const contentPath = (integrity: string): string => {
  const [algorithm = '', digest = ''] = (integrity.split(' ')[0] ?? '').split('-');
  const hex = Buffer.from(digest, 'base64').toString('hex');
  return join('content-v2', algorithm, hex.slice(0, 2), hex.slice(2, 4), hex.slice(4));
};
