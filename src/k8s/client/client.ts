import type { Agent, AgentOptions, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { seconds, type Clock, type Millis } from '../../lib/time.ts';
import { type Api, type ApiRequest, ApiUnreachable } from './api.ts';
import { bodyChunks } from './body-chunks.ts';
import { limitCall, type CallLimit } from './call-limit.ts';
import type { Credentials, TlsOptions } from './credentials.ts';
import { refusal } from './status.ts';

// Not imports: importing node:http by name evaluates its lazy WebSocket client, which costs 12 MiB.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export type ClientOptions = {
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** For the server's audit log: `metallb-controller/0.1.0`. */
  readonly userAgent: string;
};

/**
 * Calls at one time; more wait. One more costs about 0.1 MiB, and 32 keep an API server with 10 ms per write busy: so
 * many statuses are written at one time. The others are for what must not wait behind a slow server's statuses, the
 * renewal of the Lease above all.
 */
const mostConnections = 48;

/** Less than the 90 s after which kube-apiserver closes an idle connection: a call never meets a closing one. */
const idleLimit: Millis = seconds(60);

/** Silence on a connection until TCP asks whether the other side lives; Linux then asks ten times, a second apart. */
const keepAliveDelay: Millis = seconds(10);

/** Makes the real `Api`: HTTP/1.1 on connections that are kept (docs/performance.md compares the transports). */
export const createClient = ({ credentials, clock, userAgent }: ClientOptions): Api => {
  const { server } = credentials;
  const isTls = server.protocol === 'https:';
  const transport = isTls ? https : http;
  const prefix = server.pathname.replace(/\/$/, '');
  let agents = makeAgents(isTls, {});

  /** The headers and the agent for one call; a renewed certificate gets new connections. */
  const prepare = async (isStream: boolean): Promise<{ headers: Record<string, string>; agent: Agent }> => {
    const { headers, tls, proxyAgent } = await credentials.identity();
    if (!isSameTls(tls, agents.tls)) {
      closeIdle(agents);
      agents = makeAgents(isTls, tls);
    }
    return { headers: { ...headers }, agent: proxyAgent ?? (isStream ? agents.streams : agents.calls) };
  };

  /** Sends one call; resolves with the answer's head if it is a yes. */
  const send = async (call: ApiRequest, limit: CallLimit, isStream: boolean): Promise<IncomingMessage> => {
    const { headers, agent } = await limit.race(prepare(isStream)); // an exec plugin may hang
    limit.check();
    const method = call.method ?? 'GET';
    const body = call.body === undefined ? undefined : Buffer.from(JSON.stringify(call.body));
    headers['accept'] = 'application/json';
    headers['user-agent'] = userAgent;
    if (body !== undefined) {
      headers['content-type'] =
        call.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
      headers['content-length'] = String(body.length);
    }
    const pathTo = (query: ApiRequest['query']): string => prefix + call.path + queryText(query);
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = transport.request({
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port || (isTls ? 443 : 80),
      method,
      path: pathTo(call.query),
      headers,
      agent,
    });
    limit.onEnd((reason) => request.destroy(reason));
    request.once('response', resolve);
    request.on('error', reject); // again after the answer has begun, where its reader is told as well
    request.once('socket', (socket: Socket | TLSSocket) => {
      if (isStream) socket.setKeepAlive(true, keepAliveDelay);
      // At the last moment, so that a call which waited for its connection too long is not sent any more.
      const sendNow = (): void => {
        if (limit.isOver()) return;
        if (call.limitsServer) request.path = pathTo({ ...call.query, timeout: `${Math.floor(limit.left())}ms` });
        request.end(body);
      };
      const isNegotiating = 'alpnProtocol' in socket && socket.alpnProtocol === null;
      if (isNegotiating) socket.once('secureConnect', sendNow);
      else if (socket.connecting) socket.once('connect', sendNow);
      else sendNow();
    });
    const response = await promise;
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return response;
    if (status === 401) credentials.forget(); // a token that has been replaced meanwhile
    throw refusal(status, response.headers['retry-after'], await readAll(response));
  };

  /**
   * What to tell of a failed call. Whatever swallowed a call, a router that forgot about us for example, may have killed
   * the idle connections as well: without them, the next call opens one.
   */
  const giveUp = (call: ApiRequest, limit: CallLimit, error: unknown): unknown => {
    if (limit.isOver() && call.signal?.aborted !== true) closeIdle(agents);
    return limit.explain(error);
  };

  const request = async (call: ApiRequest): Promise<unknown> => {
    using limit = limitCall(call, clock);
    try {
      const response = await send(call, limit, false);
      const text = (await readAll(response)).toString();
      return text === '' ? undefined : parseAnswer(call, text);
    } catch (error) {
      throw giveUp(call, limit, error);
    }
  };

  const stream = async (call: ApiRequest): Promise<AsyncIterable<Uint8Array>> => {
    const limit = limitCall(call, clock);
    try {
      const response = await send(call, limit, true);
      limit.stopClock();
      return bodyChunks(response, limit);
    } catch (error) {
      limit[Symbol.dispose]();
      throw giveUp(call, limit, error);
    }
  };

  return {
    request,
    stream,
    close: () => closeIdle(agents),
  };
};

type Agents = { readonly tls: TlsOptions; readonly calls: Agent; readonly streams: Agent };

const makeAgents = (isTls: boolean, tls: TlsOptions): Agents => {
  const shared = { ...(isTls ? tls : {}), noDelay: true, scheduling: 'lifo' } as const;
  const make = (options: AgentOptions): Agent =>
    isTls ? new https.Agent({ ...shared, ...options }) : new http.Agent({ ...shared, ...options });
  return {
    tls,
    calls: make({ keepAlive: true, maxSockets: mostConnections, timeout: idleLimit }),
    // A watch holds its connection for minutes, so these are not counted against the calls.
    streams: make({ keepAlive: true, timeout: idleLimit }),
  };
};

const closeIdle = ({ calls, streams }: Agents): void => {
  for (const sockets of [...Object.values(calls.freeSockets), ...Object.values(streams.freeSockets)]) {
    for (const socket of sockets ?? []) socket.destroy();
  }
};

const isSameTls = (a: TlsOptions, b: TlsOptions): boolean =>
  a === b ||
  (isSameText(a.ca, b.ca) &&
    isSameText(a.cert, b.cert) &&
    isSameText(a.key, b.key) &&
    a.servername === b.servername &&
    a.rejectUnauthorized === b.rejectUnauthorized);

const isSameText = (a: TlsOptions['ca'], b: TlsOptions['ca']): boolean => a === b || String(a) === String(b);

const queryText = (query: ApiRequest['query'] = {}): string => {
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined);
  return pairs.length === 0
    ? ''
    : `?${new URLSearchParams(pairs.map(([name, value]) => [name, String(value)])).toString()}`;
};

/** The cause is not passed on: it quotes the answer, which may be a Secret, and errors are logged. */
const parseAnswer = ({ method = 'GET', path }: ApiRequest, text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiUnreachable(`${method} ${path}: an answer that is no JSON`, undefined);
  }
};

const readAll = async (response: IncomingMessage): Promise<Buffer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.once('end', () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  response.once('error', reject);
  return promise;
};
