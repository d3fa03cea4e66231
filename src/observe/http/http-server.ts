import type { Server, Socket } from 'node:net';
import { type Millis, seconds } from '../../lib/time.ts';
import type { Registry } from '../metrics.ts';
import { type HttpAnswer, plainText, requestListener } from './request-listener.ts';

/** Texts by path that depend on nothing in the request. */
export type HttpRoutes = Readonly<Record<string, () => HttpAnswer | Promise<HttpAnswer>>>;

export type HttpServerOptions = {
  /** Address to listen on; undefined: every address of both families. */
  readonly host: string | undefined;
  /** 0 turns the server off; `any` takes a free port. */
  readonly port: number | 'any';
  readonly routes: HttpRoutes;
  /** Told what a route threw; the client gets a 500. */
  readonly onError: (error: unknown) => void;
};

export type HttpServer = {
  readonly port: number;
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>;
};

/** How long a request may take to come in. Slower than any scraper or kubelet; ends connections that never ask. */
export const requestTimeout: Millis = seconds(10);

/** Connections at one time; more are closed at once. Scrapers and kubelets keep one each. */
const maxConnections = 64;

/** Serves a few texts over HTTP. Resolves when it listens, with `undefined` if turned off; rejects if it cannot. */
export const serveHttp = async ({
  host,
  port,
  routes,
  onError,
}: HttpServerOptions): Promise<HttpServer | undefined> => {
  if (port === 0) return undefined;
  // Not an import: importing the module by name evaluates its lazy WebSocket client, which costs 12 MiB.
  const { createServer } = process.getBuiltinModule('node:http');
  const limits = { requestTimeout, headersTimeout: requestTimeout };
  const server = createServer(limits, requestListener({ routes, method: 'GET', onError }));
  server.maxConnections = maxConnections;
  return listen(server, host, port);
};

/** Starts a server whose connections end with it. Rejects if it cannot listen. */
export const listen = async (server: Server, host: string | undefined, port: number | 'any'): Promise<HttpServer> => {
  const sockets = new Set<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port: port === 'any' ? 0 : port, ...(host === undefined ? {} : { host }) }, resolve);
  await promise;
  server.off('error', reject);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
};

/** `/metrics` in Prometheus' text format. */
export const metricsRoutes = (registry: Registry): HttpRoutes => ({
  '/metrics': async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() }),
});

/**
 * `/healthz`: the process answers. `/readyz`: it can do its work; `whyNotReady` gives the reason while it cannot.
 */
export const healthRoutes = (whyNotReady: () => string | undefined): HttpRoutes => ({
  '/healthz': () => plainText(200, 'ok\n'),
  '/readyz': () => {
    const reason = whyNotReady();
    return reason === undefined ? plainText(200, 'ok\n') : plainText(503, `${reason}\n`);
  },
});
