import packageJson from '../package.json' with { type: 'json' };
import { collectAtRest, shrinkHeap } from '../src/io/collect-at-rest.ts';
import { giveBackMemory } from '../src/io/give-back-memory.ts';
import { realClock } from '../src/io/real-clock.ts';
import { createClient } from '../src/k8s/client/client.ts';
import { loadCredentials, podNamespace } from '../src/k8s/client/credentials.ts';
import { createConfigurationState, stateOfSpeaker } from '../src/k8s/configuration-state.ts';
import { eventGate } from '../src/k8s/events/event-gate.ts';
import { createEventRecorder, type EventText } from '../src/k8s/events/events.ts';
import { soleLeader } from '../src/k8s/leadership/leader-election.ts';
import { createMetricsAccess } from '../src/k8s/metrics-access.ts';
import { ownPod } from '../src/k8s/own-pod.ts';
import { resources } from '../src/k8s/resources.ts';
import { type Ip, parseIp } from '../src/lib/ip.ts';
import type { Log } from '../src/lib/log.ts';
import { runTogether } from '../src/lib/tasks.ts';
import { millis, seconds, sleep } from '../src/lib/time.ts';
import { healthRoutes, metricsRoutes, serveHttp } from '../src/observe/http/http-server.ts';
import { serveMetrics } from '../src/observe/http/metrics-server.ts';
import { parseTlsOptions } from '../src/observe/http/tls-options.ts';
import { createLog } from '../src/observe/log.ts';
import { createMetrics, kubernetesClientMetrics, processMetrics } from '../src/observe/metrics.ts';
import { runProgram } from '../src/observe/run-program.ts';
import { selfSignedCertificate } from '../src/observe/x509/self-signed.ts';
import { watchCluster } from './cluster.ts';
import { failoverMetrics } from './failover-metrics.ts';
import { enterLan } from './lan.ts';
import { speakerMetrics } from './metrics.ts';
import { isNameOfAnother } from './name-right.ts';
import { defaultPodSelector, type Options, parseOptions } from './options.ts';
import { createParticipants } from './participants.ts';
import { readReports } from './responder-reports.ts';
import type { ResponderThread } from './responder/client.ts';
import { createSpeaker } from './speaker.ts';
import { createAnnouncementReporter } from './status/announcement-reporter.ts';
import { createL2StatusWriter } from './status/l2-status-writer.ts';
import { createNodeReporter } from './status/node-reporter.ts';

const clock = realClock;
const wallTime = Date.now;

/**
 * How long ending may take: for handing over what is owned, for telling memberlist, for events, and in all. MetalLB's
 * manifests give a speaker 2 s to end, and what matters comes first.
 */
const endLimits = { handOver: seconds(1), leave: millis(500), events: millis(300), all: seconds(4) } as const;

/** The responder is told this often whether all watches are current. */
const watchCheck = seconds(1);

/** What only the start has needed is not needed after this. */
const started = seconds(30);

/** After so many changes some of it may have been needed again; to give it back takes 5 ms. */
const someWork = 20;

const run = async (options: Options, log: Log, signal: AbortSignal): Promise<void> => {
  const self = options['node-name'];
  const namespace = options.namespace || podNamespace();
  if (namespace === undefined) throw new Error('no namespace: give --namespace or METALLB_NAMESPACE outside a pod');
  const tls = parseTlsOptions(options);
  if (!tls.ok) throw new Error(tls.error);
  log.info('starting', { event: 'startup', version: packageJson.version, namespace });

  const lan = await enterLan({ options, clock, log, limits: endLimits });
  const { membership, responder, hasBeacon } = lan;

  const metrics = createMetrics();
  processMetrics(metrics);
  const clientMetrics = kubernetesClientMetrics(metrics);
  const ours = speakerMetrics(metrics, self);

  const credentials = await loadCredentials({ clock, kubeconfig: options.kubeconfig });
  const api = createClient({ credentials, clock, userAgent: `metallb-speaker/${packageJson.version}` });
  const recorder = createEventRecorder({ api, clock, log, wallTime, component: 'metallb-speaker', host: self });
  let updatedAt = clock.now();
  // What is said of an address is written after the frames that announce it, and not while more addresses are coming.
  const gate = eventGate({ clock, busyUntil: () => updatedAt });
  const rests = [
    collectAtRest(clock, () => {
      shrinkHeap();
      responder.shrink();
    }),
    collectAtRest(clock, giveBackMemory, someWork),
  ];
  const worked = (): void => {
    for (const rest of rests) rest.worked();
  };
  clock.after(started, giveBackMemory);
  const pod = ownPod(api, namespace, options['pod-name']);

  const writer = createL2StatusWriter({
    api,
    clock,
    log,
    wallTime,
    namespace,
    self,
    owner: pod,
    whenQuiet: gate.pass,
    onUpdate: worked,
  });
  const services = createAnnouncementReporter({
    self,
    clock,
    serviceOf: (key) => cluster.mirrors.services.get(key),
    writer,
    tell: ({ key, namespace: ofService, name, uid }, event) => {
      const { apiVersion, kind } = resources.services;
      const { type, reason, message } = event;
      if (type === 'Warning') log.warn('service event', { service: key, reason, message });
      gate.pass(() => recorder.record({ apiVersion, kind, namespace: ofService, name, uid }, event));
    },
    announced: ours.announced,
  });
  const node = createNodeReporter({
    clock,
    beaconPort: options['beacon-port'],
    answers: services.answers,
    tell: (event) => {
      log.warn(event.message, { event: event.reason });
      void tellOfPod(event);
    },
  });
  const tellOfPod = async (event: EventText): Promise<void> => {
    try {
      const object = await pod();
      if (object !== undefined) recorder.record({ ...object, namespace }, event);
    } catch (error) {
      log.warn('an event is not written: the own pod cannot be read', { error });
    }
  };
  const state = createConfigurationState({
    api,
    leadership: soleLeader,
    clock,
    log,
    wallTime,
    metallbNamespace: namespace,
    process: stateOfSpeaker(self),
    owner: pod,
    onError: (error, retryAfter) =>
      log.warn('configuration state not written', { error, retryAfterMs: Math.round(retryAfter) }),
  });

  const cluster = watchCluster({
    api,
    clock,
    log,
    namespace,
    podSelector: options['ml-labels'] || defaultPodSelector,
    legacyName: options.config,
    metrics: clientMetrics,
    onProblems: state.report,
    onUpdate: () => {
      clientMetrics.updates.inc();
      updatedAt = clock.now();
      worked();
    },
    speaker: () => changes,
  });
  const speaker = createSpeaker({
    self,
    loadBalancerClass: options['lb-class'],
    ignoreExcludeLabel: options['ignore-exclude-lb'],
    election: options.election === 'metallb' ? 'metallb' : 'default',
    hasBeacon,
    isRebalancing: options.rebalance,
    membership: membership === undefined ? 'api' : 'memberlist',
    mirrors: cluster.mirrors,
    responder,
    onAnnouncement: services.onAnnouncement,
    clock,
    log,
  });
  const participants = createParticipants({
    self,
    membership,
    pods: () => cluster.mirrors.pods.values(),
    clock,
    onMembers: (members, isComplete) => {
      const names = [self, ...members.map((member) => member.node)];
      responder.members(members, isComplete);
      services.onMembers(names);
      node.onMembers(names);
    },
    onKnown: (members) => {
      if (membership !== undefined) speaker.onMembers(members);
    },
  });
  const changes: typeof speaker = {
    ...speaker,
    onPod: (change) => {
      speaker.onPod(change);
      participants.podsChanged();
    },
  };
  const ownAddress = parseIp(options['ml-bindaddr']);
  const onDuplicateName = (name: string, addresses: readonly Ip[]): void => {
    node.onDuplicateName(name, addresses);
    if (name !== self || !ownAddress.ok || !isNameOfAnother(cluster.mirrors.nodes.get(self), ownAddress.value)) return;
    // Nobody catches it: the process ends, and what it held is the other's.
    throw new Error(
      `another machine goes by the name "${self}", and its address stands in the Node object: rename one`,
    );
  };
  membership?.onConflict(({ name, addresses }) => onDuplicateName(name, addresses));
  const failover = failoverMetrics(metrics, node.unheard);
  responder.onReport(
    readReports({ speaker, services, node: { ...node, onDuplicateName }, metrics: ours, failover, log }),
  );
  void cluster.synced.then(() => {
    clientMetrics.configLoaded.set(1);
    responder.watchCurrent(cluster.isCurrent());
    speaker.synced();
    participants.start();
    log.info('every watch is synced', { event: 'synced' });
  });

  const whyNotReady = (): string | undefined => {
    if (lan.isLeft()) return 'ending';
    return speaker.isReady() ? undefined : 'not synced yet';
  };
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
      onError: (error) => log.error('an HTTP request failed', { error }),
    }),
  ]);

  await runTogether(signal, (working) => [
    cluster.run(working),
    writer.run(working),
    state.run(working),
    lan.run(working),
    tellWatches(responder, cluster.isCurrent, working),
  ]);
  gate.open();
  await recorder.close(endLimits.events);
  for (const server of servers) await server?.close();
  api.close();
};

const tellWatches = async (
  responder: Pick<ResponderThread, 'watchCurrent'>,
  isCurrent: () => boolean,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    await sleep(clock, watchCheck, signal);
    responder.watchCurrent(isCurrent());
  }
};

await runProgram({
  name: 'speaker',
  process,
  clock,
  invocation: parseOptions(packageJson.version, process.argv.slice(2), process.env),
  createLog: (options) => createLog({ level: options['log-level'], fields: { node: options['node-name'] } }),
  endLimit: endLimits.all,
  run,
});
