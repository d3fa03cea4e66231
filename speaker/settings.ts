import { flag, type FlagValues } from '../src/lib/flags.ts';
import { logLevels } from '../src/observe/log.ts';

/** Said of flags that MetalLB's users may have in their arguments and that change nothing here. */
const withoutEffect = 'accepted, has no effect yet';

/** The flags of the speaker: MetalLB's names and defaults. */
export const speakerFlags = {
  'node-name': flag.string({
    help: 'name of the Node object this speaker runs on; required',
    fallback: '',
    env: 'METALLB_NODE_NAME',
  }),
  namespace: flag.string({
    help: 'namespace of the custom resources and of the speakers; empty: the one this pod runs in',
    fallback: '',
    env: 'METALLB_NAMESPACE',
  }),
  'lb-class': flag.string({
    help: 'handle the services of this loadBalancerClass; empty: those without one',
    fallback: '',
  }),
  'ignore-exclude-lb': flag.bool({
    help: 'announce from nodes with the label node.kubernetes.io/exclude-from-external-load-balancers, too',
    fallback: false,
  }),
  'ml-labels': flag.string({
    help: 'label selector of the speaker pods; empty: app=metallb,component=speaker',
    fallback: '',
    env: 'METALLB_ML_LABELS',
  }),
  'log-level': flag.enum({ help: 'what is logged', values: logLevels, fallback: 'info' }),
  port: flag.int({ help: 'port of /metrics, on every address; 0: off', fallback: 9120, min: 0, max: 65_535 }),
  'health-probe-port': flag.int({
    help: 'port of /healthz and /readyz, on 127.0.0.1; 0: off',
    fallback: 17_472,
    min: 0,
    max: 65_535,
  }),
  kubeconfig: flag.string({
    help: 'kubeconfig file, to run outside a pod; empty: the variable KUBECONFIG, else the account of the pod',
    fallback: '',
  }),
  'pod-name': flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_POD_NAME' }),
  host: flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_HOST' }),
  'ml-bindaddr': flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_ML_BIND_ADDR' }),
  'ml-bindport': flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_ML_BIND_PORT' }),
  'ml-secret-key-path': flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_ML_SECRET_KEY_PATH' }),
  'ml-wan-config': flag.bool({ help: withoutEffect, fallback: false }),
  'bgp-debounce-timeout': flag.string({ help: withoutEffect, fallback: '', env: 'METALLB_BGP_DEBOUNCE_TIMEOUT' }),
  'frrk8s-namespace': flag.string({ help: withoutEffect, fallback: '', env: 'FRRK8S_NAMESPACE' }),
  'frrk8s-secret-passthrough': flag.bool({ help: withoutEffect, fallback: false }),
  'pprof-bind-address': flag.string({ help: withoutEffect, fallback: '' }),
  'metrics-cert-dir': flag.string({ help: `${withoutEffect}: /metrics is plain HTTP`, fallback: '' }),
  'tls-min-version': flag.string({ help: `${withoutEffect}: /metrics is plain HTTP`, fallback: '' }),
  'tls-cipher-suites': flag.string({ help: `${withoutEffect}: /metrics is plain HTTP`, fallback: '' }),
  'tls-curve-preferences': flag.string({ help: `${withoutEffect}: /metrics is plain HTTP`, fallback: '' }),
} as const;

/** The values of the flags. */
export type SpeakerSettings = FlagValues<typeof speakerFlags>;

/** The label selector of the speaker pods where none is given; MetalLB's manifests label them so. */
export const defaultPodSelector = 'app=metallb,component=speaker';
