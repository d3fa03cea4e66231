import type { CertificatePair } from '../http/https-server.ts';
import { issueCertificates } from './issue-certificates.ts';

const hour = 3_600_000;

/** As long as a process may live: the certificate is made anew with the next one. */
const validity = 10 * 365 * 24 * hour;

export type SelfSignedOptions = {
  readonly commonName: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
};

/**
 * Makes a certificate that nobody vouches for, as MetalLB does for its metrics: it hides what is said from those who
 * listen, and no more. Costs a process of 60 MiB for a quarter of a second, and nothing afterwards. Rejects with
 * `IssuingFailed`.
 */
export const selfSignedCertificate = async ({ commonName, now }: SelfSignedOptions): Promise<CertificatePair> => {
  const [pair] = await issueCertificates([
    {
      commonName,
      names: [commonName],
      isAuthority: false,
      notBefore: now - hour,
      notAfter: now + validity,
      signedBy: 'itself',
    },
  ]);
  if (pair === undefined) throw new Error('a certificate was asked for and none came');
  return pair;
};
