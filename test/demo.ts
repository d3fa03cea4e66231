/** `npm run demo`: everything a user would check, on one screen. */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { repository } from './support/cluster/build.ts';
import { eventually } from './support/cluster/eventually.ts';
import { probeHttp } from './support/cluster/http-probe.ts';
import { longestSilence } from './support/cluster/silence.ts';
import { addressesOf, curl, deployMetallb, getObject, neighbourMac, nodeOfMac } from './support/cluster/metallb.ts';
import { kubernetesVersion } from './support/kubernetes/version.ts';
import type { Sandbox } from './support/sandbox/sandbox.ts';
import { startSandbox } from './support/sandbox/start.ts';

const usage = `Usage: npm run demo [-- --json]
Starts a Kubernetes cluster of three nodes and a LAN inside network namespaces, applies the manifests and an example, and
shows what a client on the LAN sees, also when the node that owns the address is unplugged. Needs root. Takes about a
minute.
--json ends with the figures as one JSON line:
  createToAddressMs  from the service's appearance in a watch to its address there
  createToAnswerMs   from the same to the first answer to the client
  failoverMs         the longest time between two answers around the pulled plug; the client asks every 20 ms`;

const isTerminal = process.stdout.isTTY;
const bold = (text: string): string => (isTerminal ? `\x1b[1m${text}\x1b[0m` : text);
const dim = (text: string): string => (isTerminal ? `\x1b[2m${text}\x1b[0m` : text);
const say = (text = ''): void => {
  process.stdout.write(`${text}\n`);
};
const indent = (text: string): string => text.trimEnd().replaceAll(/^/gm, '  ');

const milliseconds = (value: number): string =>
  value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;

/** Shows a command as a user would type it, and what it printed. */
const show = async (sandbox: Sandbox, args: readonly string[], keep: (line: string) => boolean = () => true) => {
  const { stdout } = await sandbox.kubectl(args, { cwd: repository });
  say(bold(`$ kubectl ${args.join(' ')}`));
  say(indent(stdout.split('\n').filter(keep).join('\n')));
};

/** Shows the client's entry of the neighbour table (ARP) for the address. */
const showNeighbour = async (sandbox: Sandbox, address: string): Promise<void> => {
  const argv = ['ip', 'neigh', 'show', address];
  const { stdout } = await sandbox.exec('client', argv);
  say(bold(`client$ ${argv.join(' ')}`));
  say(indent(stdout));
};

/** Times at which a watch saw the service appear and get its address, in milliseconds since the Unix epoch. */
const watchService = (sandbox: Sandbox, name: string, signal: AbortSignal) => {
  const seen: { created?: number; addressed?: number } = {};
  const child = sandbox.spawn('cp', [
    'kubectl',
    'get',
    'service',
    `--field-selector=metadata.name=${name}`,
    '--watch',
    '--output=jsonpath={.metadata.name} {.status.loadBalancer.ingress[0].ip}{"\\n"}',
  ]);
  if (child.stdout === null) throw new Error('the watch has no output');
  signal.addEventListener('abort', () => child.kill());
  createInterface(child.stdout).on('line', (line) => {
    const now = performance.timeOrigin + performance.now();
    seen.created ??= now;
    if (line.trim().split(' ').length > 1) seen.addressed ??= now;
  });
  return seen;
};

/** Leaves backends on the other nodes only, so that what is measured later is the address and not a dead endpoint. */
const moveBackendsOff = async (sandbox: Sandbox, node: string): Promise<void> => {
  await sandbox.kubectl(['cordon', node]);
  await sandbox.kubectl(['delete', 'pod', '-l', 'app=echo', `--field-selector=spec.nodeName=${node}`], {
    timeout: 120_000,
  });
  await sandbox.kubectl(['rollout', 'status', 'deployment/echo', '--timeout=120s'], { timeout: 130_000 });
  await sandbox.kubectl(['uncordon', node]);
};

type Pods = { readonly items: readonly { readonly spec: { readonly nodeName: string } }[] };

const demo = async (sandbox: Sandbox, signal: AbortSignal, progress: (line: string) => void) => {
  const begin = performance.now();
  await deployMetallb(sandbox);
  progress(`controller and speakers, from manifests/metallb.yaml: ${milliseconds(performance.now() - begin)}`);
  await sandbox.kubectl(['apply', '-f', 'docs/examples/pool.yaml'], { cwd: repository });

  say();
  await show(sandbox, ['get', 'nodes']);
  await show(sandbox, ['-n', 'metallb-system', 'get', 'pods', '-o', 'wide', '--no-headers']);
  const seen = watchService(sandbox, 'echo', signal);
  await show(sandbox, ['apply', '-f', 'docs/examples/echo.yaml']);
  const address = await eventually('the service gets an address', async () => (await addressesOf(sandbox, 'echo'))[0], {
    signal,
  });
  const body = await eventually('the client gets an answer', () => curl(sandbox, 'client', address), { signal });
  const answered = performance.timeOrigin + performance.now();
  const { created, addressed } = await eventually(
    'the watch has seen the address',
    () => seen.addressed !== undefined && seen,
    { signal },
  );
  if (created === undefined || addressed === undefined) throw new Error('the watch saw no service');
  await show(sandbox, ['get', 'service', 'echo']);
  await show(sandbox, ['describe', 'service', 'echo'], (line) => /^(LoadBalancer Ingress|Events)|^  /.test(line));

  say(bold(`client$ curl http://${address}/`));
  say(indent(body));
  const ownerMac = await eventually('the client knows a MAC', () => neighbourMac(sandbox, 'client', address), {
    signal,
  });
  const ownerNode = await eventually('a node has that MAC', () => nodeOfMac(sandbox, ownerMac), { signal });
  await showNeighbour(sandbox, address);
  say(
    dim(
      indent(
        `that is ${ownerNode}; address after ${milliseconds(addressed - created)}, answer after ${milliseconds(answered - created)}`,
      ),
    ),
  );

  await moveBackendsOff(sandbox, ownerNode);
  const pods = await getObject<Pods>(sandbox, 'pods', '-l', 'app=echo');
  const backends = [...new Set(pods?.items.map(({ spec }) => spec.nodeName))].toSorted().join(', ');
  say();
  say(bold(`Pull the plug of ${ownerNode}.`) + ` The backends run on ${backends} and stay.`);
  say(dim(indent('The other speakers find out by themselves; Kubernetes calls the node dead some 50 s later.')));

  using probe = probeHttp(sandbox, 'client', `http://${address}/`, 20);
  await eventually('the probe is answered', () => probe.answers.length > 10, { signal });
  await sandbox.unplug(ownerNode);
  const unplugged = performance.timeOrigin + performance.now();
  const newMac = await eventually(
    'the client knows the new MAC',
    async () => {
      const mac = await neighbourMac(sandbox, 'client', address);
      return mac !== ownerMac && mac;
    },
    { signal },
  );
  const newOwnerNode = await eventually('a node has that MAC', () => nodeOfMac(sandbox, newMac), { signal });
  await eventually('it has answered', () => probe.answers.some((time) => time > unplugged + 2000), { signal });
  const failoverMs = longestSilence(probe.answers, unplugged - 500);
  await showNeighbour(sandbox, address);
  say(dim(indent(`that is ${newOwnerNode}; nobody answered for ${milliseconds(failoverMs)}`)));
  say(bold(`client$ curl http://${address}/`));
  say(indent(await eventually('an answer through the new owner', () => curl(sandbox, 'client', address), { signal })));
  return {
    kubernetes: kubernetesVersion,
    address,
    ownerNode,
    ownerMac,
    createToAddressMs: round(addressed - created),
    createToAnswerMs: round(answered - created),
    curl: body.trim(),
    failoverMs: round(failoverMs),
    newOwnerNode,
  };
};

const round = (value: number): number => Math.round(value * 10) / 10;

const main = async (): Promise<number> => {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help) {
    say(usage);
    return 0;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => interrupted.abort(new Error('interrupted')));
  }
  const { signal } = interrupted;
  const progress = (line: string): void => say(dim(line));
  say(bold(`metallb-ts on Kubernetes ${kubernetesVersion}`));
  try {
    await using sandbox = await startSandbox({ name: `demo${process.pid}`, log: progress, signal });
    const figures = await demo(sandbox, signal, progress);
    if (values.json) say(JSON.stringify(figures));
    return 0;
  } catch (error) {
    if (signal.aborted) {
      say('\ninterrupted; everything is removed');
      return 130;
    }
    throw error;
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(
    `${isUsage ? `${error.message}\n${usage}` : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = isUsage ? 2 : 1;
}
