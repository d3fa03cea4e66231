import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createListeners } from '../../lib/listeners.ts';
import type { Log } from '../../lib/log.ts';
import type { CertificatePair, ServingCertificate } from './https-server.ts';

/** A certificate that is made or read when somebody connects: `prepare` is to be awaited before each handshake. */
export type CertificateSource = { readonly certificate: ServingCertificate; readonly prepare: () => Promise<void> };

/** A certificate to serve, none at first. Setting what it is already changes nothing. */
export const changeableCertificate = (): ServingCertificate & { readonly set: (pair: CertificatePair) => void } => {
  let current: CertificatePair | undefined;
  const listeners = createListeners();
  return {
    current: () => current,
    onChange: listeners.add,
    set: (pair) => {
      if (pair.cert === current?.cert && pair.key === current.key) return;
      current = pair;
      listeners.tell();
    },
  };
};

/** A certificate that is made for the first client; the next try is made for the next client if that fails. */
export const madeWhenNeeded = (make: () => Promise<CertificatePair>): CertificateSource => {
  let isMade = false;
  return sourceOf(async () => {
    if (isMade) return undefined;
    const pair = await make();
    isMade = true;
    return pair;
  });
};

/**
 * The certificate in `tls.crt` and `tls.key` of a folder, read again after they have changed. Rejects if it cannot be
 * used; if that happens later, the last good one stays.
 */
export const certificateFiles = async (folder: string, log: Log): Promise<CertificateSource> => {
  const files = [join(folder, 'tls.crt'), join(folder, 'tls.key')] as const;
  let readAt: string | undefined;
  const readIfChanged = async (): Promise<CertificatePair | undefined> => {
    const state = await stateOf(files);
    if (state === readAt) return undefined;
    const [cert, key] = await Promise.all([readFile(files[0], 'utf8'), readFile(files[1], 'utf8')]);
    // Read in the middle of a change they may not belong together.
    if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
      throw new Error(`${files[1]} is not the key of ${files[0]}`);
    }
    readAt = state;
    return { cert, key };
  };
  const source = sourceOf(async () => {
    try {
      return await readIfChanged();
    } catch (error) {
      if (readAt === undefined) throw new Error(`no certificate in ${folder}`, { cause: error });
      log.warn('the certificate cannot be read again, the last one stays', { folder, error });
      return undefined;
    }
  });
  await source.prepare();
  return source;
};

/** What changes whenever a file is written or replaced, the kubelet's exchange of a symbolic link included. */
const stateOf = async (files: readonly string[]): Promise<string> => {
  const states = await Promise.all(files.map((file) => stat(file, { bigint: true })));
  return states.map(({ dev, ino, size, mtimeNs }) => [dev, ino, size, mtimeNs].join(' ')).join('\n');
};

/** `load` gives a certificate, or undefined if the one it gave before still holds. It runs once at a time. */
const sourceOf = (load: () => Promise<CertificatePair | undefined>): CertificateSource => {
  let loading: Promise<void> | undefined;
  const certificate = changeableCertificate();
  const take = async (): Promise<void> => {
    const next = await load();
    if (next !== undefined) certificate.set(next);
  };
  return {
    certificate,
    prepare: () =>
      (loading ??= take().finally(() => {
        loading = undefined;
      })),
  };
};
