import { flag, type FlagValues } from '../src/lib/flags.ts';
import { err, type Result } from '../src/lib/result.ts';
import { commonFlags, type Invocation, parseCommandLine } from '../src/observe/command-line.ts';

const flags = {
  ...commonFlags,
  'pod-name': flag.string({
    help: 'name of our pod, which owns the ConfigurationState and names us in the Lease; empty: the name of the host',
    fallback: '',
    env: 'METALLB_POD_NAME',
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
  config: flag.string({
    help: 'name of the ConfigMap with a configuration in the form of MetalLB 0.12 and before; empty: none is read',
    fallback: 'config',
  }),
  'leader-elect': flag.bool({
    help:
      'let the replicas agree by a Lease on the one that works; false: there is never a second one, so the Deployment ' +
      'needs replicas: 1 and the strategy Recreate',
    fallback: true,
  }),
  'reassign-on-pool-change': flag.bool({
    help: 'take away addresses that no pool has any more, as MetalLB does; false: services keep them',
    fallback: false,
  }),
  'health-probe-port': flag.int({
    help: 'port of /healthz and /readyz (HTTP, all addresses); 0: off',
    fallback: 17_472,
    min: 0,
    max: 65_535,
  }),
  'webhook-mode': flag.enum({
    help: 'enabled: webhooks and services; disabled: services alone; onlywebhook: webhooks alone',
    values: ['enabled', 'disabled', 'onlywebhook'],
    fallback: 'enabled',
  }),
  'webhook-port': flag.int({ help: 'port of the webhooks (HTTPS)', fallback: 9443, min: 1, max: 65_535 }),
  'webhook-secret': flag.string({
    help: "name of the Secret with the webhooks' certificate",
    fallback: 'metallb-webhook-cert',
  }),
  'webhook-http2': flag.bool({ help: 'offer HTTP/2 on the port of the webhooks as well', fallback: false }),
  'webhook-failure-policy': flag.enum({
    help: 'what the API server does when no webhook answers: let the object pass, or refuse it',
    values: ['Ignore', 'Fail'],
    fallback: 'Ignore',
  }),
  'disable-cert-rotation': flag.bool({
    help: "leave the webhooks' certificate to somebody else: nothing is issued, renewed or put into the API server",
    fallback: false,
  }),
  'cert-dir': flag.string({
    help: 'folder with tls.crt and tls.key for the webhooks, used with --disable-cert-rotation',
    fallback: '/tmp/k8s-webhook-server/serving-certs',
  }),
  'cert-service-name': flag.string({
    help: "name of the webhooks' Service, for which the certificate is made",
    fallback: 'metallb-webhook-service',
  }),
} as const;

/** The values of all flags. */
export type Options = FlagValues<typeof flags>;

/** Reads the command line, without the program's name. The error says which flag is wrong. */
export const parseOptions = (
  version: string,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Result<Invocation<Options>> => {
  const program = { name: 'controller', summary: 'gives services of type LoadBalancer their addresses', version };
  const invocation = parseCommandLine(program, flags, argv, env);
  if (!invocation.ok || invocation.value.type === 'print') return invocation;
  const { 'ml-secret-name': secret, deployment } = invocation.value.options;
  if (secret !== '' && deployment === '') {
    return err('the Secret needs an owner: give --deployment or METALLB_DEPLOYMENT beside --ml-secret-name');
  }
  return invocation;
};
