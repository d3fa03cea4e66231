/**
 * Answers over HTTP, agnhost over UDP too, as well-known example images do. One program with many names, like busybox: the name it was started
 * under decides. It stands alone (no import of ours), because it is copied into containers.
 */
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { basename, join, normalize } from 'node:path';

type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: string | Buffer };
type Server = {
  readonly port: number;
  readonly host?: string;
  readonly answer: (request: IncomingMessage) => Answer | Promise<Answer>;
};

const args = process.argv.slice(2);

/** The value of `-name value`, `-name=value` or the same with two dashes. */
const flag = (name: string): string | undefined => {
  for (const [index, word] of args.entries()) {
    if (word === `-${name}` || word === `--${name}`) return args[index + 1];
    const [, value] = new RegExp(`^--?${name}=(.*)$`, 's').exec(word) ?? [];
    if (value !== undefined) return value;
  }
  return undefined;
};

const portOf = (listen: string): number => Number(listen.slice(listen.lastIndexOf(':') + 1));

const html = (title: string, body: string): Answer => ({
  headers: { 'content-type': 'text/html' },
  body: `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`,
});

/** Serves the files of a folder where there are any, so that a ConfigMap mounted there is seen. */
const files =
  (folder: string, server: string, welcome: Answer) =>
  async (request: IncomingMessage): Promise<Answer> => {
    const path = normalize(new URL(request.url ?? '/', 'http://x').pathname);
    const headers = { server };
    try {
      const body = await readFile(join(folder, path.endsWith('/') ? `${path}index.html` : path));
      return { headers: { ...headers, 'content-type': /\.html$|\/$/.test(path) ? 'text/html' : 'text/plain' }, body };
    } catch {
      if (path === '/') return { ...welcome, headers: { ...headers, ...welcome.headers } };
      const page = html('404 Not Found', `<center><h1>404 Not Found</h1></center>\n<hr><center>${server}</center>`);
      return { ...page, status: 404, headers: { ...headers, ...page.headers } };
    }
  };

const nginxWelcome = html(
  'Welcome to nginx!',
  [
    '<h1>Welcome to nginx!</h1>',
    '<p>If you see this page, the nginx web server is successfully installed and',
    'working. Further configuration is required.</p>',
    '<p><em>Thank you for using nginx.</em></p>',
  ].join('\n'),
);

const requestLines = (request: IncomingMessage): string => {
  const headers = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    headers.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  }
  return [`${request.method} ${request.url} HTTP/${request.httpVersion}`, ...headers].join('\n');
};

const describe = (address: AddressInfo | string | null): string =>
  typeof address === 'object' && address !== null ? `port ${address.port}` : String(address);

const plainAddress = (address: string | undefined): string => (address ?? '').replace(/^::ffff:/, '');

const whoami = (request: IncomingMessage): Answer => ({
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body: [
    `Hostname: ${hostname()}`,
    ...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => `IP: ${address}`)),
    `RemoteAddr: ${plainAddress(request.socket.remoteAddress)}:${request.socket.remotePort}`,
    requestLines(request),
    '',
  ].join('\n'),
});

const grafana = (request: IncomingMessage): Answer => {
  const { pathname } = new URL(request.url ?? '/', 'http://x');
  if (pathname === '/login') return html('Grafana', '<h1>Welcome to Grafana</h1>');
  if (pathname === '/api/health') {
    return { headers: { 'content-type': 'application/json' }, body: '{"database":"ok"}\n' };
  }
  return {
    status: 302,
    headers: { location: '/login', 'content-type': 'text/html; charset=utf-8' },
    body: '<a href="/login">Found</a>.\n\n',
  };
};

const netexec = (request: IncomingMessage): Answer => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
  if (pathname === '/hostname' || pathname === '/hostName') return { body: hostname() };
  if (pathname === '/clientip') {
    return { body: `${plainAddress(request.socket.remoteAddress)}:${request.socket.remotePort}` };
  }
  if (pathname === '/echo')
    return { status: Number(searchParams.get('code') ?? 200), body: searchParams.get('msg') ?? '' };
  return { body: `NOW: ${new Date().toISOString()}` };
};

/** The commands that agnhost takes in a datagram. */
const answerDatagram = (datagram: string, client: string): string => {
  const [command, ...rest] = datagram.trim().split(' ');
  if (command === 'echo') return rest.join(' ');
  if (command === 'clientip') return client;
  return hostname();
};

const listenForDatagrams = (port: number): void => {
  const socket = createSocket({ type: 'udp6', ipv6Only: false });
  socket.on('message', (datagram, { address, port: from }) => {
    socket.send(answerDatagram(datagram.toString(), `${plainAddress(address)}:${from}`), from, address);
  });
  socket.bind(port);
};

/** The servers by program name, with the ports their images listen on. */
const servers: Readonly<Record<string, () => Server>> = {
  'http-echo': () => {
    const text = flag('text') ?? process.env['ECHO_TEXT'] ?? 'hello-world';
    const headers = { 'x-app-name': 'http-echo', 'content-type': 'text/plain; charset=utf-8' };
    const status = Number(flag('status-code') ?? 200);
    const listen = flag('listen') ?? ':5678';
    const host = listen.slice(0, listen.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
    return {
      port: portOf(listen),
      ...(host === '' ? {} : { host }),
      answer: () => ({ status, headers, body: `${text}\n` }),
    };
  },
  nginx: () => ({
    port: Number(process.env['NGINX_PORT'] ?? 80),
    answer: files('/usr/share/nginx/html', 'nginx', nginxWelcome),
  }),
  httpd: () => ({
    port: 80,
    answer: files('/usr/local/apache2/htdocs', 'Apache/2.4', {
      headers: { 'content-type': 'text/html' },
      body: '<html><body><h1>It works!</h1></body></html>\n',
    }),
  }),
  grafana: () => ({ port: Number(process.env['GF_SERVER_HTTP_PORT'] ?? 3000), answer: grafana }),
  whoami: () => ({ port: Number(flag('port') ?? process.env['WHOAMI_PORT_NUMBER'] ?? 80), answer: whoami }),
  'hello-app': () => ({
    port: Number(process.env['PORT'] ?? 8080),
    answer: () => ({ body: `Hello, world!\nVersion: 1.0.0\nHostname: ${hostname()}\n` }),
  }),
  echoserver: () => ({ port: 8080, answer: whoami }),
  agnhost: () => ({
    port: Number(flag('http-port') ?? flag('port') ?? (args[0] === 'serve-hostname' ? 9376 : 8080)),
    answer: args[0] === 'serve-hostname' ? () => ({ body: hostname() }) : netexec,
  }),
};

// agnhost goes on serving for some seconds where it is asked to.
const end = (): unknown => setTimeout(() => process.exit(0), 1000 * Number(flag('delay-shutdown') ?? 0));
for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) process.once(signal, end);

const name = basename(process.argv[1] ?? '');
if (name === 'pause' || (name === 'agnhost' && (args[0] ?? 'pause') === 'pause')) {
  setInterval(() => undefined, 2 ** 30);
} else {
  const server = servers[name]?.();
  if (name === 'agnhost' && args[0] === 'netexec') listenForDatagrams(Number(flag('udp-port') ?? 8081));
  if (server === undefined) throw new Error(`there is no server named ${name}`);
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const {
      status = 200,
      headers = { 'content-type': 'text/plain; charset=utf-8' },
      body = '',
    } = await server.answer(request);
    response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
    console.log(`${plainAddress(request.socket.remoteAddress)} "${request.method} ${request.url}" ${status}`);
  };
  const listening = createServer((request, response) => void serve(request, response));
  listening.listen(server.port, server.host, () =>
    console.log(`${name}: listening on ${describe(listening.address())}`),
  );
}
