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
import { runProgram } from '../src/observe/run-program.ts';
import { createController } from './controller.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';
import { controllerMetrics } from './metrics.ts';
import { type Options, parseOptions } from './options.ts';

const clock = realClock;
const secretRetryDelay = seconds(2);

/** How long ending may take in all: the writes under way, then the events. */
const endLimit = seconds(5);

/** Serves until the signal aborts; rejects if it cannot start. */
const run = async (options: Options, log: Log, signal: AbortSignal): Promise<void> => {
  const metallbNamespace = options.namespace || podNamespace();
  if (metallbNamespace === undefined)
    throw new Error('no namespace: not in a pod, no --namespace, no METALLB_NAMESPACE');
  log.info('starting', {
    event: 'startup',
    version: packageJson.version,
    namespace: metallbNamespace,
    lbClass: options['lb-class'],
  });
  const ending = new AbortController();
  signal.addEventListener('abort', () => ending.abort(), { once: true });

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

await runProgram({
  name: 'controller',
  process,
  clock,
  invocation: parseOptions(packageJson.version, process.argv.slice(2), process.env),
  createLog: (options) => createLog({ level: options['log-level'] }),
  endLimit,
  run,
});
