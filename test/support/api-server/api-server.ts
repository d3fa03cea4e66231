import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWriteStream, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPrograms } from '../kubernetes/programs.ts';
import { kubeconfigText } from './kubeconfig.ts';

/** A real kube-apiserver with an etcd of its own, on loopback, and nothing else of a cluster. */
export type ApiServer = {
  /** A kubeconfig file with a token of group `system:masters`. */
  readonly kubeconfig: string;
  readonly port: number;
  readonly caFile: string;
  readonly token: string;
  /** Ends kube-apiserver as a crash would, or tells it to end. */
  readonly stop: (signal?: 'SIGTERM' | 'SIGKILL') => Promise<void>;
  /** Starts kube-apiserver again on the same port and data. */
  readonly start: () => Promise<void>;
  /** Makes etcd forget everything before now, so that older watches and list pages are `410 Gone`. */
  readonly compact: () => Promise<void>;
  /** Stops a program in the midst of what it does; it lives, and says nothing more, until `resume`. */
  readonly pause: (program: 'etcd' | 'kube-apiserver') => void;
  readonly resume: (program: 'etcd' | 'kube-apiserver') => void;
  /** Ends both programs and removes their files. */
  readonly close: () => Promise<void>;
};

/** Starts both programs; rejects if they do not answer within a minute. */
export const startApiServer = async (): Promise<ApiServer> => {
  const programs = await findPrograms(() => {});
  // In memory where possible: etcd waits for the disk with every write.
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'metallb-ts-apiserver-'));
  const [etcdPort, peerPort, port = 0] = await freePorts(3);
  const url = `https://127.0.0.1:${port}` as const;
  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const token = randomBytes(16).toString('hex');
  const file = (name: string): string => join(folder, name);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(file('sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  await writeFile(file('sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(file('tokens.csv'), `${token},tester,1,system:masters\n`);

  const children = new Map<string, ChildProcess>();
  const run = (name: string, program: string, args: readonly string[]): void => {
    const log = createWriteStream(file(`${name}.log`), { flags: 'a' });
    // A test that is killed cannot clean up: the kernel ends its children.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    children.set(name, child);
  };
  const end = async (name: string, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(name);
    children.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  };
  const until = async (what: string, isDone: () => Promise<boolean>): Promise<void> => {
    const limit = Date.now() + 60_000;
    while (!(await isDone().catch(() => false))) {
      if (Date.now() > limit)
        throw new Error(`${what} does not answer\n${readFileSync(file(`${what}.log`), 'utf8').slice(-4000)}`);
      await sleep(50);
    }
  };
  const etcd = async (path: string, body: unknown): Promise<{ header?: { revision?: string } }> => {
    const response = await fetch(`${etcdUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { header?: { revision?: string } };
  };

  const start = async (): Promise<void> => {
    run('kube-apiserver', programs['kube-apiserver'], [
      `--etcd-servers=${etcdUrl}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      `--cert-dir=${file('certs')}`,
      `--token-auth-file=${file('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/12,fd00:10:96::/112',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-signing-key-file=${file('sa.key')}`,
      `--service-account-key-file=${file('sa.pub')}`,
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount',
      '--profiling=false',
    ]);
    await until('kube-apiserver', () => isReady(url, token));
  };

  const close = async (): Promise<void> => {
    await end('kube-apiserver', 'SIGKILL');
    await end('etcd', 'SIGKILL');
    await rm(folder, { recursive: true, force: true });
  };

  try {
    run('etcd', programs.etcd, [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
      '--logger=zap',
      '--log-level=warn',
    ]);
    await until('etcd', async () => (await fetch(`${etcdUrl}/health`)).ok);
    await start();
  } catch (error) {
    await close();
    throw error;
  }
  const kubeconfig = file('kubeconfig');
  const caFile = file('certs/apiserver.crt');
  await writeFile(kubeconfig, kubeconfigText({ server: url, 'certificate-authority': caFile }, token));
  return {
    kubeconfig,
    port,
    caFile,
    token,
    stop: (signal = 'SIGTERM') => end('kube-apiserver', signal),
    start,
    compact: async () => {
      const { header } = await etcd('/v3/kv/range', { key: 'AA==' });
      await etcd('/v3/kv/compaction', { revision: header?.revision, physical: true });
    },
    pause: (program) => children.get(program)?.kill('SIGSTOP'),
    resume: (program) => children.get(program)?.kill('SIGCONT'),
    close,
  };
};

/** Loopback ports that nobody holds now. */
const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
};

const isReady = async (url: string, token: string): Promise<boolean> => {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const headers = { authorization: `Bearer ${token}` };
  const request = get(`${url}/readyz`, { rejectUnauthorized: false, headers, agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode === 200);
  });
  request.once('error', reject);
  return promise;
};
