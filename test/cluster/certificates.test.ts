import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readAuthorities, type SecretContent } from '../../controller/certificates/read-secret.ts';
import { settleTime, validity } from '../../src/domain/certificates/rotation.ts';
import { ApiError } from '../../src/k8s/client/api.ts';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';
import { type CertificateRequest, issueCertificates } from '../../src/observe/x509/issue-certificates.ts';
import { eventually } from '../support/cluster/eventually.ts';
import { metallbCluster } from '../support/cluster/fixture.ts';
import { getObject } from '../support/cluster/metallb.ts';
import { pool } from '../support/cluster/objects.ts';
import { repository } from '../support/cluster/build.ts';

const cluster = metallbCluster({ nodes: 1 });

const namespace = 'metallb-system';
const hostname = 'metallb-webhook-service.metallb-system.svc';
const day = 86_400_000;

const secretPath = objectPath(resources.secrets, namespace, 'metallb-webhook-cert');
const webhooksPath = objectPath(resources.validatingWebhookConfigurations, undefined, 'metallb-webhook-configuration');
const definitionPath = objectPath(resources.customResourceDefinitions, undefined, 'bgppeers.metallb.io');

const decode = (base64: string): string => Buffer.from(base64, 'base64').toString();
const encode = (text: string): string => Buffer.from(text).toString('base64');

const secret = async (): Promise<SecretContent> => {
  const { data = {} } = (await cluster().api.request({ path: secretPath })) as { readonly data?: object };
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, decode(value as string)]),
  ) as SecretContent;
};

const patch = async (path: string, body: unknown): Promise<void> => {
  await cluster().api.request({ method: 'PATCH', path, body });
};

const patchSecret = (change: Partial<SecretContent>): Promise<void> =>
  patch(secretPath, {
    data: Object.fromEntries(Object.entries(change).map(([key, value]) => [key, encode(value)])),
  });

type Calling = { readonly clientConfig: { readonly caBundle?: string } };

/** What the API server has been told to trust, for each webhook and for the conversion. */
const bundles = async (): Promise<readonly string[]> => {
  const { webhooks } = (await cluster().api.request({ path: webhooksPath })) as {
    readonly webhooks: readonly Calling[];
  };
  const { spec } = (await cluster().api.request({ path: definitionPath })) as {
    readonly spec: { readonly conversion: { readonly webhook: Calling } };
  };
  return [...webhooks, spec.conversion.webhook].map(({ clientConfig }) => decode(clientConfig.caBundle ?? ''));
};

const injected = (bundle: string): Promise<true> =>
  eventually('every webhook trusts the bundle', async () => {
    const found = await bundles();
    return found.every((each) => each === bundle) && true;
  });

/** Tells the controller that the authority has been injected long ago: it need not wait until everybody knows. */
const backdateInjection = async (): Promise<void> => {
  const time = new Date(Date.now() - settleTime - 1000).toISOString();
  for (const path of [webhooksPath, definitionPath]) {
    await patch(path, { metadata: { annotations: { 'metallb.io/ca-injected-at': time } } });
  }
};

const certificate = async (
  request: Partial<CertificateRequest> & Pick<CertificateRequest, 'signedBy' | 'notAfter'>,
): Promise<CertificatePair> => {
  const names = request.isAuthority === true ? [] : [hostname];
  const [pair] = await issueCertificates([
    { commonName: 'cert', names, isAuthority: false, notBefore: Date.now() - validity.backdated, ...request },
  ]);
  return pair!;
};

type Pods = { readonly items: readonly { readonly status: { readonly podIP: string } }[] };

/** The addresses of the two replicas. */
const replicas = async (): Promise<readonly string[]> => {
  const path = collectionPath(resources.pods, namespace);
  const { items } = (await cluster().api.request({ path, query: { labelSelector: 'component=controller' } })) as Pods;
  return items.map(({ status }) => status.podIP);
};

/** What only the webhook refuses. */
const badPool = { ...pool('bad', ['198.18.1.0/24']), metadata: { name: 'bad', namespace: 'default' } };
const refusal = 'resource must be created in metallb-system namespace';

/**
 * Asks for what must be refused, all the time: a webhook that cannot be reached or is not trusted would let it pass. New
 * connections to each replica are made beside it, since the API server keeps those that it has.
 */
const askAllTheTime = async (until: () => Promise<void>): Promise<void> => {
  const { api, exec } = cluster();
  const ending = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
  const wrong: string[] = [];
  let refused = 0;
  let trusted = 0;
  const askApiServer = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        const path = collectionPath(resources.ipAddressPools, 'default');
        await api.request({ method: 'POST', path, query: { dryRun: 'All' }, body: badPool });
        wrong.push('a bad pool has passed');
      } catch (error) {
        if (error instanceof ApiError && error.message.includes(refusal)) refused++;
        else wrong.push(String(error));
      }
      await sleep(20);
    }
  };
  const askReplica = async (address: string): Promise<void> => {
    const file = join(folder, address);
    const url = ['--resolve', `${hostname}:9443:${address}`, `https://${hostname}:9443/`];
    while (!ending.signal.aborted) {
      for (const bundle of new Set(await bundles())) {
        writeFileSync(file, bundle);
        const argv = ['curl', '--silent', '--show-error', '--max-time', '5', '--cacert', file, ...url];
        const { code, stderr } = await exec('cp', argv, { check: false });
        if (code === 0) trusted++;
        else wrong.push(`${address}: ${stderr}`);
      }
      await sleep(100);
    }
  };
  const addresses = await replicas();
  expect(addresses).toHaveLength(2);
  const asking = [askApiServer(), askApiServer(), ...addresses.map(askReplica)];
  try {
    await until();
    await sleep(500);
  } finally {
    ending.abort();
    await Promise.all(asking);
    rmSync(folder, { recursive: true });
  }
  expect(wrong).toEqual([]);
  expect(refused).toBeGreaterThan(20);
  expect(trusted).toBeGreaterThan(4);
};

/** Waits until each replica shows this certificate. */
const servedByAll = async (cert: string): Promise<void> => {
  const { fingerprint256 } = new X509Certificate(cert);
  for (const address of await replicas()) {
    await eventually(`${address} has taken the new certificate`, async () => {
      const argv = ['openssl', 's_client', '-connect', `${address}:9443`, '-servername', hostname];
      const { stdout } = await cluster().exec('cp', argv, { check: false });
      const [shown] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(stdout) ?? [];
      return shown !== undefined && new X509Certificate(shown).fingerprint256 === fingerprint256;
    });
  }
};

test('after an apply the certificate is there, and the API server trusts it', async () => {
  const content = await secret();
  expect(Object.keys(content).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
  const found = await bundles();
  expect(found).toHaveLength(7);
  expect(new Set(found)).toEqual(new Set([content['ca.crt']]));
  const input = JSON.stringify(badPool);
  const { code, stderr } = await cluster().kubectl(['apply', '-f', '-'], { input, check: false });
  expect(code).not.toBe(0);
  expect(stderr).toContain(refusal);
});

test('applying the manifest again leaves the bundle where it is, and what is taken away comes back', async () => {
  const before = await bundles();
  await askAllTheTime(async () => {
    await cluster().kubectl(['apply', '-f', 'manifests/metallb.yaml'], { cwd: repository, timeout: 60_000 });
    expect(await bundles()).toEqual(before);
    const serverSide = ['apply', '--server-side', '--force-conflicts', '-f', 'manifests/metallb.yaml'];
    await cluster().kubectl(serverSide, { cwd: repository, timeout: 60_000 });
    expect(await bundles()).toEqual(before);
  });
  await patch(definitionPath, { spec: { conversion: { webhook: { clientConfig: { caBundle: null } } } } });
  await injected(before[0]!);
});

test('a certificate near its end is renewed by the same authority, and no request is lost', async () => {
  const { 'ca.crt': ca, 'ca.key': key } = await secret();
  const ending = await certificate({ notAfter: Date.now() + 30 * day, signedBy: { cert: ca, key } });
  await askAllTheTime(async () => {
    await patchSecret({ 'tls.crt': ending.cert, 'tls.key': ending.key });
    await eventually('it is renewed', async () => {
      const { validToDate } = new X509Certificate((await secret())['tls.crt']);
      return validToDate.getTime() > Date.now() + 360 * day;
    });
    await servedByAll((await secret())['tls.crt']);
  });
  expect(new Set(await bundles())).toEqual(new Set([ca]));
});

test('an authority near its end is replaced step by step, and no request is lost', async () => {
  const before = await secret();
  const ending = await certificate({
    organization: 'metallb',
    isAuthority: true,
    notAfter: Date.now() + 30 * day,
    signedBy: 'itself',
  });
  const authorities = async () => readAuthorities((await secret())['ca.crt']);
  await askAllTheTime(async () => {
    // The certificate is by the old one, and the one whose key is there ends soon.
    await patchSecret({ 'ca.crt': ending.cert + before['ca.crt'], 'ca.key': ending.key });
    await eventually('there is a new authority', async () => (await authorities()).length === 3);
    const { 'ca.crt': bundle, 'tls.crt': cert } = await secret();
    await injected(bundle);
    expect(cert).toBe(before['tls.crt']);
    const [next] = await authorities();

    await backdateInjection();
    const renewed = await eventually('the new authority has signed', async () => {
      const content = await secret();
      return content['tls.crt'] !== cert && content;
    });
    expect(new X509Certificate(renewed['tls.crt']).verify(next!.certificate.publicKey)).toBe(true);
    await servedByAll(renewed['tls.crt']);
    expect(await authorities()).toHaveLength(3);

    const old = await certificate({
      notBefore: Date.now() - validity.backdated - settleTime - 1000,
      notAfter: Date.now() + 300 * day,
      signedBy: { cert: next!.pem, key: renewed['ca.key'] },
    });
    await patchSecret({ 'tls.crt': old.cert, 'tls.key': old.key });
    await eventually('the others are dropped', async () => (await authorities()).length === 1);
    const { 'ca.crt': last } = await secret();
    expect(last.trim()).toBe(next!.pem.trim());
    await injected(last);
  });
});

test('a Secret that somebody has emptied is filled again', async () => {
  await patch(secretPath, { data: null });
  await eventually('it is filled', async () => Object.keys(await secret()).length === 4);
  expect(Object.keys(await secret()).sort()).toEqual(['ca.crt', 'ca.key', 'tls.crt', 'tls.key']);
  await injected((await secret())['ca.crt']);
  // Between the new certificate and the trust in it a probe may have come.
  await eventually('both replicas are ready again', async () => {
    const controller = await getObject<{ readonly status: { readonly readyReplicas?: number } }>(
      cluster(),
      '-n',
      namespace,
      'deployment/controller',
    );
    return controller?.status.readyReplicas === 2;
  });
});
