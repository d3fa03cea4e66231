/** Issues what standard input asks for (`CertificateRequest[]` as JSON) and writes the certificates to standard output. */
import { text } from 'node:stream/consumers';
import type { CertificateRequest } from './issue-certificates.ts';
import { signCertificates } from './x509.ts';

const requests = JSON.parse(await text(process.stdin)) as readonly CertificateRequest[];
process.stdout.write(JSON.stringify(await signCertificates(requests)));
