import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Registry } from './metrics.ts';

/** What a path answers. */
export type HttpAnswer = { readonly status: number; readonly contentType: string; readonly body: string };

/** Answers by path; anything else is 404. */
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

/** Slower than any scraper or kubelet; ends connections that never ask. */
const requestTimeout = 10_000;

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
  const server = createServer({ requestTimeout, headersTimeout: requestTimeout }, (request, response) => {
    void answer(routes, request, response, onError);
  });
  await listen(server, host, port === 'any' ? 0 : port);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    close: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
};

const listen = async (server: Server, host: string | undefined, port: number): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  await promise;
  server.off('error', reject);
};

const answer = async (
  routes: HttpRoutes,
  request: IncomingMessage,
  response: ServerResponse,
  onError: (error: unknown) => void,
): Promise<void> => {
  request.resume();
  const { status, contentType, body } = await find(routes, request, onError);
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
};

const find = async (
  routes: HttpRoutes,
  { method, url = '' }: IncomingMessage,
  onError: (error: unknown) => void,
): Promise<HttpAnswer> => {
  const path = url.split('?', 1)[0] ?? '';
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined) return plainText(404, 'not found\n');
  if (method !== 'GET' && method !== 'HEAD') return plainText(405, 'method not allowed\n');
  try {
    return await route();
  } catch (error) {
    onError(error);
    return plainText(500, 'internal error\n');
  }
};

const plainText = (status: number, body: string): HttpAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
});

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
