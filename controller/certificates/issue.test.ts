import 'reflect-metadata';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { createServer, connect } from 'node:tls';
import type { AddressInfo } from 'node:net';
import * as x509 from '@peculiar/x509';
import { expect, test } from 'vitest';
import { validity } from '../../src/domain/certificates/rotation.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';
import { IssuingFailed } from '../../src/observe/x509/issue-certificates.ts';
import { issueAuthority, issueBoth, issueServing } from './issue.ts';

const now = Date.now();
const hostname = 'metallb-webhook-service.metallb-system.svc';
const signal = new AbortController().signal;
const options = { hostname, now, signal };

/** What a client that trusts `ca` alone and asks for `name` gets. */
const handshake = async (pair: CertificatePair, ca: string, name = hostname): Promise<string> => {
  const server = createServer(pair, (socket) => socket.end());
  const { promise, resolve } = Promise.withResolvers<string>();
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ host: '127.0.0.1', port, ca, servername: name }, () => {
      resolve('trusted');
      socket.end();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
  try {
    return await promise;
  } finally {
    server.close();
  }
};

/** An authority with an RSA key of 2,048 bits, as MetalLB's controller makes it. */
const rsaAuthority = async (): Promise<CertificatePair> => {
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const keys = {
    privateKey: privateKey.toCryptoKey(algorithm, true, ['sign']),
    publicKey: publicKey.toCryptoKey(algorithm, true, ['verify']),
  };
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'O=metallb, CN=cert',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(now),
    notAfter: new Date(now + validity.authority),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      // Not the digest that everybody computes: newer libraries make shorter ones.
      new x509.SubjectKeyIdentifierExtension('0102030405'),
    ],
  });
  return { cert: cert.toString('pem'), key: privateKey.export({ type: 'pkcs1', format: 'pem' }) };
};

test('a client that trusts the new authority trusts its certificate, for the name of the service alone', async () => {
  const { authority, serving } = await issueBoth(options);
  expect(await handshake(serving, authority.cert)).toBe('trusted');
  expect(await handshake(serving, authority.cert, `${hostname}.cluster.local`)).toBe('trusted');
  expect(await handshake(serving, authority.cert, 'other.metallb-system.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
});

test('the authority of another one does not vouch for it, though it has the same name', async () => {
  const [{ serving }, other] = await Promise.all([issueBoth(options), issueAuthority(now, signal)]);
  expect(await handshake(serving, other.cert)).not.toBe('trusted');
  const { authority, serving: ours } = await issueBoth(options);
  expect(await handshake(ours, other.cert + authority.cert)).toBe('trusted');
});

test('an authority with an RSA key goes on signing', async () => {
  const authority = await rsaAuthority();
  const serving = await issueServing(options, authority, now + validity.authority);
  expect(await handshake(serving, authority.cert)).toBe('trusted');
});

test('they begin an hour before now, the authority for ten years, the certificate for one', async () => {
  const { authority, serving } = await issueBoth(options);
  const span = ({ cert }: CertificatePair) => {
    const { validFromDate, validToDate } = new X509Certificate(cert);
    return [now - validFromDate.getTime(), validToDate.getTime() - now].map((ms) => Math.round(ms / 10_000) * 10_000);
  };
  expect(span(authority)).toEqual([3_600_000, 3650 * 86_400_000]);
  expect(span(serving)).toEqual([3_600_000, 365 * 86_400_000]);
  expect(new X509Certificate(authority.cert)).toMatchObject({ ca: true, subject: 'CN=cert\nO=metallb' });
  expect(new X509Certificate(serving.cert).ca).toBe(false);
});

test('a certificate does not outlive its authority', async () => {
  const end = Math.floor(now / 1000) * 1000 + 86_400_000;
  const serving = await issueServing(options, await issueAuthority(now, signal), end);
  expect(new X509Certificate(serving.cert).validToDate.getTime()).toBe(end);
});

test('an authority whose key cannot be used is an error that does not show the key', async () => {
  const { cert } = await issueAuthority(now, signal);
  const { privateKey } = generateKeyPairSync('ed25519');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const failure = await issueServing(options, { cert, key }, Infinity).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(IssuingFailed);
  const told = `${String(failure)} ${String((failure as Error).cause)}`;
  expect(told).toContain('a key of type ed25519 cannot be used');
  expect(told).not.toContain(key.split('\n')[1]);
});

test('an abort ends the process', async () => {
  const ended = AbortSignal.abort();
  await expect(issueAuthority(now, ended)).rejects.toBeInstanceOf(IssuingFailed);
});
