import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { AuthorityFacts, SecretFacts, ServingFacts } from '../../src/domain/certificates/rotation.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';

/** The four texts of the Secret (PEM); empty where one is absent. The keys are secret. */
export type SecretContent = {
  readonly 'ca.crt': string;
  readonly 'ca.key': string;
  readonly 'tls.crt': string;
  readonly 'tls.key': string;
};

/** A Secret that is empty, or that does not exist. */
export const noContent: SecretContent = { 'ca.crt': '', 'ca.key': '', 'tls.crt': '', 'tls.key': '' };

/** An authority of a bundle, and its own PEM. */
export type Authority = AuthorityFacts & { readonly pem: string; readonly certificate: X509Certificate };

/** What the content of the Secret is worth. */
export type SecretReading = {
  readonly facts: SecretFacts;
  readonly authorities: readonly Authority[];
  /** What `facts.serving` tells of; undefined with it. */
  readonly serving: CertificatePair | undefined;
};

/** Authorities of one bundle that are looked at; a rotation has two. */
const mostAuthorities = 16;

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a bundle that can be read and may sign; whatever else stands there is passed over. */
export const readAuthorities = (bundle: string): readonly Authority[] =>
  (bundle.match(pemBlock) ?? []).slice(0, mostAuthorities).flatMap((pem) => {
    const certificate = readCertificate(pem);
    return certificate?.ca === true ? { ...spanOf(certificate), id: certificate.fingerprint256, pem, certificate } : [];
  });

/** Reads the Secret. `hostname` is the name under which the API server calls. */
export const readSecret = (content: SecretContent, hostname: string): SecretReading => {
  const authorities = readAuthorities(content['ca.crt']);
  const authorityKey = readKey(content['ca.key']);
  const canSign = authorityKey !== undefined && isUsable(authorityKey);
  const signer = canSign
    ? authorities.find(({ certificate }) => certificate.checkPrivateKey(authorityKey))?.id
    : undefined;
  const pair = { cert: content['tls.crt'], key: content['tls.key'] };
  const serving = readServing(pair, hostname, authorities);
  return {
    facts: {
      authorities: authorities.map(({ id, notBefore, notAfter }) => ({ id, notBefore, notAfter })),
      signer,
      serving,
    },
    authorities,
    serving: serving && pair,
  };
};

const readServing = (
  { cert, key }: CertificatePair,
  hostname: string,
  authorities: readonly Authority[],
): ServingFacts | undefined => {
  const certificate = readCertificate(cert);
  const privateKey = readKey(key);
  if (certificate === undefined || privateKey === undefined || !certificate.checkPrivateKey(privateKey))
    return undefined;
  const signer = authorities.find(
    (authority) =>
      certificate.checkIssued(authority.certificate) && certificate.verify(authority.certificate.publicKey),
  );
  return {
    ...spanOf(certificate),
    // The common name does not count: Go looks at the alternative names alone.
    isForService: certificate.checkHost(hostname, { subject: 'never' }) !== undefined,
    signedBy: signer?.id,
  };
};

/** Whether new certificates can be signed with it: our own kind, and MetalLB's. */
const isUsable = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean =>
  asymmetricKeyType === 'rsa' || (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1');

const spanOf = ({ validFromDate, validToDate }: X509Certificate) => ({
  notBefore: validFromDate.getTime(),
  notAfter: validToDate.getTime(),
});

/** The first certificate of a PEM; undefined for what is none. */
const readCertificate = (pem: string): X509Certificate | undefined => {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined; // it is replaced, and the reason is told there
  }
};

const readKey = (pem: string): KeyObject | undefined => {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
};
