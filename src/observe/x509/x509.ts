// The library keeps its registry in the metadata of this package, which must be there first.
import 'reflect-metadata';
import { createPrivateKey, type KeyObject, webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { CertificatePair } from '../http/https-server.ts';
import type { CertificateRequest } from './issue-certificates.ts';

/**
 * New keys are ECDSA on P-256: made in a millisecond and small, where an RSA key of 2,048 bits takes a Raspberry Pi
 * seconds, and every client of TLS 1.2 and 1.3 knows them.
 */
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const rsa = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/** Issues the certificates in their order, each with a new key. Throws on an authority whose key it cannot use. */
export const signCertificates = async (
  requests: readonly CertificateRequest[],
): Promise<readonly CertificatePair[]> => {
  const issued: CertificatePair[] = [];
  for (const request of requests) {
    const signedBy = request.signedBy === 'previous' ? issued.at(-1) : request.signedBy;
    if (signedBy === undefined) throw new Error('the first certificate has no previous one');
    issued.push(await signCertificate(request, signedBy));
  }
  return issued;
};

const signCertificate = async (
  { commonName, organization, names, isAuthority, notBefore, notAfter }: CertificateRequest,
  signedBy: CertificatePair | 'itself',
): Promise<CertificatePair> => {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const subject = [{ CN: [commonName] }, ...(organization === undefined ? [] : [{ O: [organization] }])];
  const signer = signedBy === 'itself' ? undefined : readSigner(signedBy);
  const extensions: Extension[] = [
    new BasicConstraintsExtension(isAuthority, undefined, true),
    isAuthority
      ? new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)
      : new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    await SubjectKeyIdentifierExtension.create(keys.publicKey),
  ];
  if (!isAuthority) extensions.push(new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]));
  // As it stands in the authority and not computed anew: there is more than one way to compute it.
  if (signer?.keyId !== undefined) extensions.push(new AuthorityKeyIdentifierExtension(signer.keyId));
  if (names.length > 0) {
    extensions.push(new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))));
  }
  const cert = await X509CertificateGenerator.create({
    subject,
    issuer: signer?.name ?? subject,
    publicKey: keys.publicKey,
    signingKey: signer?.key ?? keys.privateKey,
    signingAlgorithm: signer?.algorithm ?? ecdsa,
    notBefore: new Date(notBefore),
    notAfter: new Date(notAfter),
    extensions,
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { cert: `${cert.toString('pem')}\n`, key: `${PemConverter.encode(key, 'PRIVATE KEY')}\n` };
};

/** What of an authority goes into the certificates that it signs, and its key. */
const readSigner = ({ cert, key }: CertificatePair) => {
  const authority = new X509Certificate(cert);
  const privateKey = createPrivateKey(key);
  const algorithm = algorithmOf(privateKey);
  return {
    // As it is encoded there: a comparison of names is one of octets.
    name: authority.subjectName,
    keyId: authority.getExtension(SubjectKeyIdentifierExtension)?.keyId,
    key: privateKey.toCryptoKey(algorithm, false, ['sign']),
    algorithm,
  };
};

const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): typeof ecdsa | typeof rsa => {
  if (asymmetricKeyType === 'rsa') return rsa;
  if (asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === 'prime256v1') return ecdsa;
  throw new Error(`an authority with a key of type ${asymmetricKeyType ?? 'unknown'} cannot be used`);
};
