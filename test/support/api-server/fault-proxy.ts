import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as requestHttps } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/** One call as it came to the proxy. */
export type Call = {
  /** When it came: a reading of `performance.now()`. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly isWatch: boolean;
  /** Whether it changes something. */
  readonly isWrite: boolean;
};

/** What is done to a call instead of passing it on; times in milliseconds. */
export type Fault =
  /** It is passed on later. */
  | { readonly type: 'delay'; readonly milliseconds: number }
  /** It is answered by a Status object, and does not reach the API server. `retryAfter` in seconds. */
  | { readonly type: 'answer'; readonly status: number; readonly reason: string; readonly retryAfter?: number }
  /** A watch is begun, and tells this error as its first event. */
  | { readonly type: 'watchError'; readonly status: number; readonly reason: string }
  /** The connection breaks, and the call does not reach the API server. */
  | { readonly type: 'reset' }
  /** The API server does what it is asked for, and the connection breaks instead of an answer. */
  | { readonly type: 'loseAnswer' }
  /** The connection breaks when so many octets of the answer's body have been passed on. */
  | { readonly type: 'cut'; readonly octets: number }
  /** Nothing comes, and the connection stays. */
  | { readonly type: 'swallow' };

/** Looks at each call as it comes; undefined passes it on. */
export type FaultRule = (call: Call) => Fault | undefined;

/** A proxy before an API server, which clients reach by HTTP, and which fails as it is told. */
export type FaultProxy = {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Every call that came, oldest first. */
  readonly calls: readonly Call[];
  /** Puts a rule in force for the calls to come; undefined: all is well. */
  readonly inject: (rule: FaultRule | undefined) => void;
  /** Breaks every connection there is now. */
  readonly breakConnections: () => void;
  readonly close: () => Promise<void>;
};

export type FaultProxyOptions = {
  /** Port of the API server on loopback. */
  readonly port: number;
  readonly caFile: string;
};

/** Starts it; without a rule it passes everything on. */
export const startFaultProxy = async ({ port, caFile }: FaultProxyOptions): Promise<FaultProxy> => {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(caFile) });
  const sockets = new Set<Socket>();
  const calls: Call[] = [];
  let rule: FaultRule | undefined;

  /** Passes a call on, and what the API server answers back, as far as the fault lets it. */
  const pass = (from: IncomingMessage, to: ServerResponse, fault: Fault | undefined): void => {
    const upstream = requestHttps({
      host: '127.0.0.1',
      port,
      agent,
      method: from.method,
      path: from.url,
      headers: { ...from.headers, host: `127.0.0.1:${port}` },
    });
    // What breaks on one side breaks on the other.
    upstream.on('error', () => to.destroy());
    to.on('close', () => upstream.destroy());
    upstream.on('response', (answer) => {
      answer.on('error', () => to.destroy());
      answer.on('aborted', () => to.destroy());
      if (fault?.type === 'loseAnswer') {
        to.destroy();
        return;
      }
      to.writeHead(answer.statusCode ?? 500, answer.headers);
      to.flushHeaders();
      if (fault?.type === 'cut') passStart(answer, to, fault.octets);
      else answer.pipe(to);
    });
    from.pipe(upstream);
  };

  const serve = (from: IncomingMessage, to: ServerResponse): void => {
    const call = callOf(from);
    calls.push(call);
    const fault = rule?.(call);
    switch (fault?.type) {
      case 'delay':
        setTimeout(() => pass(from, to, undefined), fault.milliseconds).unref();
        return;
      case 'answer':
        from.resume();
        to.writeHead(fault.status, {
          'content-type': 'application/json',
          ...(fault.retryAfter !== undefined && { 'retry-after': String(fault.retryAfter) }),
        }).end(statusObject(fault));
        return;
      case 'watchError':
        to.writeHead(200, { 'content-type': 'application/json' });
        to.end(`{"type":"ERROR","object":${statusObject(fault)}}\n`);
        return;
      case 'reset':
        from.socket.resetAndDestroy();
        return;
      case 'swallow':
        from.resume();
        return;
      case 'cut':
      case 'loseAnswer':
      case undefined:
        pass(from, to, fault);
    }
  };

  const server = createServer(serve);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    inject: (next) => {
      rule = next;
    },
    breakConnections,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      breakConnections();
      agent.destroy();
      await closed;
    },
  };
};

const callOf = ({ method = 'GET', url = '/' }: IncomingMessage): Call => {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  return {
    at: performance.now(),
    method,
    path: pathname,
    query: searchParams,
    isWatch: searchParams.get('watch') === 'true',
    isWrite: method !== 'GET',
  };
};

/** Passes on so many octets of a body that is longer, and then breaks the connection. */
const passStart = (body: IncomingMessage, to: ServerResponse, octets: number): void => {
  let left = octets;
  body.on('data', (chunk: Buffer) => {
    if (chunk.length <= left) {
      to.write(chunk);
      left -= chunk.length;
      return;
    }
    body.pause();
    // Destroyed only when the octets are on their way.
    to.write(chunk.subarray(0, left), () => to.destroy());
  });
  body.on('end', () => to.end());
};

const statusObject = ({ status, reason }: { readonly status: number; readonly reason: string }): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Status',
    status: 'Failure',
    code: status,
    reason,
    message: `a fault that a test wants: ${reason}`,
  });
