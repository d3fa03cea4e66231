import { type BgpType, bgpTypes } from '../lib/bgp-type.ts';
import { type Flag, flag, type FlagValues, parseFlags, type Program } from '../lib/flags.ts';
import { err, ok, type Result } from '../lib/result.ts';
import { logLevels } from './log.ts';
import { parseTlsOptions, type TlsFlags } from './http/tls-options.ts';

const noEffect = 'accepted for compatibility, no effect: ';

/** A flag of MetalLB for what the program does not do: accepted, so that existing manifests start. */
export const withoutEffect = (why: string): Flag<string> => flag.string({ help: `${noEffect}${why}`, fallback: '' });

/** As `withoutEffect`, for a flag that stands alone. */
export const switchWithoutEffect = (why: string): Flag<boolean> =>
  flag.bool({ help: `${noEffect}${why}`, fallback: false });

/** What both programs take: MetalLB's names and defaults. */
export const commonFlags = {
  namespace: flag.string({
    help: 'namespace of the custom resources; empty: the one this pod runs in',
    fallback: '',
    env: 'METALLB_NAMESPACE',
  }),
  'lb-class': flag.string({
    help: 'handle services with this spec.loadBalancerClass; empty: those without one',
    fallback: '',
  }),
  'log-level': flag.enum({ help: 'what is logged', values: logLevels, fallback: 'info' }),
  port: flag.int({ help: 'port of /metrics (HTTPS, all addresses); 0: off', fallback: 9120, min: 0, max: 65_535 }),
  kubeconfig: flag.string({
    help: 'kubeconfig file, to run outside a pod; empty: the account of the pod',
    fallback: '',
    env: 'KUBECONFIG',
  }),
  'pprof-bind-address': withoutEffect('there is no pprof in this program'),
  'metrics-cert-dir': flag.string({
    help: 'folder with tls.crt and tls.key for /metrics; empty: a certificate of our own making',
    fallback: '',
  }),
  'tls-min-version': flag.string({
    help: 'least version of TLS: VersionTLS12 or VersionTLS13; empty: VersionTLS13',
    fallback: '',
  }),
  'tls-cipher-suites': flag.string({
    help: 'cipher suites for TLS 1.2 by their IANA names, comma separated; empty: the usual ones',
    fallback: '',
  }),
  'tls-curve-preferences': flag.string({
    help: 'key exchanges by their IANA numbers (23 is P-256, 29 X25519), comma separated; empty: the usual ones',
    fallback: '',
  }),
} as const;

/** What a program ends with: it was asked to end, it cannot start or go on, its command line is wrong. */
export const exitCode = { clean: 0, failure: 1, usage: 2 } as const;

const bgpVariable = 'METALLB_BGP_TYPE';

const noSessions = 'BGP is not spoken yet, services are announced by layer 2 alone';

const notes = `
Environment:
  ${bgpVariable}  ${bgpTypes.join(', ')}: how peers are checked; ${noSessions}

Exit codes:
  ${exitCode.clean}  ended by SIGTERM or SIGINT
  ${exitCode.failure}  could not start, or failed
  ${exitCode.usage}  the command line or the environment is wrong
`;

/** What a command line asks for: to run, or to print a text and end well. */
export type Invocation<Options> =
  | {
      readonly type: 'run';
      readonly options: Options;
      readonly bgpType: BgpType;
      /** What was asked for and is not done, to be logged. */
      readonly warnings: readonly string[];
    }
  | { readonly type: 'print'; readonly text: string };

/** Reads the command line, without the program's name, and the environment. The error says what is wrong. */
export const parseCommandLine = <
  const Flags extends Readonly<Record<string, Flag<unknown>>> & Readonly<Record<keyof TlsFlags, Flag<string>>>,
>(
  program: Omit<Program, 'notes'>,
  flags: Flags,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<Invocation<FlagValues<Flags>>> => {
  const line = parseFlags({ ...program, notes }, flags, argv, env);
  if (!line.ok) return line;
  if (line.value.type === 'print') return ok(line.value);
  const bgpText = env[bgpVariable] || 'native';
  const bgpType = bgpTypes.find((type) => type === bgpText);
  if (bgpType === undefined) {
    return err(
      `invalid value ${JSON.stringify(bgpText)} of variable ${bgpVariable}: must be one of ${bgpTypes.join(', ')}`,
    );
  }
  const options = line.value.values;
  // The constraint of `Flags` says as much, in a way that the compiler does not follow.
  const tls = parseTlsOptions(options as unknown as TlsFlags);
  if (!tls.ok) return tls;
  const values: Readonly<Record<string, unknown>> = options;
  const warnings = Object.entries(flags)
    .filter(([name, { help, fallback }]) => help.startsWith(noEffect) && values[name] !== fallback)
    .map(([name, { help }]) => `-${name} has no effect: ${help.slice(noEffect.length)}`);
  if (bgpType !== 'native') {
    warnings.push(`${bgpVariable}=${bgpType}: ${noSessions}; peers are checked as that type asks`);
  }
  return ok({ type: 'run', options, bgpType, warnings });
};
