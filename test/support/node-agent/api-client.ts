import { Agent, request } from 'node:https';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';

/** An answer of the API server outside 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly reason: string;

  constructor(method: string, path: string, status: number, reason: string, message: string) {
    super(`${method} ${path}: ${status} ${message}`);
    this.status = status;
    this.reason = reason;
  }
}

/** Whether the error is an answer of the API server with that status code. */
export const isStatus = (error: unknown, ...status: readonly number[]): boolean =>
  error instanceof ApiError && status.includes(error.status);

/** How to reach an API server: one context of a kubeconfig. */
export type Connection = {
  readonly server: string;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly token?: string;
};

type KubeconfigEntry = { readonly name: string } & Readonly<
  Record<'cluster' | 'user' | 'context', Record<string, string>>
>;

/** Reads the current context of a kubeconfig file: client certificate or token, inline or in files beside it. */
export const readKubeconfig = (file: string): Connection => {
  const config = parse(readFileSync(file, 'utf8')) as Readonly<
    Record<'clusters' | 'users' | 'contexts', readonly KubeconfigEntry[]> & { 'current-context': string }
  >;
  const named = (list: readonly KubeconfigEntry[], name: string | undefined): KubeconfigEntry => {
    const entry = list.find((candidate) => candidate.name === name);
    if (!entry) throw new Error(`${file}: there is no entry named ${name}`);
    return entry;
  };
  const { context } = named(config.contexts, config['current-context']);
  const { cluster } = named(config.clusters, context['cluster']);
  const { user } = named(config.users, context['user']);
  const material = (holder: Record<string, string>, name: string): Buffer | undefined => {
    const inline = holder[`${name}-data`];
    if (inline !== undefined) return Buffer.from(inline, 'base64');
    const path = holder[name];
    return path === undefined ? undefined : readFileSync(resolve(dirname(file), path));
  };
  const present = <T>(key: string, value: T | undefined) => (value === undefined ? {} : { [key]: value });
  return {
    server: cluster['server'] ?? '',
    ...present('ca', material(cluster, 'certificate-authority')),
    ...present('cert', material(user, 'client-certificate')),
    ...present('key', material(user, 'client-key')),
    ...present('token', user['token']),
  };
};

/** Merges lists such as conditions by their key and takes `null` for "remove"; it works for the API's own kinds. */
const patchType = 'application/strategic-merge-patch+json';

/** A small client for the Kubernetes API over connections that are kept open. */
export type ApiClient = {
  /** Sends one request (a PATCH is a strategic merge patch) and gives back the parsed answer; rejects with `ApiError`, or with what broke the connection. */
  readonly call: <T>(method: string, path: string, body?: object, signal?: AbortSignal) => Promise<T>;
  /** Opens a watch; the iterator ends when the server ends it and rejects when the connection breaks. */
  readonly watch: (path: string, signal: AbortSignal) => AsyncIterable<WatchEvent>;
};

/** One line of a watch. */
export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: unknown;
};

/** A request that is not answered in this time counts as lost, in ms. */
const requestTimeout = 10_000;

/** Makes a client for one API server. */
export const makeApiClient = (connection: Connection): ApiClient => {
  const base = new URL(connection.server);
  const { ca, cert, key, token } = connection;
  const tls = { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
  const secure = base.protocol === 'https:';
  const agent = secure
    ? new Agent({ keepAlive: true, maxSockets: 8, ...tls })
    : new HttpAgent({ keepAlive: true, maxSockets: 8 });
  // A watch holds its connection, so watches have connections of their own.
  const watchAgent = secure ? new Agent({ keepAlive: false, ...tls }) : new HttpAgent({ keepAlive: false });

  const send = (
    method: string,
    path: string,
    body: object | undefined,
    signal: AbortSignal | undefined,
    watch: boolean,
  ) =>
    new Promise<IncomingMessage>((resolvePromise, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const req = (secure ? request : httpRequest)(
        new URL(path, base),
        {
          method,
          agent: watch ? watchAgent : agent,
          headers: {
            accept: 'application/json',
            'user-agent': 'metallb-ts-node-agent',
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
            ...(payload === undefined
              ? {}
              : {
                  'content-type': method === 'PATCH' ? patchType : 'application/json',
                  'content-length': Buffer.byteLength(payload),
                }),
          },
          ...(signal ? { signal } : {}),
        },
        resolvePromise,
      );
      req.once('error', reject);
      // A connection whose other end is gone without a word (a pulled plug) is found within 15 s: libuv sends ten
      // keep-alive probes, one a second, after the idle time given here.
      req.once('socket', (socket) => socket.setKeepAlive(true, 5000));
      if (!watch) req.setTimeout(requestTimeout, () => req.destroy(new Error(`${method} ${path}: no answer`)));
      req.end(payload);
    });

  const failure = async (method: string, path: string, response: IncomingMessage): Promise<ApiError> => {
    const text = await readAll(response);
    let status: { reason?: string; message?: string } = {};
    if (response.headers['content-type']?.startsWith('application/json') === true) status = JSON.parse(text);
    return new ApiError(method, path, response.statusCode ?? 0, status.reason ?? '', status.message ?? text);
  };

  return {
    call: async <T>(method: string, path: string, body?: object, signal?: AbortSignal) => {
      const response = await send(method, path, body, signal, false);
      if ((response.statusCode ?? 0) >= 300) throw await failure(method, path, response);
      return JSON.parse(await readAll(response)) as T;
    },
    watch: async function* (path, signal) {
      const response = await send('GET', path, undefined, signal, true);
      if (response.statusCode !== 200) throw await failure('GET', path, response);
      let rest = '';
      response.setEncoding('utf8');
      for await (const chunk of response) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) yield JSON.parse(line) as WatchEvent;
      }
    },
  };
};

const readAll = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
};
