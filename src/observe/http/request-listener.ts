import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/** What a path answers. */
export type HttpAnswer = {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Further headers, by their names in small letters. */
  readonly headers?: Readonly<Record<string, string>>;
};

/** One request, read to its end. */
export type HttpRequest = {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Empty for GET and HEAD, whatever the client sent. */
  readonly body: Buffer;
};

/** Answers by path; anything else is 404. */
export type HttpHandlers = Readonly<Record<string, (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>>>;

/** What a server reads: texts that somebody gets, or questions that somebody posts. */
export type HttpMethod = 'GET' | 'POST';

export type ListenerOptions = {
  readonly routes: HttpHandlers;
  /** GET includes HEAD. */
  readonly method: HttpMethod;
  /** Told what a route threw; the client gets a 500. */
  readonly onError: (error: unknown) => void;
};

/** Reads requests and writes answers, for whatever server hands them over. */
export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * The longest body. An admission review holds an object before and after a change, and etcd keeps none above 1.5 MiB;
 * the rest is room for JSON that is longer than what is stored.
 */
const maxBodyLength = 7 * 1024 * 1024;

/** Octets of bodies that are held at a time, all requests together. */
const maxHeldLength = 4 * maxBodyLength;

/** Makes a listener that answers by `routes`. */
export const requestListener = ({ routes, method, onError }: ListenerOptions): RequestListener => {
  const readBody = method === 'POST' ? bodyReader() : undefined;

  const find = async (request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer | undefined> => {
    const path = (request.url ?? '').split('?', 1)[0] ?? '';
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (route === undefined) return plainText(404, 'not found\n');
    if (request.method !== method && !(method === 'GET' && request.method === 'HEAD')) {
      return plainText(405, 'method not allowed\n', { allow: method === 'GET' ? 'GET, HEAD' : method });
    }
    const read = await readBody?.(request);
    if (read === 'gone') return undefined;
    if (read === 'tooLong' || read === 'tooMany') {
      // Nobody waits for the rest of it.
      response.once('finish', () => request.destroy());
      return read === 'tooLong'
        ? plainText(413, `the body is longer than ${maxBodyLength} octets\n`)
        : plainText(503, 'too many requests at a time\n', { 'retry-after': '1' });
    }
    try {
      return await route({ method: request.method, path, headers: request.headers, body: read ?? noBody });
    } catch (error) {
      onError(error);
      return plainText(500, 'internal error\n');
    }
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const found = await find(request, response);
    if (found === undefined) return;
    request.resume();
    const { status, contentType, body, headers } = found;
    response.writeHead(status, { ...headers, 'content-type': contentType, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };

  return (request, response) => void answer(request, response).catch(onError);
};

const noBody = Buffer.alloc(0);

type Body = Buffer | 'tooLong' | 'tooMany' | 'gone';

/** Makes a function that reads a body to its end, within the limits of one and of all together. */
const bodyReader = () => {
  let heldLength = 0;
  return async (request: IncomingMessage): Promise<Body> => {
    if (Number(request.headers['content-length'] ?? 0) > maxBodyLength) return 'tooLong';
    const { promise, resolve } = Promise.withResolvers<Body>();
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      heldLength += chunk.length;
      chunks.push(chunk);
      if (length <= maxBodyLength && heldLength <= maxHeldLength) return;
      request.off('data', take);
      resolve(length > maxBodyLength ? 'tooLong' : 'tooMany');
    };
    request.on('data', take);
    request.once('end', () => resolve(Buffer.concat(chunks, length)));
    // A client that goes away in the middle, or is cut off by the time limit.
    request.on('error', () => resolve('gone'));
    request.once('close', () => resolve('gone'));
    try {
      return await promise;
    } finally {
      heldLength -= length;
    }
  };
};

/** A short text for people. */
export const plainText = (status: number, body: string, headers?: HttpAnswer['headers']): HttpAnswer => ({
  status,
  contentType: 'text/plain; charset=utf-8',
  body,
  ...(headers && { headers }),
});
