import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { runCommand } from '../support/command.ts';
import { type Docker, startDocker } from '../support/docker.ts';
import { createNamespace } from '../support/netns.ts';
import { requireTools } from '../support/tools.ts';
import { importBaseImages } from './base-images.ts';

const repository = resolve(import.meta.dirname, '../..');

/** What the DaemonSet and the Deployment ask for, in the words of `docker run`. */
const rights = {
  speaker: ['--user=0:0', '--cap-drop=ALL', '--cap-add=NET_RAW', '--security-opt=no-new-privileges', '--read-only'],
  controller: ['--user=65534:65534', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--read-only'],
} as const;

type Program = keyof typeof rights;

/** A kubeconfig with a server that nobody runs: the programs start, and go on trying to reach it. */
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{ name: none, cluster: { server: 'https://127.0.0.1:9' } }]
users: [{ name: none, user: { token: none } }]
contexts: [{ name: none, context: { cluster: none, user: none } }]
current-context: none
`;

let docker: Docker;
let folder: string;

beforeAll(async () => {
  await requireTools(['ip', 'nsenter', 'tar']);
  folder = mkdtempSync(join(tmpdir(), 'metallb-ts-images-'));
  writeFileSync(join(folder, 'kubeconfig'), kubeconfig);
  docker = await startDocker();
  await importBaseImages(docker);
  for (const program of ['controller', 'speaker']) {
    const build = ['build', '--network=none', `--file=Dockerfile.${program}`, `--tag=metallb-ts/${program}`, '.'];
    await docker.run(build, { cwd: repository });
  }
});

afterAll(async () => {
  await docker[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Runs an image to its end. */
const runImage = (program: Program, ...args: readonly string[]) =>
  docker.run(['run', '--rm', '--network=none', ...rights[program], `metallb-ts/${program}`, ...args]);

/** Starts an image in the background and gives the process id of its program on this machine. */
const startImage = async (program: Program, ...args: readonly string[]): Promise<number> => {
  await docker.run([
    ...['run', '--detach', `--name=${program}`, '--network=none', ...rights[program]],
    ...[`--volume=${folder}/kubeconfig:/kubeconfig:ro`, '--env=METALLB_NODE_NAME=n1'],
    ...['--env=METALLB_NAMESPACE=metallb-system', `metallb-ts/${program}`, '--kubeconfig=/kubeconfig', ...args],
  ]);
  return Number((await docker.run(['inspect', '--format={{.State.Pid}}', program])).stdout);
};

const logsOf = async (program: Program): Promise<string> => {
  const { stdout, stderr } = await docker.run(['logs', program]);
  return stdout + stderr;
};

/** A field of the kernel's own view of a process, such as `CapEff`. */
const statusField = (pid: number, field: string): string | undefined =>
  new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];

test.for(['controller', 'speaker'] as const)('the %s prints its version and its flags', async (program) => {
  expect((await runImage(program, '--version')).stdout).toBe(`${program} ${packageJson.version}\n`);
  expect((await runImage(program, '--help')).stdout).toContain('--kubeconfig');
});

test('the images hold no shell', async () => {
  const shell = ['run', '--rm', '--network=none', '--entrypoint=/bin/sh', 'metallb-ts/speaker', '-c', 'true'];
  const { code, stderr } = await docker.run(shell, { check: false });
  expect(code).not.toBe(0);
  expect(stderr).toContain('no such file or directory');
});

test('the controller starts as a user without any right', async () => {
  const pid = await startImage('controller');
  await expect.poll(() => logsOf('controller'), { timeout: 30_000 }).toContain('"msg":"starting"');
  expect(statusField(pid, 'Uid')).toMatch(/^65534\t65534/);
  expect(statusField(pid, 'CapEff')).toBe('0000000000000000');
  await docker.run(['rm', '--force', 'controller']);
});

test('the speaker listens for ARP with NET_RAW alone, on an interface that came later', async () => {
  await using lan = await createNamespace('images');
  const pid = await startImage('speaker');
  expect(statusField(pid, 'CapEff')).toBe('0000000000002000'); // bit 13
  expect(statusField(pid, 'NoNewPrivs')).toBe('1');
  await expect.poll(() => logsOf('speaker'), { timeout: 30_000 }).toContain('"msg":"starting"');

  await lan.ip(`link add name port type veth peer name eth0 netns ${pid}`, 'link set dev port up');
  await runCommand(['nsenter', `--target=${pid}`, '--net', 'ip', 'link', 'set', 'dev', 'eth0', 'up']);
  const link = await runCommand(['nsenter', `--target=${pid}`, '--net', 'ip', '-json', 'link', 'show', 'dev', 'eth0']);
  const [eth0] = JSON.parse(link.stdout) as { ifindex: number }[];
  // sk RefCnt Type Proto Iface …: a raw socket for ARP, bound to the interface.
  const packetSocket = new RegExp(String.raw`\s3\s+0806\s+${eth0?.ifindex}\s`);
  await expect.poll(() => readFileSync(`/proc/${pid}/net/packet`, 'utf8'), { timeout: 30_000 }).toMatch(packetSocket);
  await docker.run(['rm', '--force', 'speaker']);
});
