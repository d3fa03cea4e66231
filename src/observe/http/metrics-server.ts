import type { Log } from '../../lib/log.ts';
import { certificateFiles, madeWhenNeeded } from './certificate-source.ts';
import type { HttpRoutes, HttpServer } from './http-server.ts';
import { type CertificatePair, serveHttps } from './https-server.ts';
import { type HttpHandlers, plainText } from './request-listener.ts';
import type { TlsSettings } from './tls-options.ts';

export type MetricsServerOptions = {
  /** Address to listen on; undefined: every address of both families. */
  readonly host: string | undefined;
  /** 0 turns the server off; `any` takes a free port. */
  readonly port: number | 'any';
  readonly routes: HttpRoutes;
  readonly tls: TlsSettings;
  /** Folder with `tls.crt` and `tls.key` (`--metrics-cert-dir`); empty: `selfSigned` is called for the first client. */
  readonly certDir: string;
  readonly selfSigned: () => Promise<CertificatePair>;
  /** Judges the header `Authorization`; gives the status and the sentence of a refusal, undefined to let pass. */
  readonly access: (
    authorization: string | undefined,
  ) => Promise<{ readonly status: number; readonly message: string } | undefined>;
  readonly log: Log;
};

/**
 * Serves metrics over HTTPS to those who may read them. Resolves when it listens, with `undefined` if turned off; rejects
 * if it cannot, or if there is no certificate in the folder.
 */
export const serveMetrics = async (options: MetricsServerOptions): Promise<HttpServer | undefined> => {
  const { host, port, routes, tls, certDir, selfSigned, access, log } = options;
  if (port === 0) return undefined;
  const source = certDir === '' ? madeWhenNeeded(selfSigned) : await certificateFiles(certDir, log);
  return serveHttps({ host, port, routes: guard(routes, access), method: 'GET', tls, log, ...source });
};

/** The same routes behind the judgement of `access`. */
const guard = (routes: HttpRoutes, access: MetricsServerOptions['access']): HttpHandlers =>
  Object.fromEntries(
    Object.entries(routes).map(([path, route]): [string, HttpHandlers[string]] => [
      path,
      async ({ headers }) => {
        const refusal = await access(headers.authorization);
        if (refusal === undefined) return route();
        const challenge = refusal.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
        return plainText(refusal.status, `${refusal.message}\n`, challenge);
      },
    ]),
  );
