import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };
import { collectAtRest, shrinkHeap } from '../src/io/collect-at-rest.ts';
import { realClock } from '../src/io/real-clock.ts';
import type { Api } from '../src/k8s/client/api.ts';
import { createClient } from '../src/k8s/client/client.ts';
import { countWrites } from '../src/k8s/client/counted-api.ts';
import { loadCredentials, podNamespace } from '../src/k8s/client/credentials.ts';
import { createEventRecorder } from '../src/k8s/events/events.ts';
import { fenceWrites } from '../src/k8s/leadership/fenced-api.ts';
import { createLeaderElection, type LeaderElection, soleLeader } from '../src/k8s/leadership/leader-election.ts';
import { ownPod } from '../src/k8s/own-pod.ts';
import type { BgpType } from '../src/lib/bgp-type.ts';
import type { Log } from '../src/lib/log.ts';
import { runTogether } from '../src/lib/tasks.ts';
import { untilAborted } from '../src/lib/time.ts';
import { createLog } from '../src/observe/log.ts';
import { runProgram } from '../src/observe/run-program.ts';
import { createCertificates } from './certificates/certificates.ts';
import { createConfigurationState, stateOfController } from '../src/k8s/configuration-state.ts';
import { createController } from './controller.ts';
import { endLimits } from './ending.ts';
import { createLegacyConfig } from './legacy-config.ts';
import { ensureMemberlistSecret } from './memberlist-secret.ts';
import { controllerMetrics } from './metrics.ts';
import { type Options, parseOptions } from './options.ts';
import { createRivalWatch, withoutRivals } from './rival.ts';
import { openServers } from './servers.ts';

const clock = realClock;
const wallTime = Date.now;

/** Name of the Lease by which the replicas agree. */
const leaseName = 'metallb-controller';

/** Serves until the signal aborts; rejects if it cannot start. */
const run = async (options: Options, log: Log, signal: AbortSignal, bgpType: BgpType): Promise<void> => {
  const metallbNamespace = options.namespace || podNamespace();
  if (metallbNamespace === undefined)
    throw new Error('no namespace: not in a pod, no --namespace, no METALLB_NAMESPACE');
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
  const api = fenceWrites(counted(client), { leadership, clock });

  const events = createEventRecorder({ api, clock, log, wallTime, component: 'metallb-controller', host: '' });
  const configurationState = createConfigurationState({
    api,
    leadership,
    clock,
    log,
    wallTime,
    metallbNamespace,
    process: stateOfController,
    owner: ownPod(api, metallbNamespace, podName),
    onError: (error, retryAfter) => {
      metrics.updateErrors.inc();
      log.warn('configuration state not written', { error, retryAfterMs: Math.round(retryAfter) });
    },
  });
  const legacy = createLegacyConfig({
    api: client,
    writer: api,
    leadership,
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

  const servers = await openServers(
    { api: urgent, clock, wallTime, log, controller, certificates, rivals },
    { options, metallbNamespace, podName, bgpType },
  );
  const secret = { namespace: metallbNamespace, name: options['ml-secret-name'], deployment: options.deployment };

  const work = async (working: AbortSignal): Promise<void> =>
    runTogether(working, (watching) => [
      controller.run(watching),
      ensureMemberlistSecret({ api, leadership, clock, log, ...secret }, watching),
      configurationState.run(watching),
      legacy.run(watching),
      rivals.run(watching),
      certificates?.run(watching),
    ]);
  const released = new AbortController();
  await runTogether(signal, (working) => [
    election.run(released.signal),
    (async () => {
      try {
        await work(working);
      } finally {
        // What was under way has ended while this replica still leads; now another may. What has not must not meet the
        // writes of another: then the lease runs out by itself.
        await events.close(endLimits.events);
        if (api.isAtRest()) await election.release();
        released.abort();
      }
    })(),
  ]);
  await servers.close();
  client.close();
  urgent.close();
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

await runProgram({
  name: 'controller',
  process,
  clock,
  invocation: parseOptions(packageJson.version, process.argv.slice(2), process.env),
  createLog: (options) => createLog({ level: options['log-level'] }),
  endLimit: endLimits.all,
  run,
});
