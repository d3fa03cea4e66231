import { readFileSync } from 'node:fs';
import packageJson from '../package.json' with { type: 'json' };
import { collectAtRest, shrinkHeap } from '../src/io/collect-at-rest.ts';
import { realClock } from '../src/io/real-clock.ts';
import { createClient } from '../src/k8s/client/client.ts';
import { loadCredentials, podNamespace } from '../src/k8s/client/credentials.ts';
import { eventGate } from '../src/k8s/events/event-gate.ts';
import { createEventRecorder } from '../src/k8s/events/events.ts';
import { createMetricsAccess } from '../src/k8s/metrics-access.ts';
import type { Log } from '../src/lib/log.ts';
import { millis, seconds } from '../src/lib/time.ts';
import { healthRoutes, metricsRoutes, serveHttp } from '../src/observe/http/http-server.ts';
import { createLog } from '../src/observe/log.ts';
import { serveMetrics } from '../src/observe/http/metrics-server.ts';
import { createMetrics, kubernetesClientMetrics, processMetrics } from '../src/observe/metrics.ts';
import { runProgram } from '../src/observe/run-program.ts';
import { selfSignedCertificate } from '../src/observe/x509/self-signed.ts';
import { parseTlsOptions } from '../src/observe/http/tls-options.ts';
import { watchCluster } from './cluster.ts';
import { exclusionFile, parseExclusions } from './exclusions.ts';
import { speakerMetrics } from './metrics.ts';
import type { ResponderReport } from './responder/messages.ts';
import { startResponder } from './responder/client.ts';
import { defaultPodSelector, type Options, parseOptions } from './options.ts';
import { createSpeaker } from './speaker.ts';

const clock = realClock;

/** How long events may take to be written after SIGTERM, and how long ending may take in all. */
const eventsLimit = millis(300);
const endLimit = seconds(2);

const run = async (options: Options, log: Log, signal: AbortSignal): Promise<void> => {
  const self = options['node-name'];
  const namespace = options.namespace || podNamespace();
  if (namespace === undefined) throw new Error('no namespace: give --namespace or METALLB_NAMESPACE outside a pod');
  const tls = parseTlsOptions(options);
  if (!tls.ok) throw new Error(tls.error);
  log.info('starting', { event: 'startup', version: packageJson.version, namespace });

  const exclusions = parseExclusions(readIfExists(exclusionFile));
  if (!exclusions.ok) throw new Error(`cannot tell which interfaces are excluded: ${exclusions.error}`);
  const responder = startResponder({ excluded: exclusions.value });

  const metrics = createMetrics();
  processMetrics(metrics);
  const clientMetrics = kubernetesClientMetrics(metrics);
  const ours = speakerMetrics(metrics, self);

  const credentials = await loadCredentials({ clock, kubeconfig: options.kubeconfig });
  const api = createClient({ credentials, clock, userAgent: `metallb-speaker/${packageJson.version}` });
  const recorder = createEventRecorder({
    api,
    clock,
    log,
    wallTime: Date.now,
    component: 'metallb-speaker',
    host: self,
  });
  let updatedAt = clock.now();
  // An event is written after the frames it tells of, and not while more addresses are coming.
  const gate = eventGate({ clock, busyUntil: () => updatedAt });
  const rest = collectAtRest(clock, shrinkHeap);
  const cluster = watchCluster({
    api,
    clock,
    log,
    namespace,
    podSelector: options['ml-labels'] || defaultPodSelector,
    legacyName: options.config,
    metrics: clientMetrics,
    onUpdate: () => {
      clientMetrics.updates.inc();
      updatedAt = clock.now();
      rest.worked();
    },
    speaker: () => speaker,
  });
  const speaker = createSpeaker({
    self,
    loadBalancerClass: options['lb-class'],
    ignoreExcludeLabel: options['ignore-exclude-lb'],
    mirrors: cluster.mirrors,
    responder,
    recorder: { record: (object, event) => gate.pass(() => recorder.record(object, event)) },
    announced: ours.announced,
    log,
  });

  responder.onReport((report: ResponderReport) => {
    switch (report.type) {
      case 'interfaces':
        return speaker.onInterfaces(report.names);
      case 'counters':
        return ours.count(report.perAddress);
      case 'log':
        return log[report.level](report.message, report.fields);
    }
  });
  void cluster.synced.then(() => {
    clientMetrics.configLoaded.set(1);
    speaker.synced();
    log.info('every watch is synced', { event: 'synced' });
  });

  const onError = (error: unknown): void => log.error('an HTTP request failed', { error });
  const whyNotReady = (): string | undefined => (speaker.isReady() ? undefined : 'not synced yet');
  const servers = await Promise.all([
    serveMetrics({
      host: undefined,
      port: options.port,
      routes: metricsRoutes(metrics.registry),
      tls: tls.value,
      certDir: options['metrics-cert-dir'],
      selfSigned: () => selfSignedCertificate({ commonName: self, now: Date.now() }),
      access: createMetricsAccess({ api, clock, log }),
      log,
    }),
    serveHttp({
      host: '127.0.0.1',
      port: options['health-probe-port'],
      routes: healthRoutes(whyNotReady),
      onError,
    }),
  ]);

  await cluster.run(signal);
  // Silence first: once the pod is being deleted, another speaker has the addresses.
  await responder.stop();
  gate.open();
  await recorder.close(eventsLimit);
  for (const server of servers) await server?.close();
  api.close();
};

const readIfExists = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

await runProgram({
  name: 'speaker',
  process,
  clock,
  invocation: parseOptions(packageJson.version, process.argv.slice(2), process.env),
  createLog: (options) => createLog({ level: options['log-level'], fields: { node: options['node-name'] } }),
  endLimit,
  run,
});
