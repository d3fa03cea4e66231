import { flag, type FlagValues } from '../src/lib/flags.ts';
import { err, type Result } from '../src/lib/result.ts';
import {
  commonFlags,
  type Invocation,
  parseCommandLine,
  switchWithoutEffect,
  withoutEffect,
} from '../src/observe/command-line.ts';

const noWebhooks = 'there are no webhooks';

const flags = {
  ...commonFlags,
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
  'health-probe-port': flag.int({
    help: 'port of /healthz and /readyz (HTTP, all addresses); 0: off',
    fallback: 17_472,
    min: 0,
    max: 65_535,
  }),
  'webhook-mode': withoutEffect(`${noWebhooks} (onlywebhook is refused)`),
  'webhook-secret': withoutEffect(noWebhooks),
  'webhook-http2': switchWithoutEffect(noWebhooks),
  'disable-cert-rotation': switchWithoutEffect(noWebhooks),
  'cert-dir': withoutEffect(noWebhooks),
  'cert-service-name': withoutEffect(noWebhooks),
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
  const { 'webhook-mode': mode, 'ml-secret-name': secret, deployment } = invocation.value.options;
  if (mode === 'onlywebhook') {
    return err('invalid value "onlywebhook" for flag -webhook-mode: there are no webhooks to serve');
  }
  if (!['', 'enabled', 'disabled'].includes(mode)) {
    return err(`invalid value ${JSON.stringify(mode)} for flag -webhook-mode: must be one of enabled, disabled`);
  }
  if (secret !== '' && deployment === '') {
    return err('the Secret needs an owner: give --deployment or METALLB_DEPLOYMENT beside --ml-secret-name');
  }
  return invocation;
};
