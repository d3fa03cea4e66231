import type { Log } from '../../src/lib/log.ts';
import { type Clock, type Millis, seconds, sleep } from '../../src/lib/time.ts';
import { certificateFiles, type CertificateSource } from '../../src/observe/http/certificate-source.ts';
import type { CertificatePair } from '../../src/observe/http/https-server.ts';

/** The kubelet renews mounted files within a minute or two; this adds little. */
const checkInterval: Millis = seconds(10);

export type CertificateFolderOptions = {
  readonly clock: Clock;
  readonly log: Log;
  /** `--cert-dir`: where `tls.crt` and `tls.key` are, or will be. */
  readonly folder: string;
  /** Told when another certificate is there. */
  readonly onChange: () => void;
};

/** The certificate that somebody else keeps in a folder: nothing as long as it is not there. */
export type CertificateFolder = {
  readonly current: () => CertificatePair | undefined;
  /** Reads it now and then until the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<void>;
};

/** Makes it; nothing happens until `run`. */
export const watchCertificateFolder = ({
  clock,
  log,
  folder,
  onChange,
}: CertificateFolderOptions): CertificateFolder => {
  let source: CertificateSource | undefined;
  let toldReason = '';
  const open = async (): Promise<void> => {
    try {
      source = await certificateFiles(folder, log);
      source.certificate.onChange(onChange);
      onChange();
      log.info('the certificate is read from the folder', { folder });
    } catch (error) {
      // None may ever come: then the Secret has it.
      const reason = String(error instanceof Error ? error.cause : error);
      if (reason !== toldReason) log.info('no certificate in the folder yet', { folder, error });
      toldReason = reason;
    }
  };
  return {
    current: () => source?.certificate.current(),
    run: async (signal) => {
      while (!signal.aborted) {
        await (source === undefined ? open() : source.prepare());
        await sleep(clock, checkInterval, signal);
      }
    },
  };
};
