import { Agent, request } from 'node:https';

/** What the API server answered. */
export type ApiAnswer = { readonly status: number; readonly body: string };

/** The little of the Kubernetes API that starting a cluster needs. */
export type Api = Disposable & {
  /** One GET; rejects if there is no answer within two seconds. */
  readonly get: (path: string) => Promise<ApiAnswer>;
};

export const connectApi = (server: string, ca: string, token: string): Api => {
  const agent = new Agent({ ca, keepAlive: true });
  return {
    get: (path) => {
      const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
      const call = request(
        new URL(path, server),
        { agent, headers: { authorization: `Bearer ${token}` }, timeout: 2000 },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () =>
            resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }),
          );
        },
      );
      call.once('timeout', () => call.destroy(new Error(`no answer to GET ${path} in 2 s`)));
      call.once('error', reject);
      call.end();
      return promise;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
};
