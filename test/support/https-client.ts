import { type Agent, request, type RequestOptions } from 'node:https';

/** What an HTTPS server answered. */
export type HttpsReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
};

export type HttpsQuestion = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
} & Pick<RequestOptions, 'minVersion' | 'maxVersion' | 'ciphers' | 'ecdhCurve'>;

/** Asks a server on 127.0.0.1 whose certificate is, or was signed by, `ca`. Rejects if there is no answer. */
export const askHttps = async (
  port: number,
  path: string,
  ca: string,
  { body, agent, ...options }: HttpsQuestion = {},
): Promise<HttpsReply> => {
  const { promise, resolve, reject } = Promise.withResolvers<HttpsReply>();
  const asked = request({ host: '127.0.0.1', port, path, ca, agent: agent ?? false, ...options }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('error', reject);
    response.once('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: Buffer.concat(chunks).toString(),
      }),
    );
  });
  asked.on('error', reject);
  asked.end(body);
  return promise;
};
