import { existsSync, readFileSync, watch } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { join } from 'node:path';
import type { Log } from '../../../src/lib/log.ts';
import { runCommand } from '../command.ts';

/** Which part of a log is wanted: the query of the kubelet's `containerLogs`. */
export type LogRequest = {
  readonly file: string;
  readonly follow: boolean;
  /** Lines from the end; all if undefined. */
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
};

/** Reads a request for a log; `undefined` if the path is another. */
export const parseLogRequest = (url: string, logs: string): LogRequest | undefined => {
  const { pathname, searchParams } = new URL(url, 'https://node');
  const [, namespace, pod, container] = /^\/containerLogs\/([\w.-]+)\/([\w.-]+)\/([\w.-]+)$/.exec(pathname) ?? [];
  if (namespace === undefined || pod === undefined || container === undefined) return undefined;
  const number = (name: string): number | undefined => {
    const text = searchParams.get(name);
    return text === null ? undefined : Number(text);
  };
  const previous = searchParams.get('previous') === 'true' ? '.previous' : '';
  return {
    file: join(logs, `${namespace}_${pod}`, `${container}.log${previous}`),
    follow: searchParams.get('follow') === 'true',
    tailLines: number('tailLines'),
    limitBytes: number('limitBytes'),
  };
};

/** The offset at which the last `lines` lines begin. */
export const tailOffset = (content: Buffer, lines: number): number => {
  let at = content.length;
  if (lines === 0) return at;
  // A line break at the very end belongs to the last line.
  if (content.at(-1) === 10) at -= 1;
  for (let found = 0; found < lines; found++) {
    if (at === 0) return 0;
    at = content.lastIndexOf(10, at - 1);
    if (at < 0) return 0;
  }
  return at + 1;
};

/**
 * Serves the logs of this node's containers to the API server, so that `kubectl logs` works. The certificate is signed by
 * nobody: the API server asks for no more than encryption where it has not been given the kubelets' authority.
 */
export const serveKubelet = async (
  port: number,
  stateDir: string,
  isRunning: (namespace: string, pod: string, container: string) => boolean,
  log: Log,
): Promise<Server> => {
  const key = join(stateDir, 'kubelet.key');
  const cert = join(stateDir, 'kubelet.crt');
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=node-agent'.split(
    ' ',
  );
  await runCommand(['openssl', ...kind, '-keyout', key, '-out', cert]);
  const logs = join(stateDir, 'logs');

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const wanted = parseLogRequest(request.url ?? '/', logs);
    if (wanted === undefined || !existsSync(wanted.file)) {
      response.writeHead(wanted === undefined && request.url === '/healthz' ? 200 : 404);
      response.end(wanted === undefined ? 'ok' : 'there is no such log\n');
      return;
    }
    const [, , namespace = '', pod = '', container = ''] = new URL(request.url ?? '/', 'https://node').pathname.split(
      '/',
    );
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.flushHeaders();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    await sendLog(wanted, response, () => isRunning(namespace, pod, container), gone.signal);
    response.end();
  };

  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.warn('log not served', { url: request.url, error });
      response.destroy();
    });
  });
  server.on('error', (error) => log.warn('logs are not served', { error }));
  return server.listen(port);
};

const sendLog = async (
  { file, follow, tailLines, limitBytes = Infinity }: LogRequest,
  response: ServerResponse,
  isRunning: () => boolean,
  signal: AbortSignal,
): Promise<void> => {
  await using handle = await open(file);
  const content = await handle.readFile();
  const start = tailLines === undefined ? 0 : tailOffset(content, tailLines);
  const first = content.subarray(start, start + Math.min(limitBytes, content.length));
  response.write(first);
  if (!follow) return;
  let offset = content.length;
  let changed = Promise.withResolvers<void>();
  // Reading begins anew with each change, and once a second to see whether the container has ended.
  using _watcher = disposable(watch(file, () => changed.resolve()));
  for (;;) {
    const wasRunning = isRunning();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(65_536), 0, 65_536, offset);
    if (bytesRead > 0) {
      offset += bytesRead;
      response.write(buffer.subarray(0, bytesRead));
      continue;
    }
    if (signal.aborted || !wasRunning) return;
    const alarm = setTimeout(() => changed.resolve(), 1000);
    await changed.promise;
    clearTimeout(alarm);
    changed = Promise.withResolvers();
  }
};

const disposable = (watcher: { readonly close: () => void }): Disposable => ({
  [Symbol.dispose]: () => watcher.close(),
});
