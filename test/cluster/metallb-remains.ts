import 'reflect-metadata';
import { createPrivateKey } from 'node:crypto';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { collectionPath, objectPath, resources } from '../../src/k8s/resources.ts';
import { apply, loadBalancer, type Manifest } from '../support/cluster/objects.ts';
import type { Sandbox } from '../support/sandbox/sandbox.ts';

const namespace = 'metallb-system';

/** A service as MetalLB has left it. */
export type ServedService = {
  readonly manifest: Manifest;
  /** In its status. */
  readonly addresses: readonly string[];
  /** The pool that MetalLB noted; early versions noted none. */
  readonly pool: string | undefined;
};

type ServiceOptions = NonNullable<Parameters<typeof loadBalancer>[1]>;

const served = (name: string, addresses: readonly string[], options: ServiceOptions = {}): ServedService => ({
  manifest: loadBalancer(name, options),
  addresses,
  pool: 'lan',
});

const inNamespace = (folder: string, object: Manifest): Manifest => ({
  ...object,
  metadata: { ...object.metadata, namespace: folder },
});

/** One for each way to an address; none has the first address that is free. */
export const servedServices: readonly ServedService[] = [
  served('plain', ['198.18.1.9']),
  { ...served('of-early-version', ['198.18.1.14']), pool: undefined },
  served('of-named-pool', ['198.18.1.11'], { annotations: { 'metallb.io/address-pool': 'lan' } }),
  served('requested', ['198.18.1.77'], { annotations: { 'metallb.io/loadBalancerIPs': '198.18.1.77' } }),
  served('requested-in-spec', ['198.18.1.79'], { loadBalancerIP: '198.18.1.79' }),
  served('old-prefix', ['198.18.1.78'], { annotations: { 'metallb.universe.tf/loadBalancerIPs': '198.18.1.78' } }),
  served('shared-first', ['198.18.1.60'], { annotations: { 'metallb.io/allow-shared-ip': 'key' } }),
  served('shared-second', ['198.18.1.60'], {
    annotations: { 'metallb.io/allow-shared-ip': 'key' },
    ports: [{ port: 8080 }],
  }),
  served('dual', ['198.18.1.12', 'fd00:18::1:7'], { ipFamilyPolicy: 'RequireDualStack' }),
  served('six', ['fd00:18::1:9'], { ipFamilies: ['IPv6'] }),
  { manifest: inNamespace('special', loadBalancer('of-pinned-pool')), addresses: ['198.18.1.131'], pool: 'pinned' },
];

/** A service that MetalLB could not serve. */
export const waitingService = loadBalancer('waiting', { annotations: { 'metallb.io/address-pool': 'missing' } });

/** Creates the services, and writes what MetalLB writes: their statuses, annotations and events. */
export const leaveServices = async (sandbox: Sandbox): Promise<void> => {
  const { api } = sandbox;
  await apply(sandbox, ...servedServices.map(({ manifest }) => manifest), waitingService);
  for (const { manifest, addresses, pool } of servedServices) {
    const { namespace: folder, name } = manifest.metadata;
    await api.request({
      method: 'PATCH',
      path: objectPath(resources.services, folder, name, 'status'),
      body: {
        metadata: { annotations: pool === undefined ? {} : { 'metallb.io/ip-allocated-from-pool': pool } },
        status: { loadBalancer: { ingress: addresses.map((ip) => ({ ip, ipMode: 'VIP' })) } },
      },
    });
    const list = addresses.map((ip) => `"${ip}"`).join(' ');
    await leaveEvent(sandbox, manifest, 'IPAllocated', `Assigned IP [${list}]`, 'metallb-controller');
    await leaveEvent(
      sandbox,
      manifest,
      'nodeAssigned',
      'announcing from node "n1" with protocol "layer2"',
      'metallb-speaker',
    );
  }
};

const leaveEvent = async (
  { api }: Sandbox,
  { metadata: { namespace: folder, name } }: Manifest,
  reason: string,
  message: string,
  component: string,
): Promise<void> => {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  await api.request({
    method: 'POST',
    path: collectionPath(resources.events, folder),
    body: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name}.`, namespace: folder },
      involvedObject: { apiVersion: 'v1', kind: 'Service', namespace: folder, name },
      type: 'Normal',
      reason,
      message,
      source: { component },
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
    },
  });
};

/** Writes the key of the memberlist as MetalLB does: owned by the Deployment of its controller. */
export const leaveMemberlistKey = async ({ api }: Sandbox, name: string, deployment: string): Promise<void> => {
  const owner = (await api.request({ path: objectPath(resources.deployments, namespace, deployment) })) as {
    readonly metadata: { readonly uid: string };
  };
  await api.request({
    method: 'POST',
    path: collectionPath(resources.secrets, namespace),
    body: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name,
        namespace,
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: deployment, uid: owner.metadata.uid }],
      },
      stringData: { secretkey: Buffer.from('sixteen bytes...').toString('base64').replace(/=+$/, '') },
    },
  });
};

/** Fills the Secret of the webhooks as MetalLB does, and lets its webhooks trust the authority. */
export const leaveCertificate = async ({ api }: Sandbox): Promise<void> => {
  const content = await rsaCertificates();
  const path = objectPath(resources.secrets, namespace, 'metallb-webhook-cert');
  await api.request({ method: 'PATCH', path, body: { stringData: content } });
  const webhooks = objectPath(resources.validatingWebhookConfigurations, undefined, 'metallb-webhook-configuration');
  const found = (await api.request({ path: webhooks })) as {
    readonly webhooks: readonly { readonly clientConfig: object }[];
  };
  const caBundle = Buffer.from(content['ca.crt']).toString('base64');
  const body = {
    webhooks: found.webhooks.map((each) => ({ ...each, clientConfig: { ...each.clientConfig, caBundle } })),
  };
  await api.request({ method: 'PATCH', path: webhooks, body });
};

/** An authority and a certificate of the webhook service in MetalLB's form: RSA, the keys as PKCS #1. */
const rsaCertificates = async () => {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const generate = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const [authorityKeys, keys] = await Promise.all([generate(), generate()]);
  const hostname = `metallb-webhook-service.${namespace}.svc`;
  const hour = 3_600_000;
  const notBefore = new Date(Date.now() - hour);
  const usage = KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment;
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: 'O=metallb, CN=cert',
    notBefore,
    notAfter: new Date(Date.now() + 10 * 365 * 24 * hour),
    signingAlgorithm: algorithm,
    keys: authorityKeys,
    extensions: [
      new KeyUsagesExtension(usage | KeyUsageFlags.keyCertSign, true),
      new BasicConstraintsExtension(true, undefined, true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: 'cert' }]),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${hostname}`,
    issuer: authority.subject,
    notBefore,
    notAfter: new Date(Date.now() + 365 * 24 * hour),
    signingAlgorithm: algorithm,
    signingKey: authorityKeys.privateKey,
    publicKey: keys.publicKey,
    extensions: [
      new KeyUsagesExtension(usage, true),
      new BasicConstraintsExtension(false, undefined, true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: hostname }]),
    ],
  });
  const pem = async (privateKey: CryptoKey): Promise<string> => {
    const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', privateKey));
    return createPrivateKey({ key, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs1' });
  };
  return {
    'ca.crt': authority.toString('pem'),
    'ca.key': await pem(authorityKeys.privateKey),
    'tls.crt': certificate.toString('pem'),
    'tls.key': await pem(keys.privateKey),
  };
};
