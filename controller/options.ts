import { flag, type FlagValues, parseFlags, type Program } from '../src/lib/flags.ts';
import { err, ok, type Result } from '../src/lib/result.ts';
import { logLevels } from '../src/observe/log.ts';

/** MetalLB's flags for what this program does not do: accepted, so that existing manifests start. */
const withoutEffect = 'accepted for compatibility, no effect: ';

const flags = {
  port: flag.int({
    help: 'port of /metrics (HTTP, all addresses); 0 turns it off',
    fallback: 9120,
    min: 0,
    max: 65535,
  }),
  namespace: flag.string({
    help: "namespace of the configuration; default: the pod's own",
    fallback: '',
    env: 'METALLB_NAMESPACE',
  }),
  'ml-secret-name': flag.string({
    help: "name of the Secret with the speakers' common key, made if it is missing; empty: none is made",
    fallback: '',
    env: 'METALLB_ML_SECRET_NAME',
  }),
  deployment: flag.string({
    help: 'name of our Deployment, which owns that Secret',
    fallback: '',
    env: 'METALLB_DEPLOYMENT',
  }),
  'pod-name': flag.string({ help: `${withoutEffect}nothing is owned by our pod`, fallback: '' }),
  'log-level': flag.enum({ help: 'what to log', values: logLevels, fallback: 'info' }),
  'health-probe-port': flag.int({
    help: 'port of /healthz and /readyz (HTTP, all addresses); 0 turns it off',
    fallback: 17472,
    min: 0,
    max: 65535,
  }),
  'lb-class': flag.string({
    help: 'handle services with this spec.loadBalancerClass; empty: those without a class',
    fallback: '',
  }),
  kubeconfig: flag.string({ help: 'credentials, when not in a pod', fallback: '', env: 'KUBECONFIG' }),
  'pprof-bind-address': flag.string({ help: `${withoutEffect}there is no pprof in this program`, fallback: '' }),
  'webhook-mode': flag.enum({
    help: `${withoutEffect}there are no webhooks (onlywebhook is refused)`,
    values: ['enabled', 'disabled', 'onlywebhook'],
    fallback: 'enabled',
  }),
  'webhook-secret': flag.string({ help: `${withoutEffect}there are no webhooks`, fallback: 'metallb-webhook-cert' }),
  'webhook-http2': flag.bool({ help: `${withoutEffect}there are no webhooks`, fallback: false }),
  'disable-cert-rotation': flag.bool({ help: `${withoutEffect}there are no webhooks`, fallback: false }),
  'cert-dir': flag.string({
    help: `${withoutEffect}there are no webhooks`,
    fallback: '/tmp/k8s-webhook-server/serving-certs',
  }),
  'cert-service-name': flag.string({
    help: `${withoutEffect}there are no webhooks`,
    fallback: 'metallb-webhook-service',
  }),
  'tls-min-version': flag.string({ help: `${withoutEffect}nothing is served over TLS`, fallback: '' }),
  'tls-cipher-suites': flag.string({ help: `${withoutEffect}nothing is served over TLS`, fallback: '' }),
  'tls-curve-preferences': flag.string({ help: `${withoutEffect}nothing is served over TLS`, fallback: '' }),
  'metrics-cert-dir': flag.string({ help: `${withoutEffect}nothing is served over TLS`, fallback: '' }),
} as const;

/** The values of all flags. */
export type Options = FlagValues<typeof flags>;

export type Invocation =
  | {
      readonly type: 'run';
      readonly options: Options;
      /** Flags that were given and do nothing. */
      readonly ignored: readonly string[];
    }
  | { readonly type: 'print'; readonly text: string };

/** Reads the command line, without the program's name. The error says which flag is wrong. */
export const parseOptions = (
  version: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<Invocation> => {
  const program: Program = {
    name: 'controller',
    summary: 'gives services of type LoadBalancer their addresses',
    version,
  };
  const line = parseFlags(program, flags, argv, env);
  if (!line.ok) return line;
  if (line.value.type === 'print') return ok(line.value);
  const options = line.value.values;
  if (options['webhook-mode'] === 'onlywebhook') {
    return err('invalid value "onlywebhook" for flag -webhook-mode: there are no webhooks to serve');
  }
  const values: Readonly<Record<string, unknown>> = options;
  const ignored = Object.entries(flags)
    .filter(([name, { help, fallback }]) => help.startsWith(withoutEffect) && values[name] !== fallback)
    .map(([name]) => name);
  return ok({ type: 'run', options, ignored });
};
