import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import { isIPv6 } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { seconds, type Clock, type Millis } from '../../lib/time.ts';

/** What one connection and one call need; to be read afresh for every call. */
export type Identity = {
  /** `authorization` where the user has a token or password. Secret: never logged. */
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** Set where the kubeconfig names a proxy. */
  readonly proxyAgent?: Agent | undefined;
};

/** The part of `tls.ConnectionOptions` that a kubeconfig can say. */
export type TlsOptions = {
  readonly ca?: string | Buffer | undefined;
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
};

/** Where the API server is, and who we are to it. */
export type Credentials = {
  readonly server: URL;
  /** Who we are now. Files are read again and exec plugins asked again after a minute. */
  readonly identity: () => Promise<Identity>;
  /** Forgets what was read: the server has refused it. */
  readonly forget: () => void;
};

/** As in client-go: a projected token is renewed by the kubelet long before it ends. */
const rereadAfter: Millis = seconds(60);

const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

export type CredentialsOptions = {
  readonly clock: Clock;
  /** Path of a kubeconfig file (`--kubeconfig`); else the variable `KUBECONFIG`, else the pod's own account, else ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where the kubelet mounts token, CA and namespace. */
  readonly accountFolder?: string;
};

/** Finds the credentials. Throws if there are none, or if they cannot be read. */
export const loadCredentials = async ({
  clock,
  kubeconfig,
  env = process.env,
  accountFolder = serviceAccountFolder,
}: CredentialsOptions): Promise<Credentials> => {
  const named = kubeconfig || env['KUBECONFIG'];
  if (named) return fromKubeconfig(clock, named.split(':').filter(Boolean));
  const host = env['KUBERNETES_SERVICE_HOST'];
  if (host && existsSync(join(accountFolder, 'token'))) {
    return fromServiceAccount(clock, host, env['KUBERNETES_SERVICE_PORT'] || '443', accountFolder);
  }
  const ofUser = join(homedir(), '.kube', 'config');
  if (existsSync(ofUser)) return fromKubeconfig(clock, [ofUser]);
  throw new Error(
    'no credentials for Kubernetes: no --kubeconfig, no KUBECONFIG, no service account, no ~/.kube/config',
  );
};

/** The namespace this pod runs in; undefined outside a pod. */
export const podNamespace = (accountFolder = serviceAccountFolder): string | undefined => {
  const path = join(accountFolder, 'namespace');
  return existsSync(path) ? readFileSync(path, 'utf8').trim() || undefined : undefined;
};

/** In a pod. Written out here, because loading client-node for it costs 25 MiB (docs/performance.md). */
const fromServiceAccount = (clock: Clock, host: string, port: string, folder: string): Credentials => ({
  server: new URL(`https://${isIPv6(host) ? `[${host}]` : host}:${port}`),
  ...remembered(clock, async () => {
    const [token, ca] = await Promise.all([readFile(join(folder, 'token'), 'utf8'), readFile(join(folder, 'ca.crt'))]);
    return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
  }),
});

/** Outside a pod: whatever a kubeconfig can say, exec plugins included. */
const fromKubeconfig = async (clock: Clock, files: readonly string[]): Promise<Credentials> => {
  // Loaded only here and by its own file: the whole package costs 25 MiB, and no pod needs it.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const config = new KubeConfig();
  for (const [index, file] of files.entries()) {
    if (index === 0) config.loadFromFile(file);
    else {
      const next = new KubeConfig();
      next.loadFromFile(file);
      config.mergeConfig(next, true);
    }
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error(`no current context in ${files.join(':')}`);
  return {
    server: new URL(cluster.server),
    ...remembered(clock, async () => {
      const options: Parameters<typeof config.applyToHTTPSOptions>[0] = { headers: {} };
      await config.applyToHTTPSOptions(options);
      const { ca, cert, key, servername, rejectUnauthorized, headers, auth, agent } = options;
      const basic = auth ? { authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : {};
      return {
        headers: { ...basic, ...lowerCaseNames(headers) },
        tls: { ca, cert, key, servername, rejectUnauthorized },
        proxyAgent: cluster.proxyUrl ? (agent as Agent) : undefined,
      };
    }),
  };
};

const lowerCaseNames = (headers: object | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]));

/** Remembers an identity for a while; calls that come together share one reading. */
const remembered = (clock: Clock, read: () => Promise<Identity>): Pick<Credentials, 'identity' | 'forget'> => {
  let known: { readonly identity: Promise<Identity>; readonly until: number } | undefined;
  return {
    identity: () => {
      if (known === undefined || clock.now() >= known.until) {
        const identity = read();
        known = { identity, until: clock.now() + rereadAfter };
        // A failed reading is told to whoever asked, and tried again by the next.
        identity.catch(() => {
          if (known?.identity === identity) known = undefined;
        });
      }
      return known.identity;
    },
    forget: () => {
      known = undefined;
    },
  };
};
