import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { selfSignedCertificate } from './self-signed.ts';

test('a certificate for the name, good now, with its key', async () => {
  const now = Date.now();
  const { cert, key } = await selfSignedCertificate({ commonName: 'controller-0', now });
  const certificate = new X509Certificate(cert);
  expect(certificate.checkHost('controller-0')).toBe('controller-0');
  expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.validFromDate.getTime()).toBeLessThan(now);
  expect(certificate.validToDate.getTime()).toBeGreaterThan(now + 9 * 365 * 86_400_000);
});
