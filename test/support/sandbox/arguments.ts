import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { err, ok, type Result } from '../../../src/lib/result.ts';
import { type ProxyMode, proxyModes } from '../control-plane/components.ts';
import { kubernetesVersion } from '../kubernetes/version.ts';

/** What the command line of the sandbox asks for. */
export type SandboxCommand =
  | { readonly type: 'help' }
  | {
      readonly type: 'up';
      readonly name: string;
      readonly nodes: number;
      readonly nics: number;
      readonly subnet: string | undefined;
      readonly proxyMode: ProxyMode;
    }
  | { readonly type: 'env' | 'down'; readonly name: string }
  | { readonly type: 'unplug' | 'plug'; readonly name: string; readonly host: string }
  | { readonly type: 'exec'; readonly name: string; readonly host: string; readonly argv: readonly string[] };

export const usage = `A Kubernetes cluster and a LAN on this machine, in network namespaces of their own.

npm run sandbox -- up [OPTIONS]              starts it; it stays until 'down'
npm run sandbox -- env                       prints what a shell needs: eval "$(npm run --silent sandbox -- env)"
npm run sandbox -- exec HOST -- COMMAND      runs a command on router, cp, client, n1, n2, …
npm run sandbox -- unplug HOST               pulls the host's plug at the switch
npm run sandbox -- plug HOST                 puts it back
npm run sandbox -- down                      removes everything

  --nodes N            nodes of the cluster (3)
  --nics 1|2           network interfaces of each host, each on a switch of its own (1)
  --subnet CIDR        IPv4 subnet of the LAN (198.18.0.0/16)
  --proxy-mode MODE    nftables or iptables, for kube-proxy (nftables)
  --name X             which sandbox, where there is more than one (default)

The programs of Kubernetes ${kubernetesVersion} come from the folders METALLB_KUBERNETES_DIR and KUBEBUILDER_ASSETS, from
~/.cache/metallb-ts, from the official releases, or are built with Go: the first of these that has them.
etcd keeps its data in memory (/dev/shm) where there is room. Logs are in /run/metallb-ts/sandboxes/NAME/logs.
`;

const nameOption = { name: { type: 'string', default: 'default' } } as const;

const upOptions = {
  ...nameOption,
  nodes: { type: 'string', default: '3' },
  nics: { type: 'string', default: '1' },
  subnet: { type: 'string' },
  'proxy-mode': { type: 'string', default: 'nftables' },
} as const;

/** Reads the command line, without the program's name; the error is a sentence. */
export const parseSandboxArguments = (args: readonly string[]): Result<SandboxCommand> => {
  const [command, ...rest] = args;
  switch (command) {
    case undefined:
      return err('a command is missing: up, env, exec, unplug, plug or down');
    case 'help':
    case '--help':
    case '-h':
      return ok({ type: 'help' });
    case 'up':
      return parse(rest, upOptions, ({ values, positionals }) => parseUp(values, positionals));
    case 'env':
    case 'down':
      return parse(rest, nameOption, ({ values, positionals }) =>
        positionals.length === 0
          ? ok({ type: command, name: values.name })
          : err(`${command} takes no argument, not ${positionals.join(' ')}`),
      );
    case 'unplug':
    case 'plug':
      return parse(rest, nameOption, ({ values, positionals: [host, ...more] }) =>
        host !== undefined && more.length === 0
          ? ok({ type: command, name: values.name, host })
          : err(`${command} takes one host, for example: ${command} n1`),
      );
    case 'exec':
      return parseExec(rest);
    default:
      return err(`there is no command "${command}"; the commands are up, env, exec, unplug, plug and down`);
  }
};

const parse = <T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  read: (parsed: ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>>) => Result<SandboxCommand>,
): Result<SandboxCommand> => {
  if (args.includes('--help') || args.includes('-h')) return ok({ type: 'help' });
  try {
    return read(parseArgs({ args: [...args], options, allowPositionals: true }));
  } catch (error) {
    // Node words it for whoever called parseArgs; the first sentence is for everybody.
    return err((error as Error).message.split(/\.\s/)[0] ?? '');
  }
};

const parseUp = (
  values: { readonly [K in keyof typeof upOptions]?: string },
  positionals: readonly string[],
): Result<SandboxCommand> => {
  if (positionals.length > 0) return err(`up takes options only, not ${positionals.join(' ')}`);
  const { name = 'default', nodes, nics, subnet, 'proxy-mode': mode } = values;
  const proxyMode = proxyModes.find((candidate) => candidate === mode);
  if (proxyMode === undefined) return err(`--proxy-mode must be ${proxyModes.join(' or ')}, not ${mode}`);
  for (const [option, text] of [
    ['--nodes', nodes],
    ['--nics', nics],
  ] as const) {
    if (!/^\d+$/.test(text ?? '')) return err(`${option} must be a number, not "${text}"`);
  }
  return ok({ type: 'up', name, nodes: Number(nodes), nics: Number(nics), subnet, proxyMode });
};

/** Options stand before the host; what follows the host is the command's own. */
const parseExec = (args: readonly string[]): Result<SandboxCommand> => {
  const separator = args.indexOf('--');
  const before = separator < 0 ? args : args.slice(0, separator);
  const argv = separator < 0 ? [] : args.slice(separator + 1);
  return parse(before, nameOption, ({ values, positionals: [host, ...more] }) => {
    // npm may have taken the separator: then everything after the host is the command.
    const command = [...more, ...argv];
    return host === undefined || command.length === 0
      ? err('exec takes a host and a command, for example: exec client -- ip neighbour')
      : ok({ type: 'exec', name: values.name, host, argv: command });
  });
};
