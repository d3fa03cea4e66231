import type { Server, ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import { type Log } from '../../lib/log.ts';
import { type Millis, seconds } from '../../lib/time.ts';
import { type HttpServer, listen, requestTimeout } from './http-server.ts';
import { type HttpHandlers, type HttpMethod, requestListener } from './request-listener.ts';
import type { TlsSettings } from './tls-options.ts';

/** A certificate, with those that lead to its authority, and its private key, as PEM. The key is secret. */
export type CertificatePair = { readonly cert: string; readonly key: string };

/** A certificate that may change while it is in use. */
export type ServingCertificate = {
  /** Undefined as long as there is none. */
  readonly current: () => CertificatePair | undefined;
  /** Has `listener` called after every change. */
  readonly onChange: (listener: () => void) => void;
};

export type HttpsServerOptions = {
  /** Address to listen on; undefined: every address of both families. */
  readonly host: string | undefined;
  /** 0 turns the server off; `any` takes a free port. */
  readonly port: number | 'any';
  readonly routes: HttpHandlers;
  /** GET includes HEAD. */
  readonly method: HttpMethod;
  readonly tls: TlsSettings;
  /** Offers HTTP/2 beside HTTP/1.1. */
  readonly http2?: boolean;
  readonly certificate: ServingCertificate;
  /** Awaited before each handshake: for a certificate that is made or read when somebody asks for it. */
  readonly prepare?: () => Promise<void>;
  readonly log: Log;
};

/**
 * How long an idle connection is kept. Longer than the 90 s after which clients written in Go, kube-apiserver and
 * Prometheus among them, give up theirs: none of them ever asks on a connection that we are just closing.
 */
const idleTimeout: Millis = seconds(120);

/** Connections at a time; more are closed at once. kube-apiserver uses one for each request that is under way. */
const maxConnections = 256;

/**
 * Serves over TLS. A new certificate holds for new connections, and those that are open stay. While there is none,
 * handshakes fail. Resolves when it listens, with `undefined` if turned off; rejects if it cannot.
 */
export const serveHttps = async (options: HttpsServerOptions): Promise<HttpServer | undefined> => {
  const { host, port, routes, method, tls, certificate, prepare, log } = options;
  if (port === 0) return undefined;
  const onError = (error: unknown): void => log.error('an HTTPS request failed', { error });
  const settings = {
    ...tls,
    ...certificate.current(),
    requestTimeout,
    headersTimeout: requestTimeout,
    handshakeTimeout: requestTimeout,
    keepAliveTimeout: idleTimeout,
  };
  const server = createServer(options.http2 === true, settings, requestListener({ routes, method, onError }));
  server.maxConnections = maxConnections;
  server.on('tlsClientError', (error: Error) => log.debug('a TLS handshake failed', { error }));
  certificate.onChange(() => {
    try {
      server.setSecureContext({ ...tls, ...certificate.current() });
    } catch (error) {
      log.error('a new certificate cannot be used, the old one stays', { error });
    }
  });
  if (prepare !== undefined) prepareEach(server, prepare, log);
  return listen(server, host, port);
};

type Listener = ReturnType<typeof requestListener>;

// Not imports: importing these modules by name evaluates more than is used.
const createServer = (offersHttp2: boolean, settings: ServerOptions, listener: Listener): Server => {
  if (!offersHttp2) return process.getBuiltinModule('node:https').createServer(settings, listener);
  const { createSecureServer } = process.getBuiltinModule('node:http2');
  // Its requests and answers look like those of HTTP/1.1, and so does the server as far as we use it.
  return createSecureServer(
    { ...settings, allowHTTP1: true },
    listener as unknown as Parameters<typeof createSecureServer>[1],
  ) as unknown as Server;
};

/** Holds new connections back until `prepare` is done; closes them if it fails. */
const prepareEach = (server: Server, prepare: () => Promise<void>, log: Log): void => {
  const handshakes = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    // A client that goes away meanwhile is nobody's failure.
    const ignore = (): void => {};
    socket.on('error', ignore);
    prepare().then(
      () => {
        socket.off('error', ignore);
        if (!socket.destroyed) for (const handshake of handshakes) handshake.call(server, socket);
      },
      (error: unknown) => {
        log.error('there is no certificate for a connection', { error });
        socket.destroy();
      },
    );
  });
};
