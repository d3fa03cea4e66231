import packageJson from '../package.json' with { type: 'json' };
import { collectAtRest, shrinkHeap } from '../src/io/collect-at-rest.ts';
import { realClock } from '../src/io/real-clock.ts';
import { type Api, ApiError } from '../src/k8s/api.ts';
import { createClient } from '../src/k8s/client.ts';
import { loadCredentials, podNamespace } from '../src/k8s/credentials.ts';
import { createEventRecorder } from '../src/k8s/events.ts';
import type { Log } from '../src/lib/log.ts';
import { seconds, sleep } from '../src/lib/time.ts';
import { healthRoutes, serveHttp } from '../src/observe/http-server.ts';
import { createLog } from '../src/observe/log.ts';
import { createController } from './controller.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';
import { controllerMetrics } from './metrics.ts';
import { type Options, parseOptions } from './options.ts';

/** 0: ended by SIGTERM or SIGINT. 1: could not start, or a fault of ours. 2: bad usage. */
type ExitCode = 0 | 1 | 2;

const clock = realClock;
const secretRetryDelay = seconds(2);

const main = async (argv: readonly string[]): Promise<ExitCode> => {
  const invocation = parseOptions(packageJson.version, argv, process.env);
  if (!invocation.ok) {
    process.stderr.write(`controller: ${invocation.error}\nSee controller --help.\n`);
    return 2;
  }
  if (invocation.value.type === 'print') {
    process.stdout.write(invocation.value.text);
    return 0;
  }
  const { options, ignored } = invocation.value;
  const log = createLog({ level: options['log-level'] });
  if (ignored.length > 0) log.warn('flags without effect', { flags: ignored });
  if (process.env['METALLB_BGP_TYPE'] === 'frr') log.warn('METALLB_BGP_TYPE=frr is deprecated');
  try {
    await serve(options, log);
    log.info('ended');
    return 0;
  } catch (error) {
    log.error('failed', { error });
    return 1;
  }
};

/** Runs until a signal ends the process; rejects if it cannot start. */
const serve = async (options: Options, log: Log): Promise<void> => {
  const metallbNamespace = options.namespace || podNamespace();
  if (metallbNamespace === undefined)
    throw new Error('no namespace: not in a pod, no --namespace, no METALLB_NAMESPACE');
  log.info('starting', { version: packageJson.version, namespace: metallbNamespace, lbClass: options['lb-class'] });

  const ending = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      log.info('ending', { signal: name });
      ending.abort();
    });
  }

  const credentials = await loadCredentials({ clock, kubeconfig: options.kubeconfig });
  const api = createClient({ credentials, clock, userAgent: `metallb-controller/${packageJson.version}` });
  const events = createEventRecorder({
    api,
    clock,
    log,
    wallTime: Date.now,
    component: 'metallb-controller',
    host: '',
  });
  const controller = createController(
    { api, clock, log, events, metrics: controllerMetrics(), onWork: collectAtRest(clock, shrinkHeap).worked },
    { metallbNamespace, lbClass: options['lb-class'] },
  );
  const onError = (error: unknown): void => log.error('request failed', { error });
  const servers = await Promise.all([
    serveHttp({ host: undefined, port: options.port, routes: controller.metricsRoutes, onError }),
    serveHttp({
      host: undefined,
      port: options['health-probe-port'],
      routes: healthRoutes(() => (controller.isReady() ? undefined : 'the cluster has not been read yet')),
      onError,
    }),
  ]);

  try {
    const outcomes = await Promise.allSettled(
      [controller.run(ending.signal), makeMemberlistSecret(api, options, metallbNamespace, log, ending.signal)].map(
        // Whichever fails takes the other with it.
        async (part) =>
          part.catch((error: unknown) => {
            ending.abort();
            throw error;
          }),
      ),
    );
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  } finally {
    await events.close(seconds(1));
    await Promise.all(servers.map(async (server) => server?.close()));
    api.close();
  }
};

/** Makes the Secret as soon as the API server can be reached; rejects if it refuses. */
const makeMemberlistSecret = async (
  api: Api,
  { deployment, 'ml-secret-name': name }: Options,
  namespace: string,
  log: Log,
  signal: AbortSignal,
): Promise<void> => {
  if (name === '') return;
  while (!signal.aborted) {
    try {
      const outcome = await ensureMemberlistSecret({ api, namespace, name, deployment, signal });
      log.info('memberlist secret', { secret: `${namespace}/${name}`, outcome });
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
        throw new Error(`cannot make the Secret ${namespace}/${name}`, { cause: error });
      }
      log.warn('memberlist secret not made', { secret: `${namespace}/${name}`, error });
      await sleep(clock, secretRetryDelay, signal);
    }
  }
};

// Whatever is still open, a port for example, must not keep a program alive that has failed.
process.exit(await main(process.argv.slice(2)));
