import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { runCommand } from '../command.ts';
import { type ImageConfig, parseDockerfile } from './dockerfile.ts';
import { parseImageReference } from './image-reference.ts';

/** A file or folder that an image brings. */
export type ImageFile =
  | { readonly type: 'text'; readonly path: string; readonly content: string; readonly executable: boolean }
  /** Copied at the start of a container, readable for every user; a later build does not reach a running container. */
  | { readonly type: 'copy'; readonly path: string; readonly from: string }
  | { readonly type: 'bind'; readonly path: string; readonly from: string };

/** An image made of local files. */
export type Image = {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: ReadonlyMap<string, string>;
  /** As in a Dockerfile: empty (root), a name or a number, perhaps with `:group`. */
  readonly user: string;
  readonly workingDir: string;
  readonly files: readonly ImageFile[];
  /** Whether the machine's shell and tools are there; a distroless image has none. */
  readonly hasTools: boolean;
};

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const nodePath = '/nodejs/bin/node';

const plain: Omit<Image, 'files' | 'entrypoint'> = {
  cmd: [],
  env: new Map([['PATH', defaultPath]]),
  user: '',
  workingDir: '/',
  hasTools: true,
};

type Maker = (repo: string) => Promise<Result<Image>>;

let strippedProgram: Promise<string> | undefined;

/**
 * `programs/web-server.ts` without its types. Another process takes them away: the compiler would stay in this one's
 * memory for good.
 */
const webServerProgram = (): Promise<string> => {
  const strip =
    'process.stdout.write(require("node:module").stripTypeScriptTypes(require("node:fs").readFileSync(process.argv[1], "utf8")))';
  const file = join(import.meta.dirname, 'programs/web-server.ts');
  const node = [process.execPath, '--disable-warning=ExperimentalWarning'];
  strippedProgram ??= runCommand([...node, '-e', strip, file]).then(({ stdout }) => stdout);
  return strippedProgram;
};

/** An image whose program is one of the names of `programs/web-server.ts`, at the path where the real image has it. */
const webServer =
  (program: string, overrides: Partial<Image> = {}): Maker =>
  async (repo) => {
    const content = `#!${nodePath} --max-semi-space-size=1\n${await webServerProgram()}`;
    return ok({
      ...plain,
      entrypoint: [program],
      hasTools: false,
      ...overrides,
      files: [
        { type: 'bind', path: nodePath, from: await nodeBinary(repo) },
        { type: 'text', path: program, content, executable: true },
        ...(overrides.files ?? []),
      ],
    });
  };

const shell: Maker = async () => ok({ ...plain, entrypoint: [], cmd: ['sh'], files: [] });

const script = (path: string, content: string): ImageFile => ({ type: 'text', path, content, executable: true });

/** Runs what follows, as the entry scripts of many images do in the end. */
const entryScript = script('/docker-entrypoint.sh', '#!/bin/sh\nexec "$@"\n');

const nginx = (port: number): Maker =>
  webServer('/usr/local/sbin/nginx', {
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    env: new Map([['PATH', defaultPath], ...(port === 80 ? [] : [['NGINX_PORT', `${port}`] as const])]),
    user: port === 80 ? '' : '101',
    hasTools: true,
    files: [entryScript],
  });

/** Every image there is, by repository. */
const images: Readonly<Record<string, Maker>> = {
  'metallb-ts/controller': (repo) => ownImage(repo, 'controller'),
  'metallb-ts/speaker': (repo) => ownImage(repo, 'speaker'),
  'hashicorp/http-echo': webServer('/http-echo', { user: '65532' }),
  nginx: nginx(80),
  'nginxinc/nginx-unprivileged': nginx(8080),
  httpd: webServer('/usr/local/apache2/bin/httpd', { hasTools: true }),
  'grafana/grafana': webServer('/usr/share/grafana/bin/grafana', {
    entrypoint: ['/run.sh'],
    user: '472:0',
    hasTools: true,
    files: [script('/run.sh', '#!/bin/sh\nexec /usr/share/grafana/bin/grafana "$@"\n')],
  }),
  'traefik/whoami': webServer('/whoami'),
  'containous/whoami': webServer('/whoami'),
  'gcr.io/google-samples/hello-app': webServer('/hello-app'),
  'registry.k8s.io/echoserver': webServer('/echoserver'),
  'registry.k8s.io/e2e-test-images/agnhost': webServer('/agnhost', { cmd: ['pause'], hasTools: true }),
  'registry.k8s.io/pause': webServer('/pause'),
  busybox: shell,
  alpine: shell,
};

/** Finds an image by reference. The error is a sentence for the `Failed` event. */
export const findImage = async (reference: string, repo: string): Promise<Result<Image>> => {
  const { repository } = parseImageReference(reference);
  const maker = images[repository];
  if (maker !== undefined) return maker(repo);
  return err(
    `there is no registry here and no local program stands for "${repository}"; there are ${Object.keys(images).join(', ')}`,
  );
};

const nodeBinary = async (repo: string): Promise<string> => {
  const installed = join(repo, 'node_modules/.bin/node');
  return existsSync(installed) ? realpath(installed) : process.execPath;
};

/** One of the two programs of this repository: the built bundle, run as its Dockerfile says. */
const ownImage = async (repo: string, program: 'controller' | 'speaker'): Promise<Result<Image>> => {
  const dockerfile = join(repo, `Dockerfile.${program}`);
  const bundle = join(repo, 'dist', program);
  for (const file of [dockerfile, bundle]) {
    if (!existsSync(file)) return err(`${file} does not exist: run "npm run build" first`);
  }
  const config = parseDockerfile(await readFile(dockerfile, 'utf8'));
  const image = withBase(config);
  const [interpreter] = image.entrypoint;
  if (interpreter === undefined) return err(`${dockerfile} has no ENTRYPOINT`);
  return ok({
    ...image,
    hasTools: false,
    files: [
      { type: 'bind', path: interpreter, from: await nodeBinary(repo) },
      { type: 'copy', path: '/app', from: bundle },
    ],
  });
};

/** What a distroless Node image says where the Dockerfile says nothing. */
const withBase = ({
  base,
  entrypoint,
  cmd,
  env,
  user,
  workingDir,
}: ImageConfig): Omit<Image, 'files' | 'hasTools'> => ({
  entrypoint: entrypoint ?? [nodePath],
  cmd: cmd ?? [],
  env: new Map([['PATH', defaultPath], ['SSL_CERT_FILE', '/etc/ssl/certs/ca-certificates.crt'], ...env]),
  user: user ?? (base.includes('nonroot') ? '65532' : ''),
  workingDir: workingDir ?? '/',
});
