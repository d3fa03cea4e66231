import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandOutcome, runCommand } from '../command.ts';

/** Somebody whom the API server knows by a token. */
export type Identity = {
  readonly user: string;
  readonly groups: readonly string[];
  readonly token: string;
};

/** The files that make the control plane's identity. All are below one folder that only root reads. */
export type Credentials = {
  readonly folder: string;
  readonly caFile: string;
  /** The certificate of every server of the control plane. */
  readonly servingCertFile: string;
  readonly servingKeyFile: string;
  readonly serviceAccountKeyFile: string;
  readonly serviceAccountPublicKeyFile: string;
  /** Who has which token: kube-apiserver's `--token-auth-file`. */
  readonly tokenFile: string;
  readonly identities: {
    readonly admin: Identity;
    readonly controllerManager: Identity;
    readonly scheduler: Identity;
    readonly proxy: Identity;
    /** By node name, in the role of the node's kubelet. */
    readonly nodes: Readonly<Record<string, Identity>>;
  };
};

/** Makes a certificate authority, keys and tokens. `serverNames` are the DNS names and addresses of the API server. */
export const createCredentials = async (
  folder: string,
  serverNames: { readonly dns: readonly string[]; readonly ips: readonly string[] },
  nodeNames: readonly string[],
): Promise<Credentials> => {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (file: string): string => join(folder, file);
  const identities = {
    admin: identity('kubernetes-admin', 'system:masters'),
    controllerManager: identity('system:kube-controller-manager'),
    scheduler: identity('system:kube-scheduler'),
    proxy: identity('system:kube-proxy'),
    nodes: Object.fromEntries(nodeNames.map((name) => [name, identity(`system:node:${name}`, 'system:nodes')])),
  };
  const { nodes, ...components } = identities;
  const serviceAccounts = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const secret = { mode: 0o600 };
  await Promise.all([
    createCertificates(folder, serverNames),
    writeFile(at('service-accounts.key'), serviceAccounts.privateKey, secret),
    writeFile(at('service-accounts.pub'), serviceAccounts.publicKey),
    writeFile(
      at('tokens.csv'),
      [...Object.values(components), ...Object.values(nodes)]
        .map(({ token, user, groups }) => `${token},${user},${user},"${groups.join(',')}"\n`)
        .join(''),
      secret,
    ),
  ]);
  return {
    folder,
    caFile: at('ca.crt'),
    servingCertFile: at('server.crt'),
    servingKeyFile: at('server.key'),
    serviceAccountKeyFile: at('service-accounts.key'),
    serviceAccountPublicKeyFile: at('service-accounts.pub'),
    tokenFile: at('tokens.csv'),
    identities,
  };
};

const identity = (user: string, ...groups: readonly string[]): Identity => ({
  user,
  groups,
  token: randomBytes(16).toString('hex'),
});

const createCertificates = async (
  folder: string,
  { dns, ips }: { readonly dns: readonly string[]; readonly ips: readonly string[] },
): Promise<void> => {
  const create = (name: string, file: string, ...options: readonly string[]): Promise<CommandOutcome> => {
    const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650'.split(' ');
    const files = ['-keyout', `${file}.key`, '-out', `${file}.crt`];
    return runCommand(['openssl', ...kind, '-subj', `/CN=${name}`, ...files, ...options], { cwd: folder });
  };
  await create('metallb-ts sandbox', 'ca');
  const names = [...dns.map((name) => `DNS:${name}`), ...ips.map((ip) => `IP:${ip}`)].join(',');
  const extensions = [`subjectAltName=${names}`, 'basicConstraints=critical,CA:FALSE'];
  const asExtension = (extension: string): readonly string[] => ['-addext', extension];
  await create('kube-apiserver', 'server', '-CA', 'ca.crt', '-CAkey', 'ca.key', ...extensions.flatMap(asExtension));
};
