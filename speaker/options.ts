import { flag, type FlagValues } from '../src/lib/flags.ts';
import { parseIp } from '../src/lib/ip.ts';
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

const elections = ['balanced', 'metallb'] as const;

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
  'pod-name': flag.string({
    help: 'name of our pod, which owns what we write; empty: nobody does',
    fallback: '',
    env: 'METALLB_POD_NAME',
  }),
  election: flag.enum({
    help:
      'who announces an address: balanced keeps a living owner and spreads the rest evenly; metallb is the order of ' +
      'MetalLB, which also applies while a speaker of MetalLB takes part',
    values: elections,
    fallback: 'balanced',
  }),
  rebalance: flag.bool({
    help: 'move an address from the busiest node to the least busy one, at most one a minute, after nodes were added',
    fallback: true,
  }),
  'address-probes': flag.bool({
    help: 'ask the LAN whether another host has an address before announcing it for the first time (RFC 5227)',
    fallback: true,
  }),
  'beacon-port': flag.int({
    help: 'UDP port by which speakers watch each other on every segment; needs --ml-secret-key-path',
    fallback: 7947,
    min: 1,
    max: 65_535,
  }),
  'ml-bindaddr': flag.string({
    help: 'address for memberlist, by which speakers know each other; empty: ready speaker pods are asked of the API',
    fallback: '',
    env: 'METALLB_ML_BIND_ADDR',
  }),
  'ml-bindport': flag.int({
    help: 'port of memberlist (UDP and TCP), the same on every node',
    fallback: 7946,
    min: 1,
    max: 65_535,
    env: 'METALLB_ML_BIND_PORT',
  }),
  'ml-labels': flag.string({
    help: 'label selector of the speaker pods',
    fallback: defaultPodSelector,
    env: 'METALLB_ML_LABELS',
  }),
  'ml-secret-key-path': flag.string({
    help: 'folder with the file secretkey, the key of memberlist and beacons; empty: no beacons, and memberlist in clear',
    fallback: '',
    env: 'METALLB_ML_SECRET_KEY_PATH',
  }),
  'ml-wan-config': flag.bool({ help: 'memberlist with the longer times of its WAN profile', fallback: false }),
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
  const problem = whatIsWrong(invocation.value.options);
  return problem === undefined ? invocation : err(problem);
};

const whatIsWrong = (options: Options): string | undefined => {
  const bindAddress = options['ml-bindaddr'];
  if (options['node-name'] === '') return 'no node name: give --node-name or METALLB_NODE_NAME';
  if (bindAddress !== '' && !parseIp(bindAddress).ok) {
    return `invalid value ${JSON.stringify(bindAddress)} for flag -ml-bindaddr: not an IP address`;
  }
  return options['beacon-port'] === options['ml-bindport']
    ? `-beacon-port and -ml-bindport are both ${options['beacon-port']}: memberlist and beacons need a UDP port each`
    : undefined;
};
