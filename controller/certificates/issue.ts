import { validity } from '../../src/domain/certificates/rotation.ts';
import type { WallTime } from '../../src/lib/time.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';
import { type CertificateRequest, issueCertificates } from '../../src/observe/x509/issue-certificates.ts';

/** For whom a serving certificate is, and when. */
export type ServingOptions = {
  /** `<service>.<namespace>.svc`: the name that the API server asks for. */
  readonly hostname: string;
  readonly now: WallTime;
  readonly signal: AbortSignal;
};

/** The authority as MetalLB's certificate library names it. */
const authorityRequest = (now: WallTime): CertificateRequest => ({
  commonName: 'cert',
  organization: 'metallb',
  names: [],
  isAuthority: true,
  notBefore: now - validity.backdated,
  notAfter: now + validity.authority,
  signedBy: 'itself',
});

const servingRequest = (
  { hostname, now }: ServingOptions,
  signedBy: CertificateRequest['signedBy'],
  latestEnd: WallTime,
): CertificateRequest => ({
  commonName: hostname,
  organization: 'metallb',
  names: [hostname, `${hostname}.cluster.local`],
  isAuthority: false,
  notBefore: now - validity.backdated,
  notAfter: Math.min(now + validity.serving, latestEnd),
  signedBy,
});

/** Makes a new authority. Rejects with `IssuingFailed`, as all of these do. */
export const issueAuthority = async (now: WallTime, signal: AbortSignal): Promise<CertificatePair> => {
  const [authority] = await issueCertificates([authorityRequest(now)], signal);
  return present(authority);
};

/** Makes a serving certificate by an authority; it does not outlive it. */
export const issueServing = async (
  options: ServingOptions,
  authority: CertificatePair,
  authorityEnd: WallTime,
): Promise<CertificatePair> => {
  const [serving] = await issueCertificates([servingRequest(options, authority, authorityEnd)], options.signal);
  return present(serving);
};

/** Makes a new authority and a serving certificate by it. */
export const issueBoth = async (
  options: ServingOptions,
): Promise<{ readonly authority: CertificatePair; readonly serving: CertificatePair }> => {
  const requests = [authorityRequest(options.now), servingRequest(options, 'previous', Infinity)];
  const [authority, serving] = await issueCertificates(requests, options.signal);
  return { authority: present(authority), serving: present(serving) };
};

/** There is one for each request. */
const present = (pair: CertificatePair | undefined): CertificatePair => {
  if (pair === undefined) throw new Error('a certificate was asked for and none came');
  return pair;
};
