import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Api } from '../../../src/k8s/client/api.ts';
import { planContainer, type PodContext, terminationLog } from './container-plan.ts';
import { ContainerProcess, executionFailure } from './container-process.ts';
import { containerOf, podOf } from './fixtures.ts';
import { findImage } from './images.ts';
import { PodSandbox } from './pod-sandbox.ts';
import type { Container, PodSpec, SecurityContext } from './types.ts';

const isRoot = process.getuid?.() === 0;

/** Containers without a cluster: no Secret, no ConfigMap, the machine's own network. */
describe.runIf(isRoot)('a container', () => {
  const repo = join(import.meta.dirname, '../../..');
  let state: string;
  let sandbox: PodSandbox;
  let count = 0;

  beforeAll(async () => {
    state = mkdtempSync(join(tmpdir(), 'metallb-ts-containers-'));
    sandbox = await PodSandbox.create({ hostname: 'web', uid: 'u1', network: undefined });
  });
  afterAll(async () => {
    await sandbox.remove();
    rmSync(state, { recursive: true });
  });

  const noApi: Pick<Api, 'request'> = { request: () => Promise.reject(new Error('there is no API server')) };

  const start = async (
    fields: Partial<Container>,
    spec: Partial<PodSpec> = {},
    volumes: PodContext['volumes'] = [],
  ) => {
    count += 1;
    const dir = join(state, `c${count}`);
    const container = containerOf(fields);
    const image = await findImage(container.image, repo);
    if (!image.ok) throw new Error(image.error);
    const context: PodContext = {
      pod: podOf({ ...spec, containers: [container] }),
      addresses: { nodeName: 'n1', hostIps: ['192.0.2.1'], podIps: ['192.0.2.1'] },
      hostname: 'web',
      services: new Map([['KUBERNETES_SERVICE_HOST', '10.96.0.1']]),
      volumes,
    };
    const plan = await planContainer(noApi, context, container, image.value, dir);
    if (!plan.ok) throw new Error(plan.error.message);
    const logFile = join(dir, 'log');
    return {
      process: await ContainerProcess.start(plan.value, sandbox.namespaces, dir, logFile),
      logFile,
      dir,
      plan: plan.value,
    };
  };

  /** What a shell script in the container prints until it ends. */
  const output = async (
    script: string,
    fields: Partial<Container> = {},
    spec: Partial<PodSpec> = {},
  ): Promise<string> => {
    const { process, logFile } = await start({ command: ['sh', '-c', script], ...fields }, spec);
    await process.exited;
    return readFile(logFile, 'utf8');
  };

  const credentialsOf = async (securityContext: SecurityContext, image = 'busybox') => {
    const status = await output('exec cat /proc/self/status', { securityContext, image });
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*?)\\s*$`, 'm').exec(status)?.[1] ?? '';
    return {
      uid: field('Uid').split('\t')[0],
      groups: field('Groups'),
      noNewPrivileges: field('NoNewPrivs'),
      bounding: field('CapBnd'),
      permitted: field('CapPrm'),
      effective: field('CapEff'),
      ambient: field('CapAmb'),
      inheritable: field('CapInh'),
    };
  };

  const none = '0000000000000000';
  const netRaw = '0000000000002000'; // CAP_NET_RAW is 13
  const usual = '00000000a80425fb'; // as `docker run` and containerd grant

  test('uid 0 with ALL dropped and NET_RAW added has exactly NET_RAW in effect', async () =>
    expect(
      await credentialsOf({
        runAsUser: 0,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
      }),
    ).toEqual({
      uid: '0',
      groups: '0',
      noNewPrivileges: '1',
      bounding: netRaw,
      permitted: netRaw,
      effective: netRaw,
      ambient: none,
      inheritable: none,
    }));

  test('another uid has the same capability in its bounding set alone: none is ambient', async () =>
    expect(
      await credentialsOf({
        runAsUser: 65534,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'], add: ['NET_RAW'] },
      }),
    ).toEqual({
      uid: '65534',
      groups: '65534',
      noNewPrivileges: '1',
      bounding: netRaw,
      permitted: none,
      effective: none,
      ambient: none,
      inheritable: none,
    }));

  test('a container that says nothing has what container runtimes grant', async () =>
    expect(await credentialsOf({})).toMatchObject({
      uid: '0',
      noNewPrivileges: '0',
      bounding: usual,
      effective: usual,
    }));

  test('its environment is exactly the one of the pod', async () => {
    const { process, logFile } = await start({
      command: ['env'],
      env: [{ name: 'QUOTE', value: `it's "$HOME" \\ \n2` }],
    });
    await process.exited;
    expect((await readFile(logFile, 'utf8')).split('\n').toSorted()).toEqual([
      '',
      '2',
      'HOME=/root',
      'HOSTNAME=web',
      'KUBERNETES_SERVICE_HOST=10.96.0.1',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      `QUOTE=it's "$HOME" \\ `,
    ]);
  });

  test('a read-only root cannot be written, and its host name is the pod’s', async () => {
    const script = 'hostname 2>/dev/null || cat /proc/sys/kernel/hostname; touch /x && echo written';
    expect(await output(script)).toBe('web\nwritten\n');
    const readOnly = await output(script, { securityContext: { readOnlyRootFilesystem: true } });
    expect(readOnly).toContain('Read-only file system');
    expect(readOnly).not.toContain('written\n');
  });

  test('kernel parameters cannot be set, and the machine’s files are out of sight', async () => {
    expect(await output('echo 1 >/proc/sys/net/ipv4/ip_forward')).toContain('Read-only file system');
    expect(await output(`ls ${repo}`)).toContain('No such file');
  });

  test('volumes appear where they are mounted, one inside another too', async () => {
    const outer = mkdtempSync(join(state, 'volume-'));
    const inner = mkdtempSync(join(state, 'volume-'));
    const mounted = await start(
      {
        command: ['sh', '-c', 'echo 1 >/data/inner/file; echo 2 >/data/file; cat /data/inner/file'],
        volumeMounts: [
          { name: 'inner', mountPath: '/data/inner' },
          { name: 'outer', mountPath: '/data', readOnly: true },
        ],
      },
      {},
      [
        { volume: { name: 'outer', emptyDir: {} }, path: outer },
        { volume: { name: 'inner', emptyDir: {} }, path: inner },
      ],
    );
    await mounted.process.exited;
    expect(readFileSync(join(inner, 'file'), 'utf8')).toBe('1\n');
    expect(existsSync(join(outer, 'file'))).toBe(false);
    expect(await readFile(mounted.logFile, 'utf8')).toMatch(/Read-only file system\n1\n$/);
  });

  test('commands run inside, as the same user, and stop at the end of their time', async () => {
    const { process } = await start({ command: ['sleep', '1000'], securityContext: { runAsUser: 65534 } });
    const never = new AbortController().signal;
    expect(await process.exec(['sh', '-c', 'id -u; echo $HOSTNAME; exit 3'], never)).toEqual({
      code: 3,
      output: '65534\nweb\n',
    });
    await process.exec(['sleep', '1000'], AbortSignal.timeout(50));
    process.kill('SIGKILL');
    expect(await process.exited).toEqual({ code: 137, signal: 9 });
  });

  test('it is process 1: SIGTERM reaches it only if it listens, and its end is the end of its children', async () => {
    const deaf = await start({ command: ['sh', '-c', 'sleep 1000 & wait'] });
    const polite = await start({ command: ['sh', '-c', "trap 'exit 7' TERM; echo listening; sleep 1000 & wait"] });
    await expect.poll(() => readFile(polite.logFile, 'utf8')).toBe('listening\n');
    deaf.process.kill('SIGTERM');
    polite.process.kill('SIGTERM');
    expect(await polite.process.exited).toEqual({ code: 7, signal: undefined });
    expect((await deaf.process.exec(['true'], new AbortController().signal)).code).toBe(0);
    deaf.process.kill('SIGKILL');
    await deaf.process.exited;
  });

  test('a program that does not exist is told as container runtimes tell it', async () => {
    const { process, logFile, plan } = await start({ command: ['nothing', 'at all'] });
    const exit = await process.exited;
    expect(await executionFailure(exit, plan.argv, logFile)).toContain(
      'exec: "nothing": executable file not found in $PATH',
    );
  });

  test('a program leaves its last words', async () => {
    const { process, dir } = await start({ command: ['sh', '-c', 'echo bye >/dev/termination-log; exit 1'] });
    expect(await process.exited).toEqual({ code: 1, signal: undefined });
    expect(readFileSync(terminationLog(dir), 'utf8')).toBe('bye\n');
  });

  test('an image without tools has no shell', async () => {
    const { process, logFile, plan } = await start({ image: 'traefik/whoami', command: ['sh'] });
    expect(await executionFailure(await process.exited, plan.argv, logFile)).toContain(
      '"sh": executable file not found',
    );
  });
});
