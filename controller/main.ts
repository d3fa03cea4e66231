import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { collectAtRest, shrinkHeap } from '../src/io/collect-at-rest.ts';
import { realClock } from '../src/io/real-clock.ts';
import { type Api, ApiError } from '../src/k8s/api.ts';
import { createClient } from '../src/k8s/client.ts';
import { countWrites } from '../src/k8s/counted-api.ts';
import { loadCredentials, podNamespace } from '../src/k8s/credentials.ts';
import { createEventRecorder } from '../src/k8s/events.ts';
import { fenceWrites, isNotLeader } from '../src/k8s/fenced-api.ts';
import { createLeaderElection, type LeaderElection, soleLeader } from '../src/k8s/leader-election.ts';
import { createMetricsAccess } from '../src/k8s/metrics-access.ts';
import type { BgpType } from '../src/lib/bgp-type.ts';
import type { Log } from '../src/lib/log.ts';
import { type Millis, seconds, sleep, untilAborted } from '../src/lib/time.ts';
import { healthRoutes, serveHttp } from '../src/observe/http-server.ts';
import { serveHttps } from '../src/observe/https-server.ts';
import { createLog } from '../src/observe/log.ts';
import { serveMetrics } from '../src/observe/metrics-server.ts';
import { runProgram } from '../src/observe/run-program.ts';
import { selfSignedCertificate } from '../src/observe/self-signed.ts';
import { parseTlsOptions } from '../src/observe/tls-options.ts';
import { createCertificates } from './certificates/rotator.ts';
import { createConfigurationState } from './configuration-state.ts';
import { createController } from './controller.ts';
import { createLegacyConfig } from './legacy-config.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';
import { controllerMetrics } from './metrics.ts';
import { type Options, parseOptions } from './options.ts';
import { createRivalWatch, withoutRivals } from './rival.ts';
import { createWebhook } from './webhook/webhook.ts';

const clock = realClock;
const wallTime = Date.now;
const secretRetryDelay = seconds(2);

/** Name of the Lease by which the replicas agree. */
const leaseName = 'metallb-controller';

/** How long ending may take in all: the writes under way, then the events, then the lease. */
const endLimit = seconds(6);

/** Serves until the signal aborts; rejects if it cannot start. */
const run = async (options: Options, log: Log, signal: AbortSignal, bgpType: BgpType): Promise<void> => {
  const metallbNamespace = options.namespace || podNamespace();
  if (metallbNamespace === undefined)
    throw new Error('no namespace: not in a pod, no --namespace, no METALLB_NAMESPACE');
  const tls = parseTlsOptions(options);
  if (!tls.ok) throw new Error(tls.error);
  const podName = options['pod-name'] || hostname();
  log.info('starting', {
    event: 'startup',
    version: packageJson.version,
    namespace: metallbNamespace,
    lbClass: options['lb-class'],
  });
  const metrics = controllerMetrics();
  const credentials = await loadCredentials({ clock, kubeconfig: options.kubeconfig });
  const connect = (): Api =>
    createClient({ credentials, clock, userAgent: `metallb-controller/${packageJson.version}` });
  const counted = (each: Api): Api => countWrites(each, (resource, code) => metrics.apiWrites.inc({ resource, code }));
  const client = connect();
  /** With connections of its own: for what must not wait behind a burst of status writes. */
  const urgent = connect();

  const election = elect(options, { api: counted(urgent), log, namespace: metallbNamespace, podName });
  const rivals = createRivalWatch({ api: client, clock, log, namespace: metallbNamespace });
  const leadership = withoutRivals(election.leadership, rivals);
  const api = fenceWrites(counted(client), leadership);

  const events = createEventRecorder({ api, clock, log, wallTime, component: 'metallb-controller', host: '' });
  const onWriteFailed = (error: unknown, retryAfter: Millis): void => {
    metrics.updateErrors.inc();
    log.warn('configuration state not written', { error, retryAfterMs: Math.round(retryAfter) });
  };
  const configurationState = createConfigurationState({
    api,
    clock,
    log,
    wallTime,
    metallbNamespace,
    podName,
    onError: onWriteFailed,
  });
  const legacy = createLegacyConfig({
    api: client,
    writer: api,
    clock,
    log,
    namespace: metallbNamespace,
    name: options.config,
    onChange: () => controller.onConfigurationChange(),
  });
  const controller = createController(
    {
      api,
      leadership,
      clock,
      wallTime,
      log,
      events,
      metrics,
      configurationState,
      legacy,
      onWork: collectAtRest(clock, shrinkHeap).worked,
    },
    {
      metallbNamespace,
      lbClass: options['lb-class'],
      bgpType,
      reassignOnPoolChange: options['reassign-on-pool-change'],
      servesServices: options['webhook-mode'] !== 'onlywebhook',
    },
  );
  metrics.read({ queueDepth: controller.queueDepth, isLeader: leadership.isLeader });
  const certificates =
    options['webhook-mode'] === 'disabled'
      ? undefined
      : createCertificates({
          api,
          clock,
          wallTime,
          log,
          leadership,
          namespace: metallbNamespace,
          secretName: options['webhook-secret'],
          serviceName: options['cert-service-name'],
          failurePolicy: options['webhook-failure-policy'],
          manage: !options['disable-cert-rotation'],
          folder: options['cert-dir'],
        });

  /** Stored peers of an old version cannot be read without our webhook, so its readiness does not wait for them. */
  const whyNotReady = (): string | undefined => {
    // While one of the original MetalLB runs we write nothing, so also no certificate, and must not hold up a rollout.
    if (rivals.rivals().length > 0) return undefined;
    if (certificates !== undefined) return certificates.isReady() ? undefined : 'the webhook has no certificate yet';
    return controller.isReady() ? undefined : 'the cluster has not been read yet';
  };
  const onError = (error: unknown): void => log.error('request failed', { error });
  const servers = await Promise.all([
    serveMetrics({
      host: undefined,
      port: options.port,
      routes: controller.metricsRoutes,
      tls: tls.value,
      certDir: options['metrics-cert-dir'],
      selfSigned: async () => selfSignedCertificate({ commonName: podName, now: wallTime() }),
      access: createMetricsAccess({ api: urgent, clock, log }),
      log,
    }),
    serveHttp({
      host: undefined,
      port: options['health-probe-port'],
      routes: healthRoutes(whyNotReady),
      onError,
    }),
    certificates &&
      serveHttps({
        host: undefined,
        port: options['webhook-port'],
        routes: createWebhook({
          api: urgent,
          log,
          metallbNamespace,
          bgpType,
          reassignOnPoolChange: options['reassign-on-pool-change'],
          watched: controller.liveObjects,
        }),
        method: 'POST',
        tls: tls.value,
        http2: options['webhook-http2'],
        certificate: certificates.serving,
        log,
      }),
  ]);

  /** Whatever fails ends the others. */
  const failing = new AbortController();
  const watching = AbortSignal.any([signal, failing.signal]);
  const releasing = new AbortController();
  const settle = async (parts: readonly (Promise<void> | undefined)[]): Promise<PromiseSettledResult<void>[]> =>
    Promise.allSettled(
      parts.map(async (part) => {
        try {
          await part;
        } catch (error) {
          failing.abort();
          throw error;
        }
      }),
    );
  const electing = settle([election.run(releasing.signal)]);
  const working = settle([
    controller.run(watching),
    makeMemberlistSecret(api, options, metallbNamespace, log, watching),
    configurationState.run(watching),
    legacy.run(watching),
    rivals.run(watching),
    certificates?.run(watching),
  ]);
  await untilAborted(watching);
  // What is under way ends while this replica still leads; then another may.
  const outcomes = await working;
  await events.close(seconds(1));
  await election.release();
  releasing.abort();
  outcomes.push(...(await electing));
  await Promise.all(servers.map(async (server) => server?.close()));
  client.close();
  urgent.close();
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
};

const elect = (
  options: Options,
  { api, log, namespace, podName }: { readonly api: Api; readonly log: Log; namespace: string; podName: string },
): LeaderElection =>
  options['leader-elect']
    ? createLeaderElection({
        api,
        clock,
        wallTime,
        log,
        namespace,
        name: leaseName,
        identity: `${podName}_${randomUUID()}`,
        random: Math.random,
      })
    : { leadership: soleLeader, run: untilAborted, release: async () => {} };

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
      if (isNotLeader(error)) {
        await sleep(clock, secretRetryDelay, signal);
        continue;
      }
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
