import { flag, type FlagValues } from '../src/lib/flags.ts';
import { err, type Result } from '../src/lib/result.ts';
import {
  commonFlags,
  type Invocation,
  parseCommandLine,
  switchWithoutEffect,
  withoutEffect,
} from '../src/observe/command-line.ts';

/** The label selector of the speaker pods where none is given; MetalLB's manifests label them so. */
export const defaultPodSelector = 'app=metallb,component=speaker';

const noMemberlist = 'who takes part is read from the API';
const noBgp = 'there is no BGP yet';

const flags = {
  ...commonFlags,
  'node-name': flag.string({
    help: 'name of the Node object this speaker runs on; required',
    fallback: '',
    env: 'METALLB_NODE_NAME',
  }),
  'ignore-exclude-lb': flag.bool({
    help: 'announce from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers, too',
    fallback: false,
  }),
  'ml-labels': flag.string({
    help: 'label selector of the speaker pods',
    fallback: defaultPodSelector,
    env: 'METALLB_ML_LABELS',
  }),
  'pod-name': withoutEffect('nothing is read of our own pod by its name'),
  config: flag.string({
    help: 'name of the ConfigMap with a configuration in the form of MetalLB 0.12 and before; empty: none is read',
    fallback: 'config',
  }),
  'health-probe-port': flag.int({
    help: 'port of /healthz and /readyz (HTTP, 127.0.0.1); 0: off',
    fallback: 17_472,
    min: 0,
    max: 65_535,
  }),
  host: withoutEffect('nothing needs the address of the node'),
  'ml-bindaddr': withoutEffect(noMemberlist),
  'ml-bindport': withoutEffect(noMemberlist),
  'ml-secret-key-path': withoutEffect(noMemberlist),
  'ml-wan-config': switchWithoutEffect(noMemberlist),
  'bgp-debounce-timeout': withoutEffect(noBgp),
  'frrk8s-namespace': withoutEffect(noBgp),
  'frrk8s-secret-passthrough': switchWithoutEffect(noBgp),
} as const;

/** The values of all flags. */
export type Options = FlagValues<typeof flags>;

/** Reads the command line, without the program's name. The error says which flag is wrong. */
export const parseOptions = (
  version: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<Invocation<Options>> => {
  const summary = 'makes the addresses of services reachable from the LAN, one on every node';
  const invocation = parseCommandLine({ name: 'speaker', summary, version }, flags, argv, env);
  if (!invocation.ok || invocation.value.type === 'print') return invocation;
  return invocation.value.options['node-name'] === ''
    ? err('no node name: give --node-name or METALLB_NODE_NAME')
    : invocation;
};
