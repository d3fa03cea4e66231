import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { realClock } from '../../../src/io/real-clock.ts';
import type { Api } from '../../../src/k8s/client/api.ts';
import { createClient } from '../../../src/k8s/client/client.ts';
import type { Credentials, Identity } from './credentials.ts';

type Kubeconfig = {
  readonly clusters: readonly {
    readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string };
  }[];
  readonly users: readonly { readonly user: { readonly token: string } }[];
};

/** Writes a kubeconfig by which `identity` reaches the API server at `server`. JSON, which YAML contains. */
export const writeKubeconfig = async (
  file: string,
  server: string,
  { caFile }: Credentials,
  { user, token }: Identity,
): Promise<string> => {
  const ca = await readFile(caFile);
  const name = 'metallb-ts';
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: user, user: { token } }],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  };
  await writeFile(file, `${JSON.stringify(kubeconfig, undefined, 2)}\n`, { mode: 0o600 });
  return file;
};

/**
 * A client for the API server of a kubeconfig that `writeKubeconfig` wrote. What reads any kubeconfig takes 25 MiB, and
 * there is a node agent per node.
 */
export const connectByKubeconfig = (file: string, userAgent: string): Api => {
  const { clusters, users } = JSON.parse(readFileSync(file, 'utf8')) as Kubeconfig;
  const [cluster] = clusters;
  const [user] = users;
  if (cluster === undefined || user === undefined) throw new Error(`${file} names no cluster or no user`);
  const { server, 'certificate-authority-data': ca } = cluster.cluster;
  const headers = { authorization: `Bearer ${user.user.token}` };
  const identity = Promise.resolve({ headers, tls: { ca: Buffer.from(ca, 'base64') } });
  return createClient({
    credentials: { server: new URL(server), identity: () => identity, forget: () => {} },
    clock: realClock,
    userAgent,
  });
};
